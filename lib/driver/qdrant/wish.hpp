// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "driver/qdrant/census.hpp"
#include "driver/qdrant/pieces.hpp"

namespace vbackup::driver::qdrant {

// Where a restore goes to, as it is now.
struct Now {
    std::vector<std::string> collections;
    std::vector<Alias> aliases;
    bool clustered = false;          // consensus is on
    std::vector<std::string> peers;  // sorted; one empty id for a Qdrant without consensus

    bool has(const std::string& collection) const;
    const Alias* alias(const std::string& name) const;
    // The aliases of a collection.
    std::vector<std::string> aliases_of(const std::string& collection) const;
};

// Reads only. Throws Error{refused}, naming the node, when one is not reached or knows no leader: replicas could not be
// brought into step, and an upload would be answered with 200 all the same.
Now look_at_target(Call& call, Nodes& nodes, const model::Inspection& target);

// One collection on its way back.
struct Wish {
    const model::CollectionEntry& entry;
    std::string name;              // at the target
    std::vector<Piece> pieces;     // those that are needed, in the order in which they go in
    std::optional<Census> census;  // empty for a collection snapshot that vbackup did not make
    model::JsonText config;        // as it is to be: the backup's, with what was asked for besides
    From from = From::upload;
    bool exists = false;             // at the target, and is to be replaced
    std::vector<std::string> keeps;  // aliases that it has at the target and would lose with it
    std::uint32_t replicas = 0;  // how many of each shard there must be in the end; 0: as the collection itself says
    Unit unit() const { return pieces.front().place.unit; }
};

// What is asked for, one wish for each collection, with everything refused that can be known beforehand.
std::vector<Wish> wishes_for(Call& call, Nodes& nodes, const model::Request& request, const Now& now,
                             model::Plan& plan);

// Do the aliases of the original go to the collection that is restored beside it?
bool switches(const model::Request& request, const std::string& old_name, const std::string& new_name);

// A collection's configuration with the replication and write consistency factors that the options ask for, which can be no
// more than there are nodes.
model::JsonText with_factors(const model::JsonText& config, const model::Options& options, std::size_t nodes);

}  // namespace vbackup::driver::qdrant
