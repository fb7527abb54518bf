// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/call.hpp"
#include "net/curl_handle.hpp"
#include "net/resp.hpp"

namespace vbackup::net {

// Bytes to and from one server, plain or by TLS, through a connection that libcurl makes and leaves alone (its "connect
// only" mode). One thread at a time. Errors as in net/resp.hpp.
class RespSocket {
public:
    RespSocket(Call& call, const RespServer& server);
    ~RespSocket();
    RespSocket(const RespSocket&) = delete;
    RespSocket& operator=(const RespSocket&) = delete;

    // Sends all of `bytes`. A server that waits for its answers to be read before it reads on must not hold both sides up,
    // so what comes in meanwhile is appended to `came`.
    void send(Call& call, std::span<const char> bytes, std::string& came);
    // At least one byte.
    std::size_t receive(Call& call, std::span<char> into);

    // What it was before.
    Milliseconds set_silence(Milliseconds silence) { return std::exchange(silence_, silence); }

private:
    void set_options(const std::string& url);
    void connect(Call& call);
    // 0: nothing is there now.
    std::size_t receive_some(Call& call, std::span<char> into);
    std::size_t send_some(Call& call, std::span<const char> bytes);
    void wait(Call& call, bool to_send, Instant since);
    [[noreturn]] void fail(CURLcode code, bool connected);

    const RespServer& server_;
    Wire wire_;
    curl_socket_t socket_ = CURL_SOCKET_BAD;
    Milliseconds silence_{60'000};
    bool added_ = false;
};

}  // namespace vbackup::net
