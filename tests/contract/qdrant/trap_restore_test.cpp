// SPDX-License-Identifier: Apache-2.0
// The traps of contracts.md Q.9, nos. 13 to 20, and each row of Q.10, on played clusters: one test each, named after it.
#include <doctest/doctest.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "contract/qdrant/cluster_bench.hpp"
#include "io/digest.hpp"

namespace vbackup::test {
namespace {

// A backup of three nodes with three shards of two replicas and 300 points, and another cluster to restore it into.
struct Pair {
    explicit Pair(const std::string& unit = "shard", std::size_t nodes = 3, bool alias = false) : target(vault, nodes) {
        source.cluster.fill("docs", collection_body(3, 2), 300);
        if (alias) source.cluster.with([](auto& state) { state.aliases["latest"] = "docs"; });
        // The new placement is another.
        target.cluster.with([](auto& state) { state.placements = 1; });
        manifest = source.create("b", unit);
    }
    bool is_back() {
        const auto now = target.holdings("docs"), before = source.holdings("docs");
        return now.points == before.points && now.equal;
    }
    std::vector<HttpRequest> uploads() { return target.cluster.requests("POST", "*/snapshots/upload*"); }

    Vault vault;
    Site source{vault, 3};
    Site target;
    model::Manifest manifest;
};

}  // namespace

TEST_CASE("Q.9 no. 13: without a checksum damage is taken: each upload names its file's") {
    Pair pair;
    pair.target.restore();
    CHECK(pair.uploads().size() == 3);
    std::set<std::string> digests;
    for (const auto& file : pair.manifest.files) digests.insert(file.sha256);
    for (const auto& one : pair.uploads()) {
        const auto at = one.query.find("checksum=");
        REQUIRE(at != std::string::npos);
        CHECK(digests.contains(one.query.substr(at + 9, 64)));
    }
}

TEST_CASE("Q.9 no. 14: uploads of collections leave a file on their node: they are deleted by name") {
    Pair pair("collection");
    pair.target.restore();
    CHECK_FALSE(pair.uploads().empty());
    CHECK(pair.target.left_behind() == 0);
}

TEST_CASE("Q.9 no. 15: recovering to an alias would overwrite what is behind it: refused, nothing is touched") {
    for (const auto* unit : {"shard", "collection"}) {
        CAPTURE(unit);
        Pair pair(unit);
        pair.target.cluster.fill("other", collection_body(3, 2), 7);
        pair.target.cluster.with([](auto& state) { state.aliases["docs"] = "other"; });
        const auto before = pair.target.holdings("other");
        for (const bool overwrite : {false, true})
            CHECK(ended([&] { pair.target.restore("b", overwrite); }) == ErrorKind::conflict);
        CHECK(pair.uploads().empty());
        CHECK(pair.target.holdings("other") == before);
        CHECK(pair.target.cluster.with([](auto& state) { return state.aliases.at("docs"); }) == "other");
    }
}

TEST_CASE("Q.9 no. 16: priority replica destroys, or hangs: snapshot is named with each upload") {
    for (const auto* unit : {"shard", "collection"}) {
        Pair pair(unit);
        pair.target.restore();
        CHECK_FALSE(pair.uploads().empty());
        for (const auto& one : pair.uploads()) CHECK(has(one.query, "priority=snapshot"));
    }
}

TEST_CASE("Q.9 no. 17: the server's checksum error mixes expected and actual up: ours does not repeat it") {
    Pair pair;
    pair.target.cluster.once(
        "POST", "*/snapshots/upload",
        wire::error(400, "Checksum mismatch: expected " + std::string(64, 'a') + ", actual " + std::string(64, 'b')));
    try {
        pair.target.restore();
        FAIL("a refused upload passed for a restore");
    } catch (const Error& error) {
        CHECK((error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::partial));
        CHECK_FALSE(has(error.message(), "expected " + std::string(64, 'a')));
    }
}

TEST_CASE("Q.9 no. 18: the deletion of a collection that is gone already is result false: what is wanted") {
    Pair pair;
    pair.target.cluster.fill("docs", collection_body(3, 2), 7);
    auto stage = pair.target.stage();
    // Somebody else deletes it after the last look.
    stage.confirm = [&](const model::Plan&) {
        return pair.target.cluster.with([](auto& state) { return state.collections.erase("docs") == 1; });
    };
    backup::restore(pair.target.call, stage, {.id = "b", .overwrite = true});
    CHECK(pair.target.cluster.count("DELETE", "/collections/docs*") == 1);
    CHECK(pair.is_back());
}

TEST_CASE("Q.9 no. 18: nor is a 200 the proof that a collection is gone") {
    Pair pair;
    pair.target.cluster.fill("docs", collection_body(3, 2), 7);
    pair.target.cluster.once("DELETE", "/collections/docs", wire::good("false"));
    pair.target.limits.without_progress = std::chrono::minutes(1);
    CHECK(ended([&] { pair.target.restore("b", true); }).has_value());
    // It is waited for, and nothing is made in its place meanwhile: only the rights were tried.
    CHECK(pair.target.cluster.count("PUT", "/collections/docs*") == 1);
    CHECK(pair.target.holdings("docs").points.at("").size() == 7);
}

TEST_CASE("Q.9 no. 19: consensus that took too long is looked up: what comes later counts, what never comes does not") {
    for (const auto* path : {"/collections/docs", "/collections/docs/index", "/collections/aliases"}) {
        for (const bool comes : {true, false}) {
            CAPTURE(path);
            CAPTURE(comes);
            Pair pair("shard", 3, true);
            const std::string method = has(path, "aliases") ? "POST" : "PUT";
            pair.target.cluster.with([&](auto& state) { state.timeouts = {{method, path, comes}}; });
            const auto kind = ended([&] { pair.target.restore(); });
            // Either the whole backup is back and proven, or nobody is told so.
            if (!kind) {
                CHECK(pair.is_back());
                CHECK(pair.target.cluster.with([](auto& state) { return state.aliases.contains("latest"); }));
            } else {
                CHECK_FALSE(comes);
            }
        }
    }
}

TEST_CASE("Q.9 no. 20: only vectors and the number of shards are compared: the rest is compared after a restore") {
    Pair pair;
    bool changed = false;
    pair.target.clock.on_sleep = [&](Milliseconds) {
        pair.target.cluster.with([&](auto& state) {
            if (!state.collections.contains("docs") || std::exchange(changed, true)) return;
            auto config = nlohmann::ordered_json::parse(state.collections.at("docs").config);
            config["hnsw_config"]["m"] = 99;
            state.collections.at("docs").config = config.dump();
        });
    };
    CHECK(ended([&] { pair.target.restore(); }).has_value());
    CHECK(changed);
}

TEST_CASE("Q.10: all nodes' snapshots at once: 409, points missing: they are sent one after another") {
    Pair pair("collection");
    pair.target.cluster.with([](auto& state) { state.at_once = true; });
    pair.target.restore();
    CHECK(pair.is_back());
}

TEST_CASE(
    "Q.10: one node's snapshot only: points missing: a backup of that unit has all, and as many are sent as hold all "
    "shards") {
    Pair pair("collection");
    CHECK(pair.manifest.files.size() == 3);
    pair.target.restore();
    CHECK(pair.uploads().size() >= 2);
    CHECK(pair.is_back());
}

TEST_CASE("Q.10: replicas stuck in ManualRecovery: a restore does not end well") {
    Pair pair;
    pair.target.clock.on_sleep = [&](Milliseconds) {
        pair.target.cluster.with([](auto& state) {
            if (!state.collections.contains("docs")) return;
            for (auto& shard : state.collections.at("docs").shards)
                shard.replicas.begin()->second.state = "ManualRecovery";
        });
    };
    CHECK(ended([&] { pair.target.restore(); }).has_value());
}

TEST_CASE("Q.10: settled, but counts differ per node: every node is asked") {
    Pair pair;
    // Once the first shard is whole on both of its nodes, one of them loses a point, and all read Active.
    pair.target.clock.on_sleep = [&](Milliseconds) {
        pair.target.cluster.with([](auto& state) {
            if (!state.collections.contains("docs")) return;
            auto& replicas = state.collections.at("docs").shards[0].replicas;
            const bool whole = std::all_of(replicas.begin(), replicas.end(), [](const auto& one) {
                return one.second.state == "Active" && one.second.points.size() == 100;
            });
            if (whole) replicas.at(2).points.erase(0);
        });
    };
    CHECK(ended([&] { pair.target.restore(); }).has_value());
}

TEST_CASE("Q.10: node after node without waiting: too many replicas: after each node it is waited") {
    Pair pair("collection");
    pair.target.restore();
    CHECK(pair.is_back());
    CHECK(pair.target.holdings("docs").replicas == std::set<std::size_t>{2});
    // And nothing had to be mended by sending it again.
    CHECK(pair.uploads().size() == 2);
}

TEST_CASE("Q.10: over an existing, changed collection: points that came later are gone, deleted ones are back") {
    for (const auto* unit : {"shard", "collection"}) {
        Pair pair(unit);
        pair.target.cluster.fill("docs", collection_body(3, 2), 299);
        pair.target.cluster.with([](auto& state) {
            for (auto& [_, replica] : state.collections.at("docs").shards[0].replicas) {
                replica.points.erase(0);
                replica.points[9000] = R"({"payload":{},"vector":[1.0]})";
            }
        });
        CHECK(ended([&] { pair.target.restore("b"); }) == ErrorKind::conflict);
        pair.target.restore("b", true);
        CHECK(pair.is_back());
    }
}

TEST_CASE("Q.10: a backup of three nodes to two nodes") {
    for (const auto* unit : {"shard", "collection"}) {
        CAPTURE(unit);
        Pair pair(unit, 2);
        pair.target.restore();
        CHECK(pair.is_back());
        CHECK(pair.target.holdings("docs").replicas == std::set<std::size_t>{2});
    }
}

TEST_CASE("Q.10: shard by shard: each is uploaded once, to a node that has a replica, and the factor is kept") {
    Pair pair;
    pair.target.restore();
    CHECK(pair.uploads().size() == 3);
    for (const auto* shard : {"0", "1", "2"})
        CHECK(pair.target.cluster.count("POST", fmt::format("/collections/docs/shards/{}/snapshots/upload*", shard)) ==
              1);
    CHECK(pair.is_back());
    CHECK(pair.target.holdings("docs").replicas == std::set<std::size_t>{2});
}

TEST_CASE("Q.10: just after an upload all replicas still read Active: that is not taken for the end") {
    for (const int lag : {1, 3}) {
        CAPTURE(lag);
        Pair pair;
        pair.target.cluster.with([&](auto& state) { state.lag = lag; });
        pair.target.restore();
        CHECK(pair.is_back());
    }
}

TEST_CASE(
    "Q.10: the word that other replicas are out of step may be lost: all read Active for ever, and the snapshot is "
    "sent again") {
    Pair pair;
    pair.target.cluster.with([](auto& state) { state.words_lost = 1; });
    pair.target.restore();
    CHECK(pair.uploads().size() > 3);
    CHECK(pair.is_back());
}

TEST_CASE("Q.10: a cluster node's snapshot to a single node is 500: refused before anything is changed") {
    Pair pair("collection", 1);
    pair.target.cluster.fill("docs", collection_body(3, 1), 5);
    CHECK(ended([&] { pair.target.restore("b", true); }) == ErrorKind::refused);
    CHECK(pair.target.holdings("docs").points.at("").size() == 5);
}

TEST_CASE("Q.10: a single node's snapshot to a cluster works, and the other way by shards") {
    Vault vault;
    Site single(vault, 1), three(vault, 3), back(vault, 1);
    single.cluster.fill("docs", collection_body(2, 1), 60);
    single.create("up");
    three.restore("up");
    CHECK(three.holdings("docs").points == single.holdings("docs").points);
    three.create("down");
    back.restore("down");
    CHECK(back.holdings("docs").points == single.holdings("docs").points);
}

TEST_CASE(
    "Q.10: custom sharding: keys are made first, and data lands under its own key, whatever its shards' ids were") {
    Vault vault;
    Site source(vault, 3), target(vault, 3);
    source.cluster.fill("docs", collection_body(1, 2, true), 20, {R"("gone")", R"("b")", R"("a")", "7"});
    // The first key was deleted: what was shard 2 becomes shard 1.
    source.cluster.with([](auto& state) {
        auto& shards = state.collections.at("docs").shards;
        shards.erase(shards.begin());
    });
    target.cluster.with([](auto& state) { state.placements = 1; });
    source.create();
    target.restore();
    CHECK(target.holdings("docs") == source.holdings("docs"));
    CHECK(target.holdings("docs").points.at("7").size() == 20);
}

}  // namespace vbackup::test
