// SPDX-License-Identifier: Apache-2.0
#include "net/trace.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "net/mask.hpp"

namespace vbackup::net {

namespace {

std::string safe_query(std::string_view query) {
    std::string safe;
    while (true) {
        const auto end = query.find('&');
        const std::string_view field = query.substr(0, end);
        const auto equals = field.find('=');
        if (equals != std::string_view::npos && looks_secret(field.substr(0, equals))) {
            safe.append(field.substr(0, equals + 1)).append(masked);
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

const Noting* noting_of(const Trace& trace) {
    return trace.target<Noting>();
}

Trace without_bodies(const Trace& trace) {
    const auto* noting = noting_of(trace);
    if (!noting) return trace;
    auto changed = *noting;
    changed.bodies = false;
    return changed;
}

}  // namespace vbackup::net
