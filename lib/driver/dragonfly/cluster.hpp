// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "driver/dragonfly/server.hpp"

namespace vbackup::driver::dragonfly {

inline constexpr unsigned slot_count = 16384;

// A server that owns keys: the only one, or a master of a cluster.
struct Master {
    std::string name;  // its address; also how steps and files name the node
    net::RespServer server;
    std::vector<std::pair<unsigned, unsigned>> slots;  // first and last of each range; empty without a cluster
    std::uint64_t epoch = 0;                           // of its slots: a higher one took them later
    bool is_asked = false;                             // it is the one that told of itself
};

struct Layout {
    bool cluster = false;
    std::vector<Master> masters;         // by name
    std::vector<std::string> obstacles;  // failed masters, slots that nobody owns or that are on their way
    // Which slot is whose, as one text: the same before and after means that no key changed its place.
    std::string text() const;
    // The master of a slot; Error{refused} when it has none.
    const Master& owner(unsigned slot) const;
};

// Each master's own word of its slots, since what others know of them may be old, and each shows only its own as moving.
// Without a cluster the one server.
Layout ask_layout(Call& call, const net::RespServer& seed, const Facts& facts);

// Takes one answer of CLUSTER NODES into the layout; `asked` is who gave it.
void add_nodes(Layout& layout, std::string_view nodes, const net::RespServer& asked);

// The slot of a key: CRC-16 (XMODEM) of what is in its first non-empty braces, or of all of it.
unsigned slot_of(std::string_view key);

// "MOVED 3999 127.0.0.1:6381" and "ASK …": the address. An empty one means the one that was asked.
net::RespServer moved_to(const net::Reply& error, const net::RespServer& asked);

}  // namespace vbackup::driver::dragonfly
