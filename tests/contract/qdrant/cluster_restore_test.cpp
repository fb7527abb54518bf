// SPDX-License-Identifier: Apache-2.0
// Putting backups back into a cluster that is only played: what a person may ask for, and what mends itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "contract/qdrant/cluster_bench.hpp"

namespace vbackup::test {
namespace {

// A backup of three nodes, and another three.
struct Pair {
    explicit Pair(const std::string& unit = "shard") {
        source.cluster.fill("docs", collection_body(3, 2), 300);
        target.cluster.with([](auto& state) { state.placements = 1; });
        manifest = source.create("b", unit);
    }
    model::Plan plan(model::Options options = {}, bool overwrite = false) {
        model::Request request{.verb = model::Verb::restore, .id = "b", .options = std::move(options)};
        request.overwrite = overwrite;
        request.manifest = &manifest;
        return target.driver().plan(target.call, request, no_peek());
    }
    bool is_back(const std::string& name = "docs") {
        const auto now = target.holdings(name), before = source.holdings("docs");
        return now.points == before.points && now.equal;
    }

    Vault vault;
    Site source{vault, 3}, target{vault, 3};
    model::Manifest manifest;
};

Error error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::usage, "nothing was thrown"};
}

std::vector<std::string> changes(const model::Plan& plan) {
    std::vector<std::string> all;
    for (const auto& step : plan.steps) {
        if (!step.tidy) all.push_back(step.id);
    }
    return all;
}

}  // namespace

TEST_CASE("another replication factor than the backup's, no more than there are nodes") {
    Pair pair;
    const model::Options options = {{"replication-factor", "5"}};
    CHECK(pair.plan(options).notes.size() == 1);
    backup::restore(pair.target.call, pair.target.stage(), {.id = "b", .options = options});
    CHECK(pair.is_back());
    CHECK(pair.target.holdings("docs").replicas == std::set<std::size_t>{3});
}

TEST_CASE("aliases are switched when the new collection is proven, and stay where it is not") {
    Pair pair;
    pair.source.cluster.with([](auto& state) { state.aliases["current"] = "docs"; });
    const auto alias = [&] { return pair.source.cluster.with([](auto& state) { return state.aliases["current"]; }); };
    const auto restore = [&] {
        backup::restore(pair.source.call, pair.source.stage(),
                        {.id = "b", .renames = {{"docs", "docs2"}}, .switch_alias = true});
    };
    SUBCASE("proven") {
        restore();
        CHECK(alias() == "docs2");
        CHECK(pair.source.holdings("docs2").points == pair.source.holdings("docs").points);
    }
    SUBCASE("other points, as many of them") {
        pair.source.clock.on_sleep = [&](Milliseconds) {
            pair.source.cluster.with([](auto& state) {
                if (!state.collections.contains("docs2")) return;
                for (auto& shard : state.collections.at("docs2").shards) {
                    for (auto& [_, replica] : shard.replicas) {
                        for (auto& [id, point] : replica.points) point = R"({"payload":{"x":1},"vector":[9.0]})";
                    }
                }
            });
        };
        const auto error = error_of(restore);
        CHECK(error.kind() == ErrorKind::corrupt);
        CHECK(error.message().find("no alias was set") != std::string::npos);
        CHECK(alias() == "docs");
    }
}

TEST_CASE("over what exists: gone from every node before it is made anew") {
    Pair pair;
    pair.target.cluster.fill("docs", collection_body(3, 2), 7);
    const auto plan = pair.plan({}, true);
    CHECK(changes(plan)[0] == "drop:docs");
    CHECK(changes(plan)[1] == "gone:docs");
    CHECK(pair.target.driver().settled(pair.target.call, plan.steps[1]).phase == model::Phase::running);
    pair.target.restore("b", true);
    CHECK(pair.is_back());
}

TEST_CASE("of snapshots of whole collections as few go in as have every shard, each once the one before is settled") {
    Pair pair("collection");
    CHECK(changes(pair.plan()) == std::vector<std::string>{"put:docs:1", "settle:docs:1", "put:docs:2", "settle:docs"});
    CHECK(error_of([&] { pair.plan({{"replication-factor", "2"}}); }).kind() == ErrorKind::usage);
    pair.target.restore();
    CHECK(pair.is_back());
    CHECK(pair.target.left_behind() == 0);
}

TEST_CASE("points that other replicas never got, all of them Active: the snapshot is sent again") {
    Pair pair;
    bool lost = false;
    pair.target.clock.on_sleep = [&](Milliseconds) {
        pair.target.cluster.with([&](auto& state) {
            if (lost || !state.collections.contains("docs") || state.collections.at("docs").shards.size() < 3) return;
            auto& replicas = state.collections.at("docs").shards[0].replicas;
            const auto is_full = [](const auto& one) { return !one.second.points.empty(); };
            if (!state.collections.at("docs").transfers.empty() ||
                !std::all_of(replicas.begin(), replicas.end(), is_full))
                return;
            replicas.begin()->second.points.clear();
            lost = true;
        });
    };
    pair.target.restore();
    CHECK(lost);
    CHECK(pair.is_back());
    CHECK(pair.target.clock.elapsed() > Seconds(60));
}

TEST_CASE("no upload goes to a node that has no replica by the word of every node") {
    Pair pair;
    pair.target.cluster.fill("docs", collection_body(3, 2), 0);
    const auto plan = pair.plan({}, true);
    const auto put = std::find_if(plan.steps.begin(), plan.steps.end(),
                                  [](const auto& step) { return step.kind == model::StepKind::send; });
    REQUIRE(put != plan.steps.end());
    pair.target.cluster.with([](auto& state) {
        for (auto& shard : state.collections.at("docs").shards) {
            for (auto& [_, replica] : shard.replicas) replica.state = "Dead";
        }
    });
    const auto source = io::memory_source("x");
    CHECK(error_of([&] { pair.target.driver().run(pair.target.call, *put, source.get()); }).kind() == ErrorKind::busy);
    CHECK(pair.target.cluster.count("POST", "*upload*") == 0);
}

TEST_CASE("a change that was not even proposed is sent again; one that exists by itself is a conflict") {
    Pair pair;
    const auto plan = pair.plan();
    const auto make = [&] { pair.target.driver().run(pair.target.call, plan.steps.front(), nullptr); };
    pair.target.cluster.once(
        "PUT", "/collections/docs*",
        {.status = 500,
         .body = R"({"status":{"error":"Service internal error: Failed to propose operation: leader is not )"
                 R"(established within 10s"},"time":10})"});
    CHECK(error_of(make).kind() == ErrorKind::busy);
    make();
    CHECK(error_of(make).kind() == ErrorKind::conflict);
}

TEST_CASE("a restore that does not end well says what is where") {
    Pair pair;
    pair.target.cluster.fill("docs", collection_body(3, 2), 7);
    pair.target.cluster.once("POST", "*upload*", {.status = 400, .body = R"({"status":{"error":"Wrong input: no"}})"});
    const auto error = error_of([&] { pair.target.restore("b", true); });
    CHECK(error.message().find("collection docs is not whole") != std::string::npos);
    CHECK(error.message().find("what it held before is deleted") != std::string::npos);
}

}  // namespace vbackup::test
