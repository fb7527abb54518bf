// SPDX-License-Identifier: Apache-2.0
#include "cli/session/ping.hpp"

#include <fmt/format.h>

#include <random>

#include "base/error.hpp"
#include "base/tally.hpp"
#include "net/trace.hpp"

namespace vbackup::cli {

namespace {

constexpr Milliseconds longest{10'000};
constexpr std::size_t longest_log = 10'000;

// A random UUID (RFC 9562, version 4).
std::string uuid() {
    std::random_device random;
    std::uint32_t parts[4];
    for (auto& part : parts) part = random();
    parts[1] = (parts[1] & 0xffff0fffU) | 0x4000U;
    parts[2] = (parts[2] & 0x3fffffffU) | 0x80000000U;
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:04x}{:08x}", parts[0], parts[1] >> 16U, parts[1] & 0xffffU,
                       parts[2] >> 16U, parts[2] & 0xffffU, parts[3]);
}

// Where the path of an address begins; its size when it has none.
std::size_t path_of(std::string_view url) {
    const auto authority = url.find("://");
    return std::min(url.find_first_of("/?", authority == std::string_view::npos ? 0 : authority + 3), url.size());
}

// What nobody may see in "https://server/ping/uuid/?x=1": "ping/uuid", as it stands in every address that is asked.
std::string_view secret_part(std::string_view url) {
    auto part = url.substr(path_of(url));
    part = part.substr(0, part.find('?'));
    while (part.starts_with('/')) part.remove_prefix(1);
    while (part.ends_with('/')) part.remove_suffix(1);
    return part;
}

}  // namespace

Ping::Ping(Secret url, const Clock& clock, std::function<void(std::string)> warn, const net::Trace& trace)
    : url_(std::move(url)), run_(uuid()), clock_(clock), warn_(std::move(warn)) {
    const auto* noting = net::noting_of(trace);
    if (!noting) return;
    const auto address = url_.reveal();
    // The address that is asked, and libcurl's words about it, are not told; where the service repeats it, it is masked.
    auto whole = [to = noting->whole,
                  shown = std::string(address.substr(0, path_of(address))) + "/***"](net::Exchanged exchange) {
        exchange.url = shown;
        if (!exchange.failure.empty()) exchange.failure = "no answer";
        to(exchange);
    };
    trace_ = net::Noting{.line = {},
                         .whole = std::move(whole),
                         .hidden = std::make_shared<const Secret>(std::string(secret_part(address)))};
}

void Ping::start() {
    send("/start", "");
}

void Ping::end(int exit_code, std::string_view log) {
    if (log.size() > longest_log) log.remove_prefix(log.size() - longest_log);
    send(fmt::format("/{}", exit_code), log);
}

void Ping::send(const std::string& suffix, std::string_view body) {
    if (url_.empty()) return;
    try {
        const auto url = url_.reveal();
        const auto split = path_of(url);
        const auto question = std::min(url.find('?', split), url.size());
        auto path = std::string(url.substr(split, question - split));
        while (path.ends_with('/')) path.pop_back();
        const auto query = question == url.size() ? "?" : std::string(url.substr(question)) + "&";
        // Its own time, and no stop: that a run was ended is told too.
        Tally tally;
        Call call{.clock = clock_, .tally = tally, .deadline = clock_.now() + longest};
        const net::Http http(
            net::Connection{.base = std::string(url.substr(0, split)), .connect_timeout = Milliseconds(5'000)}, trace_);
        const auto answer = http.send(call,
                                      {.method = "POST",
                                       .path = path + suffix + query + "rid=" + run_,
                                       .body = std::string(body),
                                       .content_type = "text/plain; charset=utf-8",
                                       .silence = Milliseconds(5'000),
                                       .most = std::size_t{64} << 10U},
                                      false);
        if (!answer.ok()) warn_(fmt::format("the check at ping_url did not take the ping: HTTP {}", answer.status));
    } catch (const Error& error) {
        // The message may name the address.
        warn_(fmt::format("the check at ping_url could not be told: {}", describe(error.kind()).meaning));
    }
}

}  // namespace vbackup::cli
