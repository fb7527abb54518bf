// SPDX-License-Identifier: Apache-2.0
// scripted_cluster NODES SHARDS FACTOR MIB RATE: a played Qdrant cluster with one collection `bench`, of so many shards with
// MIB each, whose nodes send at most RATE MiB in a second each (0: as fast as they can). Prints the nodes' addresses, one a line, and an
// empty line; ends with its standard input.
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "support/scripted_qdrant_cluster.hpp"

int main(int count, char** words) {
    using vbackup::test::ScriptedQdrantCluster;
    if (count != 6) {
        fmt::print(stderr, "usage: scripted_cluster NODES SHARDS FACTOR MIB RATE\n");
        return 2;
    }
    const auto number = [&](int n) { return static_cast<std::size_t>(std::strtoul(words[n], nullptr, 10)); };
    ScriptedQdrantCluster cluster(number(1));
    cluster.fill("bench",
                 fmt::format(R"({{"vectors":{{"size":4,"distance":"Dot"}},"shard_number":{},"replication_factor":{}}})",
                             number(2), number(3)),
                 0);
    cluster.with([&](auto& state) {
        constexpr std::size_t points_in_mib = 512, bytes_in_point = 2010;
        const std::string text(bytes_in_point, 'x');
        const auto shards = number(2);
        for (std::size_t id = 0; id < points_in_mib * number(4) * shards; ++id) {
            for (auto& [_, replica] : state.collections.at("bench").shards[id % shards].replicas)
                replica.points[id] = fmt::format(R"({{"payload":{{"text":"{}"}},"vector":[1.0]}})", text);
        }
    });
    for (std::size_t node = 0; node < number(1); ++node) {
        cluster.limit(node, number(5) << 20);
        fmt::print("{}\n", cluster.base(node));
    }
    fmt::print("\n");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    return 0;
}
