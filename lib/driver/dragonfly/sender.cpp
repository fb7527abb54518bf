// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/sender.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::driver::dragonfly {

namespace {

constexpr std::uint64_t window = std::uint64_t{4} << 20;
constexpr int most_moves = 16;

std::uint64_t weight_of(const io::KeyRecord& record) {
    return record.key.size() + record.payload.size() + 64;
}

Error not_taken(const net::Reply& error, const net::RespServer& server, const io::KeyRecord& record) {
    const auto what = fmt::format("RESTORE of \"{}\" in {}", one_line(record.key, 80), name_of(record.database));
    const bool unreadable = error.text.find("version or checksum") != std::string::npos ||
                            error.text.find("Bad data format") != std::string::npos;
    if (!unreadable) return net::to_error(error, server, what);
    return {
        ErrorKind::refused, fmt::format("{}: {} answers: {}", what, server.address(), one_line(error.text, 200)),
        "a server takes the values of its own version and of older ones: restore into a newer server, or one of the "
        "same kind"};
}

}  // namespace

KeySender::KeySender(Call& call, Layout layout, bool replace)
    : call_(call), layout_(std::move(layout)), replace_(replace) {}

KeySender::Link& KeySender::link_to(const net::RespServer& server) {
    auto& link = links_[server.address()];
    if (!link.wire) link.wire = std::make_unique<net::Resp>(call_, server);
    return link;
}

KeySender::Link& KeySender::owner_of(const std::string& key) {
    if (!layout_.cluster) return link_to(layout_.masters.front().server);
    const auto slot = slot_of(key);
    if (const auto moved = moved_.find(slot); moved != moved_.end()) return links_.at(moved->second);
    return link_to(layout_.owner(slot).server);
}

void KeySender::send(io::KeyRecord record) {
    auto& link = owner_of(record.key);
    if (record.database != link.database) {
        // Nothing may follow it until it was taken: behind one that is refused, keys would go where the last ones went.
        while (!link.pending.empty()) take(link);
        link.wire->require(call_, {"SELECT", std::to_string(record.database)});
        link.database = record.database;
    }
    queue(link, {std::move(record)});
    if (weight_ > window) drain(window / 2);
}

void KeySender::queue(Link& link, Pending pending) {
    const auto& record = pending.record;
    weight_ += weight_of(record);
    link.pending.push_back(std::move(pending));
    const auto& kept = link.pending.back().record;
    const auto expiry = std::to_string(kept.expiry);
    if (replace_)
        link.wire->queue(call_, {"RESTORE", kept.key, expiry, kept.payload, "REPLACE", "ABSTTL"});
    else
        link.wire->queue(call_, {"RESTORE", kept.key, expiry, kept.payload, "ABSTTL"});
}

void KeySender::take(Link& link) {
    const auto reply = link.wire->read(call_);
    auto pending = std::move(link.pending.front());
    link.pending.pop_front();
    if (pending.is_key) weight_ -= weight_of(pending.record);
    if (reply.is_error()) return take_error(link, std::move(pending), reply);
    if (!pending.is_key) return;
    const auto sent = ++counts_[pending.record.database].sent;
    if (sent % 16384 == 0)
        call_.tally.stage(fmt::format("{}: {} keys put back", name_of(pending.record.database), sent));
}

void KeySender::take_error(Link& link, Pending pending, const net::Reply& error) {
    const auto& server = link.wire->server();
    if (!pending.is_key) throw net::to_error(error, server, "ASKING");
    if (error.code() == "BUSYKEY") {
        ++counts_[pending.record.database].left;
        return;
    }
    const bool moved = error.code() == "MOVED";
    if ((!moved && error.code() != "ASK") || !layout_.cluster) throw not_taken(error, server, pending.record);
    if (++pending.moves > most_moves)
        throw Error(ErrorKind::busy,
                    fmt::format("the cluster sends the key \"{}\" from node to node", one_line(pending.record.key, 80)),
                    "wait until no slots are moved, then give the same command again");
    auto& other = link_to(moved_to(error, server));
    if (moved) {
        moved_[slot_of(pending.record.key)] = other.wire->server().address();
    } else {
        other.wire->queue(call_, {"ASKING"});
        other.pending.push_back({{}, false});
    }
    queue(other, std::move(pending));
}

void KeySender::drain(std::uint64_t until) {
    while (weight_ > until) {
        // The one that owes most, so that all stay at work.
        auto most = std::max_element(links_.begin(), links_.end(), [](const auto& a, const auto& b) {
            return a.second.pending.size() < b.second.pending.size();
        });
        if (most == links_.end() || most->second.pending.empty()) return;
        take(most->second);
    }
}

void KeySender::finish() {
    drain(0);
    for (auto& [address, link] : links_)
        while (!link.pending.empty()) take(link);
}

}  // namespace vbackup::driver::dragonfly
