// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "net/http.hpp"

namespace vbackup::net {

// The address for traces and errors: values of query fields whose names look like a secret's (key, token, secret, sign,
// password, credential, auth) become "***", and so does everything before an '@' in the authority.
std::string safe_url(std::string_view url);

// "GET http://…/v1/meta -> 200 (103 B, 12ms)"; with bytes sent, "POST … -> 200 (sent 1.5 KiB, 103 B, 12ms)".
std::string trace_answer(std::string_view method, std::string_view url, int status, std::uint64_t sent,
                         std::uint64_t received, Milliseconds took);
// "GET http://…/v1/meta -> failed: connection refused (12ms)".
std::string trace_failure(std::string_view method, std::string_view url, std::string_view why, Milliseconds took);

// One request and what came of it, as a log may keep it: values that authenticate are masked in headers, addresses and
// bodies (net/mask.hpp). Of RESP the commands since the last one noted, by name and number.
struct Exchanged {
    // A body that is text, cut at 16 KiB; `note` says why it is not whole, or not here.
    struct Body {
        std::string type = {};
        std::string text = {};
        std::string note = {};
    };
    std::string method = {};
    std::string url = {};
    Headers sent_headers = {};
    Headers headers = {};
    Body sent_body = {};
    Body body = {};
    std::uint64_t sent = 0;      // bytes of bodies; of RESP those of the commands' words
    std::uint64_t received = 0;  // so far, where it broke off
    int status = 0;              // 0: no answer, and RESP
    std::string failure = {};    // empty: answered whole
    Milliseconds took{0};
    std::map<std::string, std::uint64_t> commands = {};  // RESP
    std::uint64_t errors = 0;                            // RESP: answers that were errors
};

// A Trace that is told of exchanges whole besides the lines. Whoever has only a Trace finds it by `noting_of`.
struct Noting {
    std::function<void(std::string_view line)> line;       // empty: no lines
    std::function<void(const Exchanged& exchange)> whole;  // thread-safe
    bool bodies = true;  // false: they are secrets through and through, such as a token by itself
    std::shared_ptr<const Secret> hidden = {};  // masked wherever it stands: an address that is a secret

    void operator()(std::string_view text) const {
        if (line) line(text);
    }
};

// Null for a Trace that only takes lines. It lives as long as the Trace.
const Noting* noting_of(const Trace& trace);
// The same Trace, told no bodies.
Trace without_bodies(const Trace& trace);

}  // namespace vbackup::net
