// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "driver/qdrant/client.hpp"
#include "model/manifest.hpp"
#include "model/request.hpp"

namespace vbackup::driver::qdrant {

// What is there: server, collections with configuration, shards, aliases and exact counts.
model::Inspection inspect(Call& call, const Client& client, const model::Scope& scope);

// Throws Error{unsupported} for a cluster of more than one node: nothing is ever backed up in part.
void require_one_node(const Cluster& cluster);

// The facts that a census keeps about one collection in model::Collection::details.
struct Census {
    bool custom_sharding = false;
    model::JsonText payload_schema;
    std::vector<Shard> shards;  // sorted by id
    std::size_t remote = 0;
};
model::JsonText render(const Census& census);
// Throws Error{refused} for a backup that has none: nobody knows then how to make the collection again.
Census parse_census(const model::Collection& collection);

// Shard keys in the order in which they must be made: by their lowest shard. Without keys one group of all shards.
struct KeyGroup {
    model::JsonText key;
    std::vector<std::uint32_t> ids;
};
std::vector<KeyGroup> key_groups(const Census& census);

// Throws Error{refused} when snapshots of that unit cannot be put back because shards would get other ids.
void require_same_ring(const std::string& collection, const Census& census, Unit unit);

}  // namespace vbackup::driver::qdrant
