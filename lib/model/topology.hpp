// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/json.hpp"

namespace vbackup::model {

struct Node {
    std::string name;     // as the database names it: "node1", a peer id
    std::string address;  // URL where vbackup reaches it; empty when it is not addressed by itself
    std::string version;
    bool healthy = true;
    std::string state;  // the server's own word
};

struct Collection {
    std::string name;
    std::optional<std::uint64_t>
        count;                 // exact number of objects, points or keys; empty when it was not asked or not to be had
    std::uint32_t shards = 0;  // 0 when unknown
    std::uint32_t replicas = 0;  // factor; 0 when unknown
    std::vector<std::string> aliases;
    JsonText config;   // as the server gives it, enough to make the collection again
    JsonText details;  // payload indexes, shard keys, tenants with their counts: the driver's own
};

// What a target is at one moment: the result of `inspect`, shown by `check`, kept in manifests.
struct Inspection {
    std::string product;  // "Weaviate", "Qdrant"
    std::string version;
    bool ready = false;
    std::vector<Node> nodes;
    std::vector<Collection> collections;      // those in scope, sorted by name
    std::vector<std::string> warnings;        // what the person should know
    std::vector<std::string> obstacles;       // why a create would be refused now
    std::optional<std::uint64_t> free_bytes;  // on the server, where it can be known
    JsonText details;                         // enabled backends, cluster facts: the driver's own
};

}  // namespace vbackup::model
