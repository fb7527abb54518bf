// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "driver/qdrant/nodes.hpp"

namespace vbackup::driver::qdrant {

// What the nodes of a cluster have agreed on, by the word of each of them: what consensus decided reaches them one after
// another, and a node may have shards of which the others do not know.

// One collection as one node sees it.
struct View {
    std::string peer;          // empty for a Qdrant without consensus
    std::optional<Info> info;  // empty: it is not there
    Shards shards;
};

// Those of all nodes. Throws Error{unreachable}, naming the node, when one is not reached.
std::vector<View> views_of(Call& call, Nodes& nodes, const std::string& collection);

// The nodes that can be reached now, at least one.
std::vector<const Client*> reachable(Call& call, Nodes& nodes);

// Where a shard's snapshot goes.
struct Holder {
    std::uint32_t shard = 0;
    std::string peer;  // empty for a Qdrant without consensus
};

// The shard that `note` means, and a node that has an Active replica of it by the word of every node: an upload to another one
// is answered with 200 and leaves a shard there that nobody knows (seen). Throws Error{busy} while the nodes differ, or have
// no leader; Error{failed} where there is no such shard.
Holder holder_of(Call& call, Nodes& nodes, const Note& note);

}  // namespace vbackup::driver::qdrant
