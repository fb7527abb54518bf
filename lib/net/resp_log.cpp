// SPDX-License-Identifier: Apache-2.0
#include "net/resp_log.hpp"

#include <fmt/format.h>

#include <utility>

namespace vbackup::net {

namespace {

constexpr auto longest = std::chrono::seconds(5);

}  // namespace

RespLog::~RespLog() {
    try {
        flush();
    } catch (const std::exception&) {
        // The last words of a log are not worth more than what goes on here.
    }
}

void RespLog::sent(std::string name, std::uint64_t bytes) {
    if (!noting_of(server_.trace)) return;
    if (!std::exchange(any_, true)) begun_ = std::chrono::steady_clock::now();
    ++sum_.commands[std::move(name)];
    sum_.sent += bytes;
}

void RespLog::answered(const Reply& reply) {
    if (!any_) return;
    if (reply.is_error()) ++sum_.errors;
    if (std::chrono::steady_clock::now() - begun_ >= longest) flush();
}

void RespLog::failed(std::string_view why) {
    if (!noting_of(server_.trace)) return;
    if (!std::exchange(any_, true)) begun_ = std::chrono::steady_clock::now();
    sum_.failure = why;
    flush();
}

void RespLog::flush() {
    if (!std::exchange(any_, false)) return;
    auto sum = std::exchange(sum_, {});
    sum.method = "RESP";
    sum.url = fmt::format("{}://{}", server_.tls ? "rediss" : "redis", server_.address());
    sum.took = std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begun_);
    noting_of(server_.trace)->whole(sum);
}

}  // namespace vbackup::net
