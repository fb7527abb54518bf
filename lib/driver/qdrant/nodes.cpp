// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/nodes.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/parallel.hpp"
#include "base/url.hpp"

namespace vbackup::driver::qdrant {

namespace {

// How often an address is asked, each time over a new connection, before it is taken for a single node's: a load balancer
// over three nodes passes as one in one of 27 tries, and then makes jobs fail, not succeed (its node does not show them).
constexpr int askings = 4;
// An address that was only guessed is not waited for long.
constexpr Milliseconds guess_timeout{5'000};

std::string not_reached(const Member& member, const std::string& uri) {
    return fmt::format("node {} (peer address {}) is not reached: {}", member.peer, uri,
                       member.trouble.empty() ? "no address is known that leads to it" : member.trouble);
}

}  // namespace

// What came of asking one address who it is.
struct Nodes::Found {
    std::string address;
    std::string wanted;  // the peer that it was guessed for; empty for an address that a person gave
    std::unique_ptr<Client> client;
    std::string peer;  // who answered; empty when nobody did
    std::string version;
    std::string trouble;
    bool changing = false;
};

const Member* Members::find(const std::string& peer) const {
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.peer == peer; });
    return found == all.end() ? nullptr : &*found;
}

std::string suggested_address(const std::string& uri, const std::string& named) {
    try {
        auto address = parse_url(named);
        address.host = parse_url(uri).host;
        return address.host.empty() ? std::string{} : address.text();
    } catch (const Error&) {
        return {};
    }
}

Nodes::Nodes(net::Connection connection, net::Trace trace, std::vector<std::string> further)
    : connection_(std::move(connection)), trace_(std::move(trace)), entry_(connection_, trace_) {
    for (const auto& address : further) further_.push_back(parse_url(address).text());
}

const Client& Nodes::any() const {
    const std::scoped_lock lock(mutex_);
    return steady_ ? *steady_ : entry_;
}

const Client* Nodes::known(const std::string& peer) const {
    const std::scoped_lock lock(mutex_);
    const auto found = by_peer_.find(peer);
    return found == by_peer_.end() ? nullptr : found->second.get();
}

const Client& Nodes::at(Call& call, const std::string& peer) {
    if (peer.empty()) return any();
    if (const auto* client = known(peer)) return *client;
    const auto members = look(call);
    if (const auto* client = known(peer)) return *client;
    const auto* member = members.find(peer);
    if (!member)
        throw Error(ErrorKind::not_found, fmt::format("the cluster has no node {}", peer),
                    "it was removed, and what it kept is gone with it; `vbackup check` shows the nodes");
    throw Error(ErrorKind::unreachable, member->trouble, std::string(reach_it));
}

// Asks every address that may lead to a node who it is, side by side.
std::vector<Nodes::Found> Nodes::ask_all(Call& call, const Cluster& cluster) {
    std::vector<Found> all;
    all.push_back({.address = connection_.base});
    for (const auto& address : further_) all.push_back({.address = address});
    for (const auto& peer : cluster.peers) {
        const auto address = suggested_address(peer.uri, connection_.base);
        const auto there = [&](const auto& one) { return one.address == address; };
        if (!address.empty() && std::none_of(all.begin(), all.end(), there))
            all.push_back({.address = address, .wanted = peer.id});
    }
    const auto ask = [&](Found& one) {
        auto connection = connection_;
        connection.base = one.address;
        const bool guessed = !one.wanted.empty();
        if (guessed) connection.connect_timeout = std::min(connection.connect_timeout, guess_timeout);
        try {
            for (int n = 0; n < (guessed ? 1 : askings); ++n) {
                auto client = std::make_unique<Client>(connection, trace_);
                const auto self = client->cluster(call, guessed ? Repeat::no : Repeat::yes).self;
                one.changing = one.changing || (n > 0 && self != one.peer);
                one.peer = self;
                one.client = std::move(client);
            }
            one.version = one.client->root(call).version;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::deadline) throw;
            one.trouble = fmt::format("{}: {}", one.address, error.message());
            one.peer.clear();
        }
    };
    run_all(all.size(), 8, call.stop, [&](std::size_t n) { ask(all[n]); });
    call.require_time();
    return all;
}

Members Nodes::look(Call& call) {
    const auto cluster = entry_.cluster(call);
    Members members{.known = cluster.known, .enabled = cluster.enabled};
    if (!cluster.enabled) {
        members.all.push_back({.peer = {}, .address = entry_.address(), .version = entry_.root(call).version});
        return members;
    }
    for (const auto& peer : cluster.peers) members.all.push_back({.peer = peer.id});
    remember(members, ask_all(call, cluster));
    for (auto& member : members.all) {
        if (!member.address.empty()) {
            // Another address of it may have failed.
            member.trouble.clear();
            continue;
        }
        const auto peer = std::find_if(cluster.peers.begin(), cluster.peers.end(),
                                       [&](const auto& one) { return one.id == member.peer; });
        member.trouble = not_reached(member, peer->uri);
    }
    return members;
}

// Addresses of one node each become its own; what leads to nobody is told.
void Nodes::remember(Members& members, std::vector<Found> found) {
    const std::scoped_lock lock(mutex_);
    for (auto& one : found) {
        const auto is_it = [&](const auto& member) { return member.peer == one.peer; };
        const auto member = std::find_if(members.all.begin(), members.all.end(), is_it);
        const bool given = one.wanted.empty();
        if (one.changing) {
            members.warnings.push_back(fmt::format(
                "{} leads to changing nodes, as a load balancer does: each node is spoken to by itself", one.address));
        } else if (one.peer.empty()) {
            if (given) members.warnings.push_back(one.trouble);
            const auto meant = std::find_if(members.all.begin(), members.all.end(),
                                            [&](const auto& other) { return other.peer == one.wanted; });
            if (meant != members.all.end()) meant->trouble = one.trouble;
        } else if (member == members.all.end()) {
            members.warnings.push_back(
                fmt::format("{} leads to node {}, which is not of this cluster", one.address, one.peer));
        } else if (member->address.empty()) {
            member->address = one.address;
            member->version = one.version;
            const auto [place, fresh] = by_peer_.try_emplace(one.peer, std::move(one.client));
            if (!steady_) steady_ = place->second.get();
        }
    }
}

}  // namespace vbackup::driver::qdrant
