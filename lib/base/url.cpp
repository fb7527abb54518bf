// SPDX-License-Identifier: Apache-2.0
#include "base/url.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_unreserved(char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

[[noreturn]] void refuse_credentials() {
    throw Error(ErrorKind::usage, "the address contains credentials, which other users of this machine could read",
                "name them in the configuration by api_key_file, api_key_env or api_key_command");
}

// Repeats the text only where nothing in it can be a secret.
[[noreturn]] void refuse(std::string_view text, std::string_view why) {
    const bool safe = text.find_first_of("@?#=%") == std::string_view::npos;
    const std::string shown = safe ? fmt::format("'{}'", one_line(text, 120)) : "the address";
    throw Error(ErrorKind::usage, fmt::format("{} is no URL: {}", shown, why),
                "write it like https://database.example:6333");
}

bool is_scheme(std::string_view text) {
    return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    });
}

bool is_ipv6(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    return inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

bool is_host(std::string_view text) {
    return std::all_of(text.begin(), text.end(), is_unreserved);
}

// "Api-Key" and "api_key" are the same name here.
std::string bare_name(std::string_view name) {
    std::string result = lower(name);
    std::erase_if(result, [](char c) { return !is_letter(c) && !is_digit(c); });
    return result;
}

bool names_a_secret(std::string_view parameter) {
    constexpr std::array whole{"key", "pass", "pwd", "sig", "auth", "jwt"};
    constexpr std::array part{"apikey", "token",     "password",  "passwd",        "secret",
                              "bearer", "accesskey", "signature", "authorization", "credential"};
    const std::string name = bare_name(parameter);
    return std::any_of(whole.begin(), whole.end(), [&](std::string_view word) { return name == word; }) ||
           std::any_of(part.begin(), part.end(),
                       [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

void require_no_secret_in(std::string_view query) {
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find_first_of("&;"));
        const std::size_t equals = pair.find('=');
        if (equals != std::string_view::npos && equals + 1 < pair.size() && names_a_secret(pair.substr(0, equals))) {
            refuse_credentials();
        }
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
    }
}

std::uint16_t parse_port(std::string_view text, std::string_view digits) {
    unsigned value = 0;
    bool good = !digits.empty() && digits.size() <= 5;
    for (const char c : digits) {
        good = good && is_digit(c);
        if (good) value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (!good || value == 0 || value > 65535) refuse(text, "the port is no number from 1 to 65535");
    return static_cast<std::uint16_t>(value);
}

void parse_authority(std::string_view text, std::string_view authority, Url& url) {
    const bool bracketed = authority.starts_with('[');
    const std::size_t end = bracketed ? authority.find(']') : authority.find(':');
    if (bracketed) {
        if (end == std::string_view::npos) refuse(text, "a bracket is not closed");
        url.host = lower(authority.substr(1, end - 1));
        if (!is_ipv6(url.host)) refuse(text, "what stands in brackets is no IPv6 address");
        authority.remove_prefix(end + 1);
        if (!authority.empty() && authority.front() != ':') refuse(text, "after the bracket only a port may follow");
    } else {
        url.host = lower(authority.substr(0, end));
        if (!is_host(url.host)) refuse(text, "the name of the machine has a character that is not allowed there");
        authority.remove_prefix(std::min(authority.size(), url.host.size()));
    }
    if (!authority.empty()) url.port = parse_port(text, authority.substr(1));
    if (url.host.empty() && (url.scheme != "file" || url.port != 0)) refuse(text, "nothing stands after '://'");
}

}  // namespace

std::string Url::text() const {
    const bool bracketed = host.find(':') != std::string::npos;
    std::string result = bracketed ? fmt::format("{}://[{}]", scheme, host) : fmt::format("{}://{}", scheme, host);
    if (port != 0) result += fmt::format(":{}", port);
    return result + path;
}

Url parse_url(std::string_view text) {
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos) refuse(text, "'://' is missing");
    Url url;
    url.scheme = lower(text.substr(0, colon));
    if (!is_scheme(url.scheme)) refuse(text, "what stands before '://' is no scheme");

    std::string_view rest = text.substr(colon + 3);
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) refuse_credentials();
    rest.remove_prefix(authority.size());
    if (rest.find('#') != std::string_view::npos) refuse(text, "a '#' has no meaning here");
    if (std::any_of(rest.begin(), rest.end(), is_control)) refuse(text, "it has a control character");
    if (url.scheme != "file" && rest.find(' ') != std::string_view::npos) refuse(text, "it has a space");

    const std::size_t mark = rest.find('?');
    if (mark != std::string_view::npos) url.query = rest.substr(mark + 1);
    require_no_secret_in(url.query);
    url.path = rest.substr(0, mark);
    url.path.erase(url.path.find_last_not_of('/') + 1);
    parse_authority(text, authority, url);
    return url;
}

std::string percent_encode(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            result += c;
        } else {
            result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return result;
}

}  // namespace vbackup
