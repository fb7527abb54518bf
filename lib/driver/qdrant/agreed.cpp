// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/agreed.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace vbackup::driver::qdrant {

namespace {

// The shard that a snapshot goes into. With shard keys it may have another id than in the backup: it is found by its key and
// its place among the key's shards.
const Shard* meant(const Shards& shards, const Note& note) {
    std::vector<const Shard*> same;
    for (const auto& shard : shards.all) {
        if (note.key.empty() ? std::to_string(shard.id) == note.place.shard : shard.key == note.key)
            same.push_back(&shard);
    }
    const auto rank = note.key.empty() ? 0 : note.rank;
    return rank < same.size() ? same[rank] : nullptr;
}

[[noreturn]] void throw_no_shard(const Note& note) {
    throw Error(ErrorKind::failed,
                note.key.empty()
                    ? fmt::format("collection {} has no shard {}", note.place.collection, note.place.shard)
                    : fmt::format("collection {} has no shard for shard key {}", note.place.collection, note.key));
}

bool has_active(const Shard& shard, const std::string& peer) {
    return std::any_of(shard.replicas.begin(), shard.replicas.end(),
                       [&](const auto& one) { return one.peer == peer && one.state == "Active"; });
}

// Peers of whom every node says that they hold the shard, and well.
std::vector<std::string> agreed_holders(const std::vector<View>& views, const Shard& shard) {
    std::vector<std::string> peers;
    for (const auto& replica : shard.replicas) {
        const bool agreed = std::all_of(views.begin(), views.end(), [&](const auto& view) {
            const auto* same = view.shards.find(shard.id);
            return same && has_active(*same, replica.peer);
        });
        if (agreed) peers.push_back(replica.peer);
    }
    return peers;
}

}  // namespace

std::vector<View> views_of(Call& call, Nodes& nodes, const std::string& collection) {
    std::vector<View> views;
    for (const auto& member : nodes.look(call).all) {
        if (!member.trouble.empty())
            throw Error(ErrorKind::unreachable, member.trouble, "start it again; the same command then goes on");
        const auto& client = nodes.at(call, member.peer);
        View view{.peer = member.peer, .info = client.collection(call, collection, Repeat::no), .shards = {}};
        if (view.info) view.shards = client.shards(call, collection, Repeat::no);
        views.push_back(std::move(view));
    }
    return views;
}

std::vector<const Client*> reachable(Call& call, Nodes& nodes) {
    std::vector<const Client*> clients;
    for (const auto& member : nodes.look(call).all) {
        if (member.trouble.empty()) clients.push_back(&nodes.at(call, member.peer));
    }
    if (clients.empty()) clients.push_back(&nodes.any());
    return clients;
}

Holder holder_of(Call& call, Nodes& nodes, const Note& note) {
    const auto views = views_of(call, nodes, note.place.collection);
    const auto knows =
        std::find_if(views.begin(), views.end(), [&](const auto& view) { return meant(view.shards, note) != nullptr; });
    if (knows == views.end()) throw_no_shard(note);
    const auto& shard = *meant(knows->shards, note);
    if (knows->peer.empty()) return {shard.id, {}};
    if (!nodes.any().cluster(call).has_leader)
        throw Error(ErrorKind::busy, "the cluster has no leader now, so other replicas would not be told of the upload",
                    "more than half of the nodes must run and reach each other; `vbackup check` shows them");
    const auto peers = agreed_holders(views, shard);
    if (peers.empty())
        throw Error(ErrorKind::busy,
                    fmt::format("no node has shard {} of collection {} Active by the word of all nodes", shard.id,
                                note.place.collection),
                    "`vbackup check` shows the replicas as they are now");
    // The others get the bytes from this one, so not the same node takes every shard.
    return {shard.id, peers[shard.id % peers.size()]};
}

}  // namespace vbackup::driver::qdrant
