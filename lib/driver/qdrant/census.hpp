// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "driver/qdrant/nodes.hpp"
#include "driver/qdrant/points.hpp"
#include "model/manifest.hpp"
#include "model/request.hpp"

namespace vbackup::driver::qdrant {

// What is there: nodes, collections with configuration, shards and replicas as all nodes see them, aliases, and, when the scope
// asks for counts, exact counts and samples. A node that cannot be reached is an obstacle, not an error.
model::Inspection inspect(Call& call, Nodes& nodes, const model::Scope& scope);

// Is consensus on there? Then snapshots belong to a node with a name.
bool is_clustered(const model::Inspection& inspection);

// The facts that a census keeps about one collection in model::Collection::details.
struct Census {
    bool custom_sharding = false;
    model::JsonText payload_schema;
    std::vector<Shard> shards;  // sorted by id; a replica is Active only where every node that was asked says so
    std::map<model::JsonText, std::uint64_t> keys;  // exact number of points of each shard key, when counted
    std::vector<Sample> samples;                    // points as they were, when counted
};
model::JsonText render(const Census& census);
// Throws Error{refused} for a backup that has none: nobody knows then how to make the collection again.
Census parse_census(const model::Collection& collection);
// As before the backup, but with those counts of shard keys and samples only that were the same after it.
Census steady_census(const model::CollectionEntry& entry);

// The same shards as several nodes see them, put together.
std::vector<Shard> merge(const std::vector<Shards>& views);

// Shard keys in the order in which they must be made: by their lowest shard. Without keys one group of all shards.
struct KeyGroup {
    model::JsonText key;
    std::vector<std::uint32_t> ids;
};
std::vector<KeyGroup> key_groups(const Census& census);

// Throws Error{refused} when snapshots of that unit cannot be put back because shards would get other ids.
void require_same_ring(const std::string& collection, const Census& census, Unit unit);

}  // namespace vbackup::driver::qdrant
