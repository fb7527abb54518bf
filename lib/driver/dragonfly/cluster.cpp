// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/error.hpp"

namespace vbackup::driver::dragonfly {

namespace {

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const auto word = line.substr(0, line.find(' '));
        if (!word.empty()) words.push_back(word);
        line.remove_prefix(std::min(line.size(), word.size() + 1));
    }
    return words;
}

template <typename Number>
Number number_of(std::string_view text) {
    Number value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size())
        throw Error(ErrorKind::not_understood, "CLUSTER NODES holds something that is no number where one is due");
    return value;
}

// "127.0.0.1:7000@17000,name", and "host:port" in redirections. Nothing before the colon means the one that was asked.
net::RespServer at_address(std::string_view text, const net::RespServer& asked) {
    text = text.substr(0, text.find_first_of("@,"));
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos)
        throw Error(ErrorKind::not_understood, "a node of the cluster is given without an address");
    auto server = asked;
    server.port = number_of<std::uint16_t>(text.substr(colon + 1));
    auto host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (!host.empty()) server.host = host;
    return server;
}

void add_slots(Layout& layout, Master& master, std::string_view word) {
    // "[77->-0123…]" is on its way out, "[77-<-0123…]" on its way in.
    if (word.starts_with('[')) {
        layout.obstacles.push_back(
            fmt::format("slot {} of {} is being moved", word.substr(1, word.find('-') - 1), master.name));
        return;
    }
    const auto dash = word.find('-');
    const auto first = number_of<unsigned>(word.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_of<unsigned>(word.substr(dash + 1));
    if (first > last || last >= slot_count)
        throw Error(ErrorKind::not_understood, fmt::format("CLUSTER NODES names slots {} to {}", first, last));
    master.slots.emplace_back(first, last);
}

bool says(std::string_view flags, std::string_view flag) {
    while (!flags.empty()) {
        const auto one = flags.substr(0, flags.find(','));
        if (one == flag) return true;
        flags.remove_prefix(std::min(flags.size(), one.size() + 1));
    }
    return false;
}

// Slots that two call their own: the one of the lower epoch has not heard yet that it lost them.
void add_overlap(std::vector<std::string>& obstacles, const Master& one, const Master& other) {
    for (const auto& [first, last] : one.slots) {
        for (const auto& [from, to] : other.slots) {
            if (first > to || from > last) continue;
            const auto& older = one.epoch < other.epoch ? one : other;
            obstacles.push_back(fmt::format("slot {} has two masters, {} and {}: {} does not know yet that it lost it",
                                            std::max(first, from), one.name, other.name, older.name));
            return;
        }
    }
}

void require_covered(Layout& layout) {
    std::vector<bool> owned(slot_count);
    for (const auto& master : layout.masters)
        for (const auto& [first, last] : master.slots)
            for (auto slot = first; slot <= last; ++slot) owned[slot] = true;
    for (const auto& master : layout.masters)
        for (const auto& other : layout.masters)
            if (master.name < other.name) add_overlap(layout.obstacles, master, other);
    const auto without = std::count(owned.begin(), owned.end(), false);
    if (without > 0) layout.obstacles.push_back(fmt::format("{} slots of the cluster have no master", without));
}

}  // namespace

std::string Layout::text() const {
    std::string all;
    for (const auto& master : masters) {
        all += fmt::format("{} {}", master.name, master.epoch);
        for (const auto& [first, last] : master.slots) all += fmt::format(" {}-{}", first, last);
        all += '\n';
    }
    return all;
}

const Master& Layout::owner(unsigned slot) const {
    if (!cluster && !masters.empty()) return masters.front();
    for (const auto& master : masters)
        for (const auto& [first, last] : master.slots)
            if (first <= slot && slot <= last) return master;
    throw Error(ErrorKind::refused, fmt::format("slot {} of the cluster has no master", slot),
                "`vbackup check` shows the cluster; mend it first");
}

