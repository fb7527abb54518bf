// SPDX-License-Identifier: Apache-2.0
#include "net/answers.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace vbackup;
using namespace vbackup::net;

namespace {

Response answer(int status, std::string body = {}, Headers headers = {}) {
    Response response;
    response.status = status;
    response.body = std::move(body);
    response.headers = std::move(headers);
    return response;
}

Error thrown(const Response& response, std::string_view words = {}) {
    try {
        throw_for_status(response, "create backup nightly", words);
    } catch (const Error& error) {
        return error;
    }
}

const std::string page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head></html>";

}  // namespace

TEST_CASE("headers are found whatever their case") {
    const Response response = answer(200, "", {{"Content-Type", "text/plain"}, {"etag", "\"1\""}, {"ETag", "\"2\""}});
    CHECK(response.header("content-type") == "text/plain");
    CHECK(response.header("CONTENT-TYPE") == "text/plain");
    CHECK(response.header("ETag") == "\"1\"");
    CHECK(response.header("content") == "");
    CHECK(response.header("content-type2") == "");
}

TEST_CASE("what is a web page") {
    CHECK(looks_like_html(answer(200, page)));
    CHECK(looks_like_html(answer(200, "\xEF\xBB\xBF \r\n<HTML lang=en>")));
    CHECK(looks_like_html(answer(200, "", {{"Content-Type", "Text/HTML; charset=utf-8"}})));
    CHECK_FALSE(looks_like_html(answer(200, "{\"html\":\"<html>\"}", {{"Content-Type", "application/json"}})));
    CHECK_FALSE(looks_like_html(answer(200, "")));
    CHECK_FALSE(looks_like_html(answer(200, "<?xml version=\"1.0\"?>")));
}

TEST_CASE("plain words are one line of text, never JSON or a page") {
    CHECK(plain_words(answer(401, "  Must provide an API key\n")) == "Must provide an API key");
    CHECK(plain_words(answer(500, "{\"status\":{}}")) == "");
    CHECK(plain_words(answer(500, page)) == "");
    CHECK(plain_words(answer(404)) == "");
    CHECK(plain_words(answer(500, "a\x1b[31mb")).find('\x1b') == std::string::npos);
    CHECK(plain_words(answer(500, std::string(5000, 'x'))).size() < 300);
}

TEST_CASE("the statuses and their kinds") {
    struct Row {
        int status;
        ErrorKind kind;
    };
    const Row rows[] = {
        {200, ErrorKind::not_understood}, {301, ErrorKind::not_understood}, {400, ErrorKind::failed},
        {401, ErrorKind::denied},         {403, ErrorKind::denied},         {404, ErrorKind::not_found},
        {408, ErrorKind::busy},           {409, ErrorKind::conflict},       {410, ErrorKind::not_found},
        {412, ErrorKind::conflict},       {413, ErrorKind::refused},        {418, ErrorKind::failed},
        {422, ErrorKind::failed},         {425, ErrorKind::busy},           {429, ErrorKind::busy},
        {500, ErrorKind::failed},         {501, ErrorKind::unsupported},    {502, ErrorKind::unreachable},
        {503, ErrorKind::busy},           {504, ErrorKind::unreachable},    {507, ErrorKind::storage},
    };
    for (const Row& row : rows) {
        CAPTURE(row.status);
        const Error error = thrown(answer(row.status, "{}"), "out of luck");
        CHECK(error.kind() == row.kind);
        CHECK(error.message().find("create backup nightly: ") == 0);
        CHECK(error.message().find(std::to_string(row.status)) != std::string::npos);
        if (row.status != 301) CHECK(error.message().find("out of luck") != std::string::npos);
    }
}

TEST_CASE("a page comes from something in between") {
    CHECK(thrown(answer(200, page)).kind() == ErrorKind::not_understood);
    CHECK(thrown(answer(404, page)).kind() == ErrorKind::not_understood);
    CHECK(thrown(answer(500, page)).kind() == ErrorKind::not_understood);
    CHECK(thrown(answer(404, page)).hint().find("proxy") != std::string::npos);
    CHECK(thrown(answer(403, page)).kind() == ErrorKind::denied);
    CHECK(thrown(answer(502, page)).kind() == ErrorKind::unreachable);
    CHECK(thrown(answer(503, page)).kind() == ErrorKind::unreachable);
    CHECK(thrown(answer(413, page)).kind() == ErrorKind::refused);
    CHECK(thrown(answer(404, page)).message().find('<') == std::string::npos);
}

TEST_CASE("a body too large names the proxy's setting") {
    CHECK(thrown(answer(413)).hint().find("client_max_body_size") != std::string::npos);
}

TEST_CASE("a redirect is told without what its address may hide") {
    const Error error = thrown(answer(302, "", {{"Location", "https://login.example/start?session=s3cret"}}));
    CHECK(error.message() == "create backup nightly: sent on to https://login.example (HTTP 302)");
    CHECK(thrown(answer(302)).message() == "create backup nightly: sent on to nowhere (HTTP 302)");
}

TEST_CASE("without words of the server there are ours") {
    CHECK(thrown(answer(401)).message() == "create backup nightly: the server wants a key (HTTP 401)");
    CHECK(thrown(answer(401, "Must provide an API key")).message() ==
          "create backup nightly: Must provide an API key (HTTP 401)");
}
