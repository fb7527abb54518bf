// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "driver/qdrant/client.hpp"

namespace vbackup::driver::qdrant {

// Which points: a whole collection, or those of one shard key.
struct Points {
    std::string collection;
    model::JsonText key;  // JSON of a shard key; empty: all
};

// Exact; empty when the collection's strict mode refuses exact counts. The node that is asked reads replicas of its own where
// it has them, so that nodes with different replicas give different answers.
std::optional<std::uint64_t> count(Call& call, const Client& client, const Points& points);

// One point as it was: its id as JSON and a SHA-256 over its payload and vectors, keys sorted. What it holds is not kept.
struct Sample {
    model::JsonText id;
    model::JsonText key;  // of the shard it lies in, empty without one
    std::string digest;
    bool operator==(const Sample&) const = default;
};

// The first `limit` points by id, which are spread over the shards since a hash of the id decides where a point lies. Empty
// where strict mode refuses to read so.
std::vector<Sample> first_points(Call& call, const Client& client, const Points& points, std::size_t limit);

// Those of `wanted` that are there now, in any order; others are missing from the result.
std::vector<Sample> points_now(Call& call, const Client& client, const std::string& collection,
                               const std::vector<Sample>& wanted);

}  // namespace vbackup::driver::qdrant
