// SPDX-License-Identifier: Apache-2.0
// Whatever comes over a wire is read or refused: RESP, XML, the heads of answers, keys and profiles of AWS.
#include "support/fuzz.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.hpp"
#include "net/answers.hpp"
#include "net/aws_credentials.hpp"
#include "net/aws_profile.hpp"
#include "net/http.hpp"
#include "net/resp.hpp"
#include "net/resp_parser.hpp"
#include "net/xml.hpp"

using namespace vbackup;
using test::must;

namespace {

std::string printed(const net::Reply& reply) {
    using Kind = net::Reply::Kind;
    switch (reply.kind) {
        case Kind::nil:
            return "$-1\r\n";
        case Kind::integer:
            return ":" + std::to_string(reply.number) + "\r\n";
        case Kind::status:
            return "+" + reply.text + "\r\n";
        case Kind::error:
            return "-" + reply.text + "\r\n";
        case Kind::text:
            return "$" + std::to_string(reply.text.size()) + "\r\n" + reply.text + "\r\n";
        case Kind::array:
            break;
    }
    std::string text = "*" + std::to_string(reply.items.size()) + "\r\n";
    for (const auto& item : reply.items) text += printed(item);
    return text;
}

// All answers in `text`, given to the parser in pieces of `piece` bytes.
std::string answers_in(const std::string& text, std::size_t piece) {
    net::RespParser parser;
    std::string all;
    for (std::size_t at = 0; at < text.size() && !parser.broken(); at += piece) {
        parser.feed(std::string_view(text).substr(at, piece));
        while (const auto reply = parser.next()) {
            net::to_error(*reply, {.host = "127.0.0.1"}, "ask");
            all += printed(*reply);
        }
    }
    if (parser.broken()) must(!parser.why().empty(), "it does not say what is wrong");
    return all;
}

void read_resp(const std::string& text) {
    const auto all = answers_in(text, text.size());
    must(answers_in(all, 7) == all, "printed and read in pieces it is another one");
    if (text.size() < 5000) must(answers_in(text, 1) == all, "in pieces it reads otherwise");
}

std::size_t count(const net::Xml& element) {
    std::size_t all = 1 + element.text.size() + element.name.size();
    for (const auto& one : element.children) all += count(one);
    return all;
}

void read_xml(const std::string& text) {
    const auto top = net::parse_xml(text);
    must(!top.name.empty(), "an element has no name");
    must(count(top) <= 100 * text.size(), "it is much larger than it was");
    top.text_of("Key");
}

// "503 text/html\nRetry-After: 5\n\nbody".
net::Response response_of(const std::string& text) {
    net::Response response;
    response.status = 100 + static_cast<int>(text.empty() ? 0 : static_cast<unsigned char>(text.front()) * 2);
    const auto body = text.find("\n\n");
    response.body = body == std::string::npos ? "" : text.substr(body + 2);
    const auto head = text.substr(0, body);
    for (std::size_t at = 0; at < head.size();) {
        const auto line = head.substr(at, head.find('\n', at) - at);
        at += line.size() + 1;
        const auto colon = line.find(':');
        if (colon == std::string::npos) continue;
        if (line.starts_with("Status")) response.status = std::atoi(line.c_str() + colon + 1);
        response.headers.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 2, line.size())));
    }
    return response;
}

void read_answer(const std::string& text) {
    const auto response = response_of(text);
    const auto now = Moment{} + Seconds(1'795'247'220);
    const auto wait = net::retry_after(response.header("retry-after"), now);
    must(wait.count() >= 0 && wait <= std::chrono::hours(1), "it waits too long");
    net::http_date(response.header("date"));
    net::looks_like_html(response);
    const auto words = net::plain_words(response);
    must(words.find_first_of("\n\r\x1b") == std::string::npos && words.size() < 1000, "that is no line for a person");
    try {
        net::throw_for_status(response, "ask");
    } catch (const Error& error) {
        must(error.message().find_first_of("\n\r\x1b") == std::string::npos, "the error is no line for a person");
        must(error.message().size() < 2000 && error.hint().size() < 2000, "the error repeats too much");
    }
}

void read_aws(const std::string& text) {
    for (const auto& [name, values] : net::parse_aws_file(text)) {
        for (const auto& [key, value] : values)
            must((key + value).find('\n') == std::string::npos, "a setting has more than one line");
    }
    const auto keys = net::parse_aws_keys(text, "the instance");
    must(!keys.access_key.empty(), "keys without a name");
}

}  // namespace

TEST_CASE("fuzz: RESP") {
    const test::Fuzz about{
        .corpus = "resp",
        .words = {"*",
                  "$",
                  "+",
                  "-",
                  ":",
                  "\r",
                  "*0\r\n",
                  "*-1\r\n",
                  "$-1\r\n",
                  "$0\r\n\r\n",
                  ":1\r\n",
                  "+OK\r\n",
                  "-ERR x\r\n",
                  "*2147483647\r\n",
                  "*4294967295\r\n",
                  "$1073741825\r\n",
                  "%1\r\n",
                  "~1\r\n",
                  "_\r\n",
                  "#t\r\n",
                  ",1.5\r\n",
                  "(123\r\n",
                  "=5\r\ntxt:a\r\n",
                  ">1\r\n",
                  "|1\r\n"},
        .nests = {{"\r\n", "*1\r\n", "", ":1\r\n"}, {"", "*2\r\n:1\r\n", "", ":1\r\n"}, {"", "*0\r\n", "", ""}},
        .rounds = 400};
    CHECK(test::fuzz(about, read_resp) == "");
}

TEST_CASE("fuzz: XML") {
    const test::Fuzz about{
        .corpus = "xml",
        .words = {"<", ">", "</", "/>", "&amp;", "&#0;", "&#x10FFFF;", "&a;", "<![CDATA[", "]]>", "<!--", "-->",
                  "<?xml ", "<!DOCTYPE a [", "<!ENTITY a \"b\">", "xmlns=\"\"", "a:b", "<Key>", "</Key>"},
        .nests = {
            {">", "<a>", "</a>", ""}, {"", "<a:b>", "</a:b>", ""}, {">", "<a b='", "'/>", ""}, {"", "&a;", "", ""}}};
    CHECK(test::fuzz(about, read_xml) == "");
}

TEST_CASE("fuzz: heads and bodies of answers") {
    const test::Fuzz about{
        .corpus = "answer",
        .words = {"Status: 3", "Status: 503", "Retry-After: ", "Location: ", "Content-Type: text/html", "<html>", "GMT",
                  "Sat, ", "\n\n", "29 Feb", "24:00:00", "<!doctype html>"},
        .values = {" 0", " -1", " 1e9", " 999999999999", " Sat, 21 Nov 2026 07:47:00 GMT", " http://[", ""},
        .rounds = 3000};
    CHECK(test::fuzz(about, read_answer) == "");
}

TEST_CASE("fuzz: keys and profiles of AWS") {
    auto about = test::json_fuzz(
        "aws", {"[profile a]\n", "[default]\n", "=", " = ", "\n  ", "#", ";", "[", "]", "AccessKeyId", "Expiration"});
    about.rounds = 400;
    CHECK(test::fuzz(about, read_aws) == "");
}
