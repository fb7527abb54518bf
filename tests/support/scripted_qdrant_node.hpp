// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "support/scripted_qdrant_state.hpp"

// What one node of a played cluster answers.
namespace vbackup::test::played {

// A request to a node, taken apart; the state is locked as long as it is looked at. What is not allowed, or not there, is
// thrown as wire::Refusal.
struct Asked {
    State& state;
    std::size_t node;
    const HttpRequest& request;
    std::vector<std::string> parts = wire::segments(request.path);
    Rights rights = {};

    Node& here() const { return state.nodes[node]; }
    bool is(const char* method) const { return request.method == method; }
    std::string at(std::size_t index) const { return index < parts.size() ? parts[index] : ""; }
    // The collection that the path names, perhaps by an alias.
    std::string name() const { return real_name(state, at(1)); }
    bool exists() const { return state.collections.contains(name()); }
    Collection& collection() const;

    void require_global_read() const;
    void require_manage() const;
    // By the name that the request used: an alias is another name to a key of one collection.
    bool may(const std::string& collection, bool change) const;
    void require(const std::string& collection, bool change) const;
};

Answer answer(State& state, std::size_t node, const HttpRequest& request);

// A change that all nodes agree on: done, or 500 without a quorum or in a scripted time-out, done later or never.
Answer agreed(const Asked& asked, const std::function<void(State&)>& change, const std::string& result = "true");

// The routes below a collection's `snapshots` and `shards/N`, and below `/snapshots`.
Answer collection_snapshots(const Asked& asked);
Answer shard_snapshots(const Asked& asked);
Answer storage_snapshots(const Asked& asked);
// The routes below a collection's `points`.
Answer points(const Asked& asked);

}  // namespace vbackup::test::played
