// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "driver/dragonfly/cluster.hpp"
#include "io/key_records.hpp"

namespace vbackup::driver::dragonfly {

// Puts keys back by RESTORE in pipelines, each key to the master that owns its slot now; redirections are followed. What is
// under way weighs a few MiB at most, or is one key. One thread at a time.
class KeySender {
public:
    // With `replace` a key of the same name goes; without, it stays as it is and is counted.
    KeySender(Call& call, Layout layout, bool replace);

    void send(io::KeyRecord record);
    // Waits for the answers that are due. Throws Error{refused} for a value that the server does not take.
    void finish();

    struct Counts {
        std::uint64_t sent = 0;  // and taken
        std::uint64_t left = 0;  // as they were
    };
    const std::map<std::uint32_t, Counts>& counts() const { return counts_; }

private:
    // What is sent to a server and not answered: a key, or a command that concerns the next one.
    struct Pending {
        io::KeyRecord record;
        bool is_key = true;
        int moves = 0;
    };
    struct Link {
        std::unique_ptr<net::Resp> wire;
        std::deque<Pending> pending;
        std::uint32_t database = 0;
    };

    Link& link_to(const net::RespServer& server);
    Link& owner_of(const std::string& key);
    void queue(Link& link, Pending pending);
    void take(Link& link);
    void take_error(Link& link, Pending pending, const net::Reply& error);
    void drain(std::uint64_t until);

    Call& call_;
    Layout layout_;
    bool replace_;
    std::map<std::string, Link> links_;      // by address
    std::map<unsigned, std::string> moved_;  // slots whose owner is not the layout's any more
    std::uint64_t weight_ = 0;
    std::map<std::uint32_t, Counts> counts_;
};

}  // namespace vbackup::driver::dragonfly
