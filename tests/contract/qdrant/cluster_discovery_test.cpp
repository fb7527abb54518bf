// SPDX-License-Identifier: Apache-2.0
// From one address to all nodes, and what is refused before anything is sent, on played clusters.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>

#include "contract/qdrant/cluster_bench.hpp"

namespace vbackup::test {
namespace {

using Addresses = ScriptedQdrantCluster::Addresses;

std::size_t reached(const model::Inspection& look) {
    return static_cast<std::size_t>(
        std::count_if(look.nodes.begin(), look.nodes.end(), [](const auto& node) { return node.healthy; }));
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const auto& one : texts) all += one + "\n";
    return all;
}

struct Cluster {
    explicit Cluster(Addresses addresses = Addresses::own) : site(vault, 3, addresses) {
        site.cluster.fill("docs", collection_body(3, 2), 30);
    }
    std::string peer(std::size_t node) {
        return std::to_string(site.cluster.with([&](auto& state) { return state.nodes[node].peer; }));
    }
    // A create is refused with these words, and no node was asked to make anything.
    void check_refused(const std::string& words, ErrorKind kind = ErrorKind::refused) {
        try {
            site.create();
            FAIL("it was not refused");
        } catch (const Error& error) {
            CHECK_MESSAGE(error.kind() == kind, error.message());
            CHECK_MESSAGE(has(error.message(), words), error.message());
            CHECK_FALSE(error.hint().empty());
        }
        CHECK(site.cluster.count("POST", "*/snapshots*") == 0);
    }
    Vault vault;
    Site site;
};

}  // namespace

TEST_CASE(
    "discovery: nodes with addresses of their own are found at the peers' names with the port of the address named") {
    Cluster all;
    for (const auto& entry : all.site.cluster.bases()) {
        all.site.open(entry);
        const auto look = all.site.look();
        CHECK(reached(look) == 3);
        CHECK(joined(look.obstacles) == "");
        for (const auto& base : all.site.cluster.bases())
            CHECK(std::any_of(look.nodes.begin(), look.nodes.end(),
                              [&](const auto& one) { return one.address == base; }));
    }
}

TEST_CASE("discovery: on one address the REST ports cannot be guessed: who is missing is named, with what to do") {
    Cluster all(Addresses::ports);
    const auto look = all.site.look();
    CHECK(reached(look) == 1);
    CHECK(has(joined(look.obstacles), all.peer(1)));
    CHECK(has(joined(look.obstacles), all.peer(2)));
    CHECK_FALSE(has(joined(look.obstacles), all.peer(0)));
    all.check_refused(all.peer(1));
}

TEST_CASE(
    "discovery: addresses that were given are matched by peer id, in any order, and those of strangers are told") {
    Cluster all(Addresses::ports);
    ScriptedQdrantCluster stranger(2, Addresses::ports);
    stranger.with([](auto& state) { state.nodes[0].peer = 77; });
    all.site.open("", {all.site.cluster.base(2), all.site.cluster.base(1), stranger.base(0)});
    const auto look = all.site.look();
    CHECK(reached(look) == 3);
    CHECK(has(joined(look.warnings), "77"));
    all.site.create();
    Site target(all.vault, 3);
    target.restore();
    CHECK(target.holdings("docs") == all.site.holdings("docs"));
}

TEST_CASE("discovery: through a load balancer without addresses nothing is made in part") {
    Cluster all(Addresses::ports);
    all.site.open(all.site.cluster.balancer());
    const auto look = all.site.look();
    CHECK(has(joined(look.warnings), "changing nodes"));
    CHECK_FALSE(look.obstacles.empty());
    all.check_refused("not reached");
}

TEST_CASE("discovery: a peer that is down is named") {
    Cluster all;
    all.site.cluster.stop(1);
    CHECK(has(joined(all.site.look().obstacles), all.peer(1)));
    all.check_refused(all.peer(1));
}

TEST_CASE("discovery: what would make a backup wrong is refused before anything is sent") {
    const std::pair<const char*, std::function<void(played::State&)>> troubles[] = {
        {"moved",
         [](auto& state) { state.collections["docs"].transfers = {{.shard = 1, .from = 1, .to = 0, .stays = true}}; }},
        {"moved",
         [](auto& state) {
             state.collections["docs"].resharding = {
                 R"({"uuid":"1","direction":"up","shard_id":3,"peer_id":738247544265522})"};
         }},
        {"Active",
         [](auto& state) {
             state.recoveries_hang = true;
             for (auto& [_, replica] : state.collections["docs"].shards[2].replicas) replica.state = "Dead";
         }},
        {"red", [](auto& state) { state.collections["docs"].status = "red"; }},
        {"version", [](auto& state) { state.nodes[2].version = "1.18.3"; }},
    };
    for (const auto& [words, change] : troubles) {
        CAPTURE(words);
        Cluster all;
        all.site.cluster.with(change);
        all.check_refused(words);
    }
}

TEST_CASE("discovery: one dead replica of two is told, and the shard is saved from the other") {
    Cluster all;
    all.site.cluster.with([](auto& state) {
        state.recoveries_hang = true;
        auto& dead = state.collections["docs"].shards[0].replicas.begin()->second;
        dead.state = "Dead";
        dead.points.clear();
    });
    CHECK_FALSE(all.site.look().warnings.empty());
    all.site.create();
    Site target(all.vault, 3);
    target.restore();
    CHECK(target.holdings("docs").points.at("").size() == 30);
}

TEST_CASE(
    "discovery: keys: a read-only one makes nothing; one of a single collection, which sees no cluster, backs up "
    "nothing in part") {
    Cluster all;
    all.site.open("", {}, ScriptedQdrant::read_only_key);
    all.check_refused("", ErrorKind::denied);
    all.site.cluster.with([](auto& state) { state.keys["jwt"] = {.collections = {{"docs", true}}}; });
    all.site.open("", {}, "jwt");
    try {
        all.site.create();
        Site target(all.vault, 3);
        target.restore();
        CHECK(target.holdings("docs") == all.site.holdings("docs"));
    } catch (const Error& error) {
        CHECK((error.kind() == ErrorKind::denied || error.kind() == ErrorKind::refused));
        CHECK(all.site.cluster.count("POST", "*/snapshots*") == 0);
    }
}

}  // namespace vbackup::test
