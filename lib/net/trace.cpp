// SPDX-License-Identifier: Apache-2.0
#include "net/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.hpp"

namespace vbackup::net {

namespace {

constexpr std::array<std::string_view, 9> secret_words = {"key",        "token", "secret", "sign", "passw",
                                                          "credential", "auth",  "jwt",    "sig"};

bool looks_secret(std::string_view name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::any_of(secret_words.begin(), secret_words.end(),
                       [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

std::string safe_query(std::string_view query) {
    std::string safe;
    while (true) {
        const auto end = query.find('&');
        const std::string_view field = query.substr(0, end);
        const auto equals = field.find('=');
        if (equals != std::string_view::npos && looks_secret(field.substr(0, equals))) {
            safe.append(field.substr(0, equals + 1)).append("***");
        } else {
            safe.append(field);
        }
        if (end == std::string_view::npos) return safe;
        safe.push_back('&');
        query.remove_prefix(end + 1);
    }
}

// "https://user:key@server/x" -> "https://***@server/x".
std::string without_credentials(std::string_view address) {
    const auto scheme = address.find("://");
    const auto authority = scheme == std::string_view::npos ? 0 : scheme + 3;
    const auto end = std::min(address.find('/', authority), address.size());
    const auto at = address.substr(0, end).rfind('@');
    if (at == std::string_view::npos || at < authority) return std::string(address);
    return fmt::format("{}***{}", address.substr(0, authority), address.substr(at));
}

}  // namespace

std::string safe_url(std::string_view url) {
    const auto question = url.find('?');
    std::string safe = without_credentials(url.substr(0, question));
    if (question != std::string_view::npos) safe.append("?").append(safe_query(url.substr(question + 1)));
    return safe;
}

std::string trace_answer(std::string_view method, std::string_view url, int status, std::uint64_t sent,
                         std::uint64_t received, Milliseconds took) {
    const std::string up = sent > 0 ? fmt::format("sent {}, ", format_bytes(sent)) : "";
    return fmt::format("{} {} -> {} ({}{}, {}ms)", method, safe_url(url), status, up, format_bytes(received),
                       took.count());
}

std::string trace_failure(std::string_view method, std::string_view url, std::string_view why, Milliseconds took) {
    return fmt::format("{} {} -> failed: {} ({}ms)", method, safe_url(url), why, took.count());
}

}  // namespace vbackup::net