void add_nodes(Layout& layout, std::string_view nodes, const net::RespServer& asked) {
    while (!nodes.empty()) {
        auto line = nodes.substr(0, nodes.find('\n'));
        nodes.remove_prefix(std::min(nodes.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto words = words_of(line);
        if (words.empty()) continue;
        if (words.size() < 8)
            throw Error(ErrorKind::not_understood, "a line of CLUSTER NODES has fewer than eight words");
        const auto flags = words[2];
        if (!says(flags, "master") || (words.size() == 8 && !says(flags, "myself"))) continue;
        if (words.size() == 8) continue;
        Master master{.name = {}, .server = at_address(words[1], asked), .slots = {}};
        master.epoch = number_of<std::uint64_t>(words[6]);
        master.is_asked = says(flags, "myself");
        master.name = master.server.address();
        if (says(flags, "fail") || says(flags, "noaddr"))
            layout.obstacles.push_back(fmt::format("master {} has failed", master.name));
        for (std::size_t n = 8; n < words.size(); ++n) add_slots(layout, master, words[n]);
        layout.masters.push_back(std::move(master));
    }
}

namespace {

// Its slots and their epoch as it tells of itself.
void ask_own(Call& call, Master& master, std::vector<std::string>& obstacles) {
    net::Resp wire(call, master.server);
    Layout its;
    add_nodes(its, wire.require(call, {"CLUSTER", "NODES"}).text, master.server);
    for (auto& obstacle : its.obstacles) obstacles.push_back(std::move(obstacle));
    const auto own = std::find_if(its.masters.begin(), its.masters.end(), [](const auto& one) { return one.is_asked; });
    if (own == its.masters.end()) {
        obstacles.push_back(fmt::format("{} says that it is no master with slots", master.name));
        return;
    }
    master.slots = std::move(own->slots);
    master.epoch = own->epoch;
}

}  // namespace

Layout ask_layout(Call& call, const net::RespServer& seed, const Facts& facts) {
    Layout layout;
    if (!facts.is_cluster()) {
        layout.masters.push_back({.name = seed.address(), .server = seed, .slots = {}});
        return layout;
    }
    net::Resp wire(call, seed);
    layout.cluster = true;
    add_nodes(layout, wire.require(call, {"CLUSTER", "NODES"}).text, seed);
    for (auto& master : layout.masters) {
        if (master.is_asked) continue;
        try {
            ask_own(call, master, layout.obstacles);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unreachable) throw;
            layout.obstacles.push_back(error.message());
        }
    }
    std::sort(layout.masters.begin(), layout.masters.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    std::sort(layout.obstacles.begin(), layout.obstacles.end());
    layout.obstacles.erase(std::unique(layout.obstacles.begin(), layout.obstacles.end()), layout.obstacles.end());
    require_covered(layout);
    return layout;
}

unsigned slot_of(std::string_view key) {
    static constexpr auto table = [] {
        std::array<std::uint16_t, 256> made{};
        for (unsigned byte = 0; byte < 256; ++byte) {
            unsigned value = byte << 8;
            for (int bit = 0; bit < 8; ++bit) value = (value & 0x8000) != 0 ? value << 1 ^ 0x1021 : value << 1;
            made[byte] = static_cast<std::uint16_t>(value & 0xFFFF);
        }
        return made;
    }();
    if (const auto open = key.find('{'); open != std::string_view::npos) {
        const auto close = key.find('}', open + 1);
        if (close != std::string_view::npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
    }
    unsigned crc = 0;
    for (const auto c : key) crc = (crc << 8 & 0xFFFF) ^ table[(crc >> 8 ^ static_cast<unsigned char>(c)) & 0xFF];
    return crc % slot_count;
}

net::RespServer moved_to(const net::Reply& error, const net::RespServer& asked) {
    const auto words = words_of(error.text);
    if (words.size() < 3) throw Error(ErrorKind::not_understood, "a redirection of the cluster names no address");
    return at_address(words[2], asked);
}

}  // namespace vbackup::driver::dragonfly
