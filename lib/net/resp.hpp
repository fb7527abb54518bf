// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/call.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "net/http.hpp"

namespace vbackup::net {

// A server that speaks RESP: Dragonfly, Redis, Valkey.
struct RespServer {
    std::string host;  // a name or an address, IPv6 without brackets
    std::uint16_t port = 6379;
    bool tls = false;
    std::string user;       // of an ACL; empty: the default user
    Secret password;        // empty: none is sent
    Connection connection;  // TLS files and the time-out of connecting; base and secrets are not used
    Trace trace;

    std::string address() const;  // "127.0.0.1:6379", "[::1]:6379": for people
};

// One answer, of version 2 of the protocol (https://redis.io/docs/latest/develop/reference/protocol-spec/).
struct Reply {
    enum class Kind : std::uint8_t { nil, integer, status, text, error, array };

    Kind kind = Kind::nil;
    std::int64_t number = 0;   // integer
    std::string text;          // status, text (any bytes), error
    std::vector<Reply> items;  // array

    bool is_nil() const { return kind == Kind::nil; }
    bool is_error() const { return kind == Kind::error; }
    // The first word of an error: "MOVED", "NOAUTH"; "" for anything else.
    std::string_view code() const;
};

// What an error answer means; `what` says what was tried, such as "BGSAVE".
//
//   NOAUTH, WRONGPASS, NOPERM, DENIED (protected mode)                    denied
//   LOADING, BUSY, TRYAGAIN, CLUSTERDOWN, MASTERDOWN, too many clients    busy
//   OOM, MISCONF                                                          storage
//   READONLY                                                              refused
//   an unknown command or subcommand                                      unsupported
//   BUSYKEY                                                               conflict
//   all else                                                              failed
//
// One of LOADING carries the server's address as context "loading": it is on its way, and waiting for it is worth while.
Error to_error(const Reply& error, const RespServer& server, std::string_view what);

// One connection. Commands are queued, sent and answered in order, so any number may be under way; whoever queues bounds
// what the answers may weigh. Everything happens in the calling thread, one thread at a time. After an error the
// connection is of no further use. Bytes in both directions count against the call's rate.
//
// Throws Error{unreachable} (no connection, or it broke), {stalled} after `silence` without a byte while an answer is
// awaited, {denied}, {not_understood} for what is not RESP or an answer beyond 1 GiB, and {deadline}, {interrupted} by the
// call. No argument is ever put into an error or a trace.
class Resp {
public:
    // Connects and, with a password, logs in.
    Resp(Call& call, const RespServer& server);
    ~Resp();
    Resp(const Resp&) = delete;
    Resp& operator=(const Resp&) = delete;

    // Puts a command behind the others. An argument of more than 1 MiB is sent at once, so that it is not copied.
    void queue(Call& call, std::initializer_list<std::string_view> words);
    void queue(Call& call, std::span<const std::string_view> words);
    // Sends what is queued. Answers that come in meanwhile are kept.
    void send(Call& call);
    // The next answer; sends what is queued before. An error answer is returned like any other.
    Reply read(Call& call);
    // One command and its answer; nothing else may be under way.
    Reply ask(Call& call, std::initializer_list<std::string_view> words);
    // The same; an error answer is thrown as `to_error` says.
    Reply require(Call& call, std::initializer_list<std::string_view> words);

    const RespServer& server() const;
    // How long an answer may not come at all; 60 s at first.
    void set_silence(Milliseconds silence);
    // Has the next answer begun to come? Waits for it as long as `patience` says; false then is no error.
    bool has_answer(Call& call, Milliseconds patience);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace vbackup::net
