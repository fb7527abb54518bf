// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "net/resp.hpp"
#include "net/trace.hpp"

namespace vbackup::net {

// Sums up the commands of one connection for a trace that keeps exchanges: how many of which name, bytes, errors; no
// arguments and no answers. One is noted for each `flush`, every five seconds while answers come, and with its end. One thread at
// a time.
class RespLog {
public:
    explicit RespLog(const RespServer& server) : server_(server) {}
    ~RespLog();
    RespLog(const RespLog&) = delete;
    RespLog& operator=(const RespLog&) = delete;

    void sent(std::string name, std::uint64_t bytes);
    void received(std::uint64_t bytes) { sum_.received += bytes; }
    void answered(const Reply& reply);
    void failed(std::string_view why);
    void flush();

private:
    const RespServer& server_;
    Exchanged sum_;
    std::chrono::steady_clock::time_point begun_;
    bool any_ = false;
};

}  // namespace vbackup::net
