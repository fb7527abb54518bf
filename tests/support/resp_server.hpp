// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/link.hpp"

namespace vbackup::test {

using RespCommand = std::vector<std::string>;

// What one connection is: its responder keeps here what a server keeps of each client.
struct RespSession {
    std::uint32_t database = 0;
    bool logged_in = false;
    bool asking = false;
    bool in_transaction = false;
    bool changed = false;  // a watched key, since
    std::vector<std::string> watched;
    std::vector<RespCommand> queued;
};

// What a command gets: bytes as they go out (see the makers below), and what becomes of the connection then.
struct RespAnswer {
    std::string bytes;
    // later: `bytes` come once `when` is set, and no other command of this connection is worked on before. Others are.
    enum class Then : std::uint8_t { go_on, close, stall, later } then = Then::go_on;
    std::shared_future<std::string> when = {};
};

namespace resp {
std::string ok();
std::string status(std::string_view text);
std::string error(std::string_view text);
std::string integer(std::int64_t number);
std::string text(std::string_view text);
std::string nil();
std::string array(const std::vector<std::string>& items);  // items as they go out
std::string texts(const std::vector<std::string>& items);
}  // namespace resp

// A scripted RESP server on 127.0.0.1, on a port that the kernel chooses, with real sockets. Each connection has a thread; the
// responder is called one at a time. A command that stalls is answered by nothing, until the server's end. Thread-safe.
class RespServer {
public:
    using Responder = std::function<RespAnswer(RespSession&, const RespCommand&)>;
    // Stands between each command and its answer: a command for which `work` is not called never took effect.
    using Tamper = std::function<RespAnswer(const RespCommand&, const std::function<RespAnswer()>& work)>;

    // `deaf`: it reads nothing at all.
    explicit RespServer(Responder responder, bool deaf = false);
    RespServer(const TlsFiles& tls, Responder responder);
    ~RespServer();
    RespServer(const RespServer&) = delete;
    RespServer& operator=(const RespServer&) = delete;

    // From now on every command goes through this; empty: none does.
    void tamper(Tamper tamper);

    std::uint16_t port() const;
    // "127.0.0.1:40123"
    std::string address() const;
    // All commands that came, oldest first.
    std::vector<RespCommand> commands() const;
    // How many began with this word, whatever the case.
    std::size_t count(std::string_view word) const;
    std::size_t connections() const;
    // Ends all connections, as a crash does.
    void disconnect();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace vbackup::test
