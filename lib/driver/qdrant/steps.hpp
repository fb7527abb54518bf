// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/qdrant/wish.hpp"

namespace vbackup::driver::qdrant {

// Adds the steps that bring one collection back: make room, make the collection with its shard keys and payload indexes, put
// each snapshot in, wait until all nodes agree on it, prove it, and only then set its strict mode and its aliases.
//
// Shards go in side by side. Snapshots of whole collections go to one node after another, each only when the one before it is
// settled: any other order ends with points missing or replicas too many (contracts.md Q.10).
void add_steps(Call& call, Nodes& nodes, const Wish& wish, const model::Request& request, const Now& now,
               model::Plan& plan);

}  // namespace vbackup::driver::qdrant
