// SPDX-License-Identifier: Apache-2.0
#include "net/answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "net/trace.hpp"

namespace vbackup::net {

namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string_view without_leading_space(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    return text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

// "https://login.example/path?x" -> "https://login.example": a query may hold what is nobody's business.
std::string_view place(std::string_view location) {
    const auto scheme = location.find("://");
    if (scheme == std::string_view::npos) return location.substr(0, location.find('?'));
    return location.substr(0, location.find_first_of("/?", scheme + 3));
}

struct Verdict {
    ErrorKind kind;
    std::string_view says;  // why, when the server itself says nothing
    std::string_view hint;
};

constexpr std::string_view page_hint =
    "a web page came instead of the database's answer: a proxy seems to have answered; check the address and port";

Verdict verdict_of_page(int status) {
    if (status == 401 || status == 403) {
        return {ErrorKind::denied, "denied by something in front of the server",
                "the answer is a web page: a proxy in front of the server seems to want a login of its own"};
    }
    if (status == 502 || status == 503 || status == 504) {
        return {ErrorKind::unreachable, "a proxy says that the server behind it does not answer",
                "check that the server behind the proxy runs"};
    }
    return {ErrorKind::not_understood, "a web page instead of an answer", page_hint};
}

Verdict verdict_of(int status) {
    switch (status) {
        case 401:
            return {ErrorKind::denied, "the server wants a key", "check that the target's API key is set and right"};
        case 403:
            return {ErrorKind::denied, "the key may not do this", "use a key with the right to do this"};
        case 404:
        case 410:
            return {ErrorKind::not_found, "not found", ""};
        case 408:
            return {ErrorKind::busy, "the server took too long", "try again later"};
        case 425:
        case 429:
            return {ErrorKind::busy, "too many requests", "try again later"};
        case 409:
            return {ErrorKind::conflict, "it exists already, or something else is going on with it", ""};
        case 412:
            return {ErrorKind::conflict, "the file changed on the server while it was read", "start again"};
        case 501:
            return {ErrorKind::unsupported, "the server cannot do this", ""};
        case 502:
        case 504:
            return {ErrorKind::unreachable, "a gateway got no answer from the server",
                    "check that the server behind the gateway runs"};
        case 503:
            return {ErrorKind::busy, "the server is not available now", "try again later"};
        case 507:
            return {ErrorKind::storage, "the server has no space left", "make space on the server"};
        default:
            break;
    }
    if (status >= 200 && status < 300) return {ErrorKind::not_understood, "the answer makes no sense", ""};
    return {ErrorKind::failed, status >= 500 ? "the server failed" : "the server refuses this request",
            status >= 500 ? "the server's log may say more" : ""};
}

constexpr Verdict too_large = {ErrorKind::refused, "the request is too large",
                               "a proxy before the server limits the size of requests: raise its limit (nginx: "
                               "client_max_body_size), or address the "
                               "server itself"};

}  // namespace

bool looks_like_html(const Response& response) {
    if (lower(response.header("content-type").substr(0, 9)) == "text/html") return true;
    const std::string begin = lower(without_leading_space(response.body).substr(0, 14));
    return begin.starts_with("<!doctype html") || begin.starts_with("<html");
}

std::string plain_words(const Response& response) {
    const std::string_view body = without_leading_space(response.body);
    if (looks_like_html(response) || body.starts_with('{') || body.starts_with('[') || body.starts_with('<')) return {};
    return one_line(body.substr(0, body.find_last_not_of(" \t\r\n") + 1), 200);
}

void throw_for_status(const Response& response, std::string_view what, std::string_view server_words) {
    const int status = response.status;
    if (status >= 300 && status < 400) {
        const std::string where = one_line(safe_url(place(response.header("location"))), 120);
        throw Error(ErrorKind::not_understood,
                    fmt::format("{}: sent on to {} (HTTP {})", what, where.empty() ? "nowhere" : where, status),
                    "vbackup follows no redirects: give the address of the database itself");
    }
    const bool page = looks_like_html(response);
    const Verdict verdict = status == 413 ? too_large : page ? verdict_of_page(status) : verdict_of(status);
    std::string words = server_words.empty() ? plain_words(response) : one_line(server_words, 400);
    if (words.empty()) words = verdict.says;
    throw Error(verdict.kind, fmt::format("{}: {} (HTTP {})", what, words, status), std::string(verdict.hint));
}

}  // namespace vbackup::net
