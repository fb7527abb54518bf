// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "support/scripted_qdrant_state.hpp"

// Snapshots of a played cluster: a tar laid out like a real one (contracts.md Q.8), with the points as lines of text in it.
namespace vbackup::test::played {

struct Unpacked {
    std::string config, schema = "{}";       // of a collection; no config in a shard's snapshot
    std::map<std::uint32_t, Points> shards;  // those that have data; 0 for a shard's snapshot
    std::map<std::uint32_t, Built> built;    // of those that have segments as the optimizer makes them
    bool partial = false;                    // its segments have manifests
    bool torn = false;                       // a file of a segment is not there
    std::uint32_t listed = 0;                // how many shards a collection's snapshot names, with data or without
};

// What a node has of a collection: the data of its own replicas only.
std::string pack_collection(const Collection& collection, std::size_t node);
std::string pack_shard(const Points& points);
std::string pack_shard(const Replica& replica);

// What `…/snapshot/partial/manifest` answers with, and what a partial snapshot against such a manifest is (segment/snapshot.rs of
// the server): a file is left out when the manifest lists it in no older version.
std::string manifest_of(const Replica& replica);
std::string pack_partial(const Replica& replica, const std::string& manifest);

// Nothing when it is no tar. As with the real one, a file that ends between two entries is whole, and damaged data is
// taken for what it looks like.
std::optional<Unpacked> unpack(const std::string& bytes);

}  // namespace vbackup::test::played
