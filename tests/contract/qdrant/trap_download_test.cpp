// SPDX-License-Identifier: Apache-2.0
// The traps of contracts.md Q.9, nos. 1 to 12, on a played cluster: one test each, named after it.
#include <doctest/doctest.h>

#include <algorithm>

#include "contract/qdrant/cluster_bench.hpp"

namespace vbackup::test {
namespace {

// Three nodes with three shards of two replicas, 300 points.
struct Three {
    Three() { site.cluster.fill("docs", collection_body(3, 2), 300); }
    // All requests of that method whose target matches, to all nodes.
    std::vector<HttpRequest> asked(const std::string& method, const std::string& pattern) {
        return site.cluster.requests(method, pattern);
    }
    // The backup comes back into an empty cluster as it was.
    void check_restore(const std::string& id = "b") {
        Site target(vault, 3);
        target.restore(id);
        CHECK(target.holdings("docs") == site.holdings("docs"));
    }
    Vault vault;
    Site site{vault, 3};
};

}  // namespace

TEST_CASE("Q.9 no. 1: HEAD is 404 for a snapshot that exists: it is never asked") {
    Three three;
    three.site.create();
    CHECK(three.site.cluster.count("HEAD", "*") == 0);
    three.check_restore();
}

TEST_CASE("Q.9 no. 2: a download that was cut goes on with Range and If-Match at the node that made it") {
    Three three;
    three.site.cluster.cut_once("GET", "/collections/docs/shards/1/snapshots/*", 1000);
    three.site.create();
    const auto ranged = three.asked("GET", "/collections/docs/shards/1/snapshots/*.snapshot");
    REQUIRE(ranged.size() == 2);
    CHECK(ranged[1].header("range") == "bytes=1000-");
    CHECK_FALSE(ranged[1].header("if-match").empty());
    CHECK(ranged[1].header("if-range").empty());
    three.check_restore();
}

TEST_CASE("Q.9 no. 3: storage in S3 ignores Range: the download starts over") {
    Three three;
    three.site.cluster.with([](auto& state) { state.s3 = true; });
    three.site.cluster.cut_once("GET", "/collections/docs/shards/1/snapshots/*", 1000);
    three.site.create();
    CHECK(three.asked("GET", "/collections/docs/shards/1/snapshots/*.snapshot").size() == 2);
    three.check_restore();
}

TEST_CASE("Q.9 no. 4: bodies are asked for as they are, never compressed") {
    Three three;
    three.site.create();
    const auto downloads = three.asked("GET", "*/snapshots/*.snapshot");
    CHECK(downloads.size() == 3);
    for (const auto& one : downloads) CHECK(one.header("accept-encoding") == "identity");
}

TEST_CASE("Q.9 no. 5: a stream of a shard may end early and look whole: stored snapshots are used") {
    Three three;
    three.site.cluster.with([](auto& state) { state.truncates_streams = true; });
    three.site.create();
    for (const auto* shard : {"0", "1", "2"})
        CHECK(three.asked("GET", fmt::format("/collections/docs/shards/{}/snapshot", shard)).empty());
    three.check_restore();
}

TEST_CASE("Q.9 no. 6: connections are closed while they are idle") {
    Three three;
    // One worker, so that no other's request is under way then.
    three.site.parallel = 1;
    three.site.clock.on_sleep = [&](Milliseconds) { three.site.cluster.disconnect(); };
    three.site.create();
    three.site.cluster.disconnect();
    three.site.restore("b", true);
    CHECK(three.site.holdings("docs").equal);
}

TEST_CASE("Q.9 no. 7: through a load balancer each snapshot is made, read and deleted on its own node") {
    Three three;
    three.site.open(three.site.cluster.balancer(), three.site.cluster.bases());
    const auto look = three.site.look();
    CHECK(std::any_of(look.warnings.begin(), look.warnings.end(),
                      [](const auto& one) { return one.find("changing nodes") != std::string::npos; }));
    three.site.create();
    CHECK(three.asked("GET", "*/snapshots/*.snapshot").size() == 3);
    CHECK(three.asked("DELETE", "*/snapshots/*.snapshot").size() == 3);
    CHECK(three.site.left_behind() == 0);
    three.check_restore();
}

TEST_CASE("Q.9 no. 8: two snapshots of one second have one name: each backup still has its own file") {
    Three three;
    three.site.cluster.with([](auto& state) { state.second_lasts = 1000; });
    const auto first = three.site.create("first", "shard", false);
    three.site.cluster.with([](auto& state) {
        for (auto& shard : state.collections.at("docs").shards) {
            for (auto& [_, replica] : shard.replicas)
                replica.points[1000 + shard.id] = R"({"payload":{},"vector":[1.0]})";
        }
    });
    // It is that second still, until somebody waits.
    three.site.clock.on_sleep = [&](Milliseconds) {
        three.site.cluster.with([](auto& state) {
            state.second_lasts = 0;
            ++state.second;
        });
    };
    const auto second = three.site.create("second", "shard", true);
    CHECK(second.collections.at(0).before.count == 303);
    for (const auto& file : first.files)
        CHECK(std::none_of(second.files.begin(), second.files.end(),
                           [&](const auto& one) { return one.server_name == file.server_name; }));
    three.check_restore("second");
}

TEST_CASE("Q.9 no. 9: a snapshot is not one instant: what was written meanwhile is told by two counts") {
    Three three;
    bool written = false;
    three.site.clock.on_sleep = [&](Milliseconds) {
        three.site.cluster.with([&](auto& state) {
            if (std::exchange(written, true)) return;
            for (auto& [_, replica] : state.collections.at("docs").shards[0].replicas)
                replica.points[9000] = R"({"payload":{},"vector":[1.0]})";
        });
    };
    const auto manifest = three.site.create();
    CHECK(written);
    CHECK(manifest.collections.at(0).before.count == 300);
    CHECK(manifest.collections.at(0).count_after == 301);
    CHECK_FALSE(manifest.collections.at(0).quiet());
}

TEST_CASE("Q.9 no. 10: a replica on a node that is down still reads Active: create is refused and nothing is sent") {
    Three three;
    three.site.look();
    three.site.cluster.stop(2);
    CHECK(ended([&] { three.site.create(); }) == ErrorKind::refused);
    CHECK(three.asked("POST", "*/snapshots*").empty());
}

TEST_CASE("Q.9 no. 11: nothing is posted for a collection that is not there") {
    Three three;
    const auto create = [&] {
        backup::create(three.site.call, three.site.stage(), {.id = "b", .scope = {.include = {"nope"}}, .keep = true});
    };
    CHECK(ended(create) == ErrorKind::not_found);
    CHECK(three.asked("POST", "/collections/nope*").empty());
}

TEST_CASE("Q.9 no. 12: no answer is waited for while a snapshot is made: it is begun, and looked at") {
    Three three;
    three.site.create();
    CHECK(three.asked("POST", "*/snapshots?wait=false").size() == 3);
    CHECK(three.asked("POST", "*/snapshots*").size() == 3);
}

}  // namespace vbackup::test
