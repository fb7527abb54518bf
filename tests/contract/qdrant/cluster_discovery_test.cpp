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
        auto& dead = state.collections["docs"].shards[0].replicas.at(1);
        dead.state = "Dead";
        dead.points.clear();
    });
    CHECK_FALSE(all.site.look().warnings.empty());
    all.site.create();
    Site target(all.vault, 3);
    target.restore();
    CHECK(target.holdings("docs").points.at("").size() == 30);
}

TEST_CASE("discovery: a read-only key makes nothing") {
    Cluster all;
    all.site.open("", {}, ScriptedQdrant::read_only_key);
    all.check_refused("", ErrorKind::denied);
}

TEST_CASE("discovery: a key that may not ask for the cluster backs up nothing in part, with one replica as with two") {
    for (const std::size_t replicas : {1U, 2U}) {
        for (const std::string unit : {"shard", "collection"}) {
            CAPTURE(replicas);
            CAPTURE(unit);
            Vault vault;
            Site site(vault, 3);
            site.cluster.fill("docs", collection_body(3, replicas), 30);
            site.cluster.with([](auto& state) { state.keys["jwt"] = {.collections = {{"docs", true}}}; });
            site.open("", {}, "jwt");
            CHECK(ended([&] { site.create("b", unit); }) == ErrorKind::denied);
            CHECK(site.cluster.count("POST", "*/snapshots*") == 0);
        }
    }
}

TEST_CASE("discovery: a list names the node that is down, and what the others have") {
    Cluster all;
    all.site.create("left", "shard", false);
    const auto made = all.site.cluster.count("POST", "*/snapshots*");
    all.site.cluster.stop(1);
    const auto listed = all.site.driver().list(all.site.call, {});
    std::size_t nameless = 0;
    for (const auto& found : listed) {
        if (!found.name.empty()) continue;
        ++nameless;
        CHECK(has(found.why + found.where, all.peer(1)));
    }
    CHECK(nameless == 1);
    CHECK(listed.size() > 1);
    CHECK(listed.size() <= made);
}

TEST_CASE("discovery: what was left with a node that is down is unknown, and does not hide the other backups") {
    Cluster all;
    all.site.create("left", "shard", false);
    all.site.clock.advance(std::chrono::hours(1));
    all.site.create("kept");
    all.site.cluster.stop(1);
    const auto listed = backup::list(all.site.call, all.site.stage(), {});
    REQUIRE(listed.size() >= 2);
    std::map<std::string, model::Phase> phases;
    for (const auto& found : listed) phases[found.id] = found.phase;
    CHECK(phases.at("left") == model::Phase::unknown);
    CHECK(phases.at("kept") == model::Phase::succeeded);
    const auto left_out = backup::left_out(listed);
    REQUIRE(left_out.has_value());
    CHECK(left_out->kind() == ErrorKind::partial);
    all.site.cluster.start(1);
    const auto again = backup::list(all.site.call, all.site.stage(), {});
    CHECK(again.size() == 2);
    CHECK_FALSE(backup::left_out(again).has_value());
}

TEST_CASE(
    "discovery: a bucket that all nodes share is listed once, but files of the same name in two collections twice") {
    Vault vault;
    Site site(vault, 2);
    const auto put = [](played::State& state, std::size_t node, const std::string& collection) {
        played::Stored one;
        one.name = "mine.snapshot";
        one.bytes = "x";
        state.nodes[node].stored[collection].push_back(one);
    };
    for (const std::string name : {"docs", "more"}) site.cluster.fill(name, collection_body(1, 1), 3);
    site.cluster.with([&](auto& state) {
        for (const std::size_t node : {0U, 1U})
            for (const std::string name : {"docs", "more"}) put(state, node, name);
    });
    const auto listed = site.driver().list(site.call, {});
    REQUIRE(listed.size() == 2);
    CHECK(listed[0].collections != listed[1].collections);
}

}  // namespace vbackup::test
