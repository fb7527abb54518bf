// SPDX-License-Identifier: Apache-2.0
// The played cluster does what a real one did with every procedure of contracts.md Q.10, and with snapshots on several
// nodes (Q.4 to Q.9): the naive client is the test itself. The placement is another, so numbers differ from the recorded.
#include <doctest/doctest.h>

#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/digest.hpp"
#include "net/http.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_qdrant_cluster.hpp"

namespace vbackup::test {
namespace {

using nlohmann::json;
constexpr const char* three_by_two =
    R"({"vectors":{"size":4,"distance":"Dot"},"shard_number":3,"replication_factor":2})";
constexpr const char* by_key =
    R"({"vectors":{"size":4,"distance":"Dot"},"shard_number":1,"replication_factor":2,"sharding_method":"custom"})";

// Asks one address after another, with the full key.
class Client {
public:
    net::Response ask(const std::string& base, const std::string& method, const std::string& path,
                      const std::string& body = {}, const std::string& key = ScriptedQdrant::key) {
        net::Request request{.method = method, .path = path, .headers = {{"api-key", key}}, .body = body};
        return net::Http({.base = base}).send(call_, request, false);
    }
    net::Response upload(const std::string& base, const std::string& path, const std::string& bytes) {
        const auto source = io::memory_source(bytes);
        net::Request request{.method = "POST", .path = path, .headers = {{"api-key", ScriptedQdrant::key}}};
        request.upload = source.get();
        request.upload_name = "b.snapshot";
        request.upload_size = bytes.size();
        return net::Http({.base = base}).send(call_, request, false);
    }
    json result(const std::string& base, const std::string& path) {
        return json::parse(ask(base, "GET", path).body).at("result");
    }
    // Makes a snapshot and reads it.
    std::string snapshot(const std::string& base, const std::string& list) {
        const auto made = json::parse(ask(base, "POST", list).body).at("result");
        const auto file = ask(base, "GET", list + "/" + made.at("name").get<std::string>());
        CHECK(io::sha256(file.body) == made.at("checksum"));
        CHECK(file.body.size() == made.at("size"));
        return file.body;
    }

private:
    FakeClock clock_;
    Tally tally_;
    Call call_{clock_, tally_};
};

// A cluster of three to back up, and another to restore into.
struct Two : Client {
    Two() {
        source.fill("c3", three_by_two, 600);
        // The new placement is another.
        target.with([](auto& state) { state.placements = 1; });
    }
    std::vector<std::string> collection_snapshots() {
        std::vector<std::string> all;
        for (const auto& base : source.bases()) all.push_back(snapshot(base, "/collections/c3/snapshots"));
        return all;
    }
    std::string shard_snapshot(std::uint32_t shard) {
        const auto path = fmt::format("/collections/c3/shards/{}/snapshots", shard);
        return snapshot(source.base(holder(source, shard)), path);
    }
    std::size_t holder(ScriptedQdrantCluster& cluster, std::uint32_t shard) {
        return cluster.with(
            [&](auto& state) { return state.collections.at("c3").shards.at(shard).replicas.begin()->first; });
    }
    int put_back(std::size_t node, const std::string& bytes, const std::string& priority) {
        return upload(target.base(node), "/collections/c3/snapshots/upload?priority=" + priority, bytes).status;
    }
    json layout(std::size_t node = 0) { return result(target.base(node), "/collections/c3/cluster"); }
    // All Active as node 0 sees it, and nothing moves.
    bool rests() {
        const auto now = layout();
        bool all = now.at("shard_transfers").empty();
        for (const auto* list : {"local_shards", "remote_shards"}) {
            for (const auto& one : now.at(list)) all = all && one.at("state") == "Active";
        }
        return all;
    }
    // True when it came to rest, and stayed.
    bool settles() {
        int quiet = 0;
        for (int looks = 0; looks < 60 && quiet < 3; ++looks) quiet = rests() ? quiet + 1 : 0;
        return quiet == 3;
    }
    std::vector<std::uint64_t> counts() {
        std::vector<std::uint64_t> all;
        for (const auto& base : target.bases()) {
            const auto answer = ask(base, "POST", "/collections/c3/points/count", R"({"exact":true})");
            all.push_back(json::parse(answer.body).at("result").at("count"));
        }
        return all;
    }
    std::size_t replicas() {
        const auto now = layout();
        return now.at("local_shards").size() + now.at("remote_shards").size();
    }

    ScriptedQdrantCluster source{3}, target{3};
    const std::vector<std::uint64_t> whole = {600, 600, 600};
};

}  // namespace

TEST_CASE("played Q.10: all nodes' snapshots at once into a new collection: two 409, all Active, points missing") {
    Two two;
    const auto snapshots = two.collection_snapshots();
    two.target.with([](auto& state) { state.at_once = true; });
    CHECK(two.put_back(0, snapshots[0], "snapshot") == 200);
    CHECK(two.put_back(1, snapshots[1], "snapshot") == 409);
    CHECK(two.put_back(2, snapshots[2], "snapshot") == 409);
    CHECK(two.settles());
    CHECK(two.counts() == std::vector<std::uint64_t>{400, 400, 400});
}

TEST_CASE("played Q.10: one node's snapshot only: all Active, points missing") {
    Two two;
    CHECK(two.put_back(0, two.collection_snapshots()[0], "snapshot") == 200);
    CHECK(two.settles());
    CHECK(two.counts() == std::vector<std::uint64_t>{400, 400, 400});
}

TEST_CASE("played Q.10: priority replica into a new collection: three 200s, points missing, stuck in ManualRecovery") {
    Two two;
    const auto snapshots = two.collection_snapshots();
    for (std::size_t node = 0; node < 3; ++node) CHECK(two.put_back(node, snapshots[node], "replica") == 200);
    CHECK_FALSE(two.settles());
    CHECK(two.layout().dump().find("ManualRecovery") != std::string::npos);
    CHECK(two.counts() != two.whole);
}

TEST_CASE("played Q.10: priority no_sync: settled at once, counts differ per node") {
    Two two;
    const auto snapshots = two.collection_snapshots();
    for (std::size_t node = 0; node < 3; ++node) CHECK(two.put_back(node, snapshots[node], "no_sync") == 200);
    CHECK(two.settles());
    const auto counts = two.counts();
    CHECK(counts != two.whole);
    CHECK(std::set<std::uint64_t>(counts.begin(), counts.end()).size() > 1);
}

TEST_CASE("played Q.10: node after node without waiting: right data, too many replicas") {
    Two two;
    const auto snapshots = two.collection_snapshots();
    for (std::size_t node = 0; node < 3; ++node) CHECK(two.put_back(node, snapshots[node], "snapshot") == 200);
    CHECK(two.settles());
    CHECK(two.counts() == two.whole);
    CHECK(two.replicas() > 6);
}

TEST_CASE("played Q.10: node after node with waiting: right, and over an existing, changed collection too") {
    Two two;
    const auto snapshots = two.collection_snapshots();
    for (int round = 0; round < 2; ++round) {
        for (std::size_t node = 0; node < 3; ++node) {
            CHECK(two.put_back(node, snapshots[node], "snapshot") == 200);
            CHECK(two.settles());
        }
        CHECK(two.counts() == two.whole);
        CHECK(two.replicas() == 6);
        two.target.with([](auto& state) {
            for (auto& [_, replica] : state.collections.at("c3").shards[0].replicas) {
                replica.points.erase(0);
                replica.points[9000] = "{}";
                replica.points[9001] = "{}";
            }
        });
        CHECK(two.counts() == std::vector<std::uint64_t>{601, 601, 601});
    }
}

TEST_CASE("played Q.10: shard by shard: right, factor kept; just after the answer all still read Active") {
    Two two;
    const auto body = std::string(three_by_two);
    CHECK(two.ask(two.target.base(1), "PUT", "/collections/c3", body).status == 200);
    for (std::uint32_t shard = 0; shard < 3; ++shard) {
        const auto path = fmt::format("/collections/c3/shards/{}/snapshots/upload?priority=snapshot", shard);
        CHECK(two.upload(two.target.base(two.holder(two.target, shard)), path, two.shard_snapshot(shard)).status ==
              200);
    }
    CHECK(two.rests());
    CHECK(two.counts() != two.whole);
    CHECK_FALSE(two.rests());
    CHECK(two.settles());
    CHECK(two.counts() == two.whole);
    CHECK(two.replicas() == 6);
}

TEST_CASE("played Q.10: replicas pass Dead, Recovery, Partial, Active") {
    Two two;
    two.target.with([](auto& state) { state.placements = 0; });
    CHECK(two.put_back(0, two.collection_snapshots()[0], "snapshot") == 200);
    std::vector<std::string> passed;
    std::set<std::string> methods;
    for (int looks = 0; looks < 40; ++looks) {
        const auto there = two.layout(1), here = two.layout();
        const auto state = there.at("local_shards").at(0).at("state").get<std::string>();
        if (passed.empty() || passed.back() != state) passed.push_back(state);
        for (const auto& one : here.at("shard_transfers")) methods.insert(one.at("method").get<std::string>());
    }
    CHECK(passed == std::vector<std::string>{"Active", "Dead", "Recovery", "Partial", "Active"});
    CHECK(methods == std::set<std::string>{"snapshot", "wal_delta"});
}

TEST_CASE("played Q.10: a cluster node's snapshot to a single node is 500, a single node's to a cluster works") {
    Two two;
    ScriptedQdrantCluster single(1);
    const auto refused = two.upload(single.base(0), "/collections/c3/snapshots/upload", two.collection_snapshots()[0]);
    CHECK(refused.status == 500);
    CHECK(refused.body.find("in local mode with missing data at shard") != std::string::npos);
    CHECK_FALSE(two.result(single.base(0), "/collections/c3/exists").at("exists").get<bool>());

    single.fill("c3", R"({"vectors":{"size":4,"distance":"Dot"}})", 50);
    CHECK(two.put_back(2, two.snapshot(single.base(0), "/collections/c3/snapshots"), "snapshot") == 200);
    CHECK(two.settles());
    CHECK(two.counts() == std::vector<std::uint64_t>{50, 50, 50});
}

TEST_CASE(
    "played Q.10: custom sharding into a new collection: 200, 0 shards, 0 points; keys in another order: swapped") {
    Client client;
    ScriptedQdrantCluster source(3), target(3);
    source.fill("cs", by_key, 10, {R"("a")", R"("b")"});
    source.with([](auto& state) {
        for (auto& [_, replica] : state.collections.at("cs").shards[1].replicas) replica.points.erase(10);
    });
    std::vector<std::string> snapshots;
    for (const auto& base : source.bases()) snapshots.push_back(client.snapshot(base, "/collections/cs/snapshots"));
    const auto put_back = [&](std::size_t node) {
        return client.upload(target.base(node), "/collections/cs/snapshots/upload?priority=snapshot", snapshots[node])
            .status;
    };
    const auto count = [&](const std::string& key) {
        const auto answer = client.ask(target.base(0), "POST", "/collections/cs/points/count",
                                       fmt::format(R"({{"exact":true,"shard_key":{}}})", key));
        return answer.status == 200 ? json::parse(answer.body).at("result").at("count").get<int>() : -answer.status;
    };
    CHECK(put_back(0) == 200);
    CHECK(client.result(target.base(0), "/collections/cs/cluster").at("shard_count") == 0);
    CHECK(count(R"("a")") == -400);

    for (const auto* key : {"b", "a"}) {
        const auto body = json({{"shard_key", key}}).dump();
        CHECK(client.ask(target.base(0), "PUT", "/collections/cs/shards", body).status == 200);
    }
    for (std::size_t node = 0; node < 3; ++node) CHECK(put_back(node) == 200);
    target.with([](auto& state) {
        for (int i = 0; i < 20; ++i) played::step(state);
    });
    CHECK(count(R"("a")") == 9);
    CHECK(count(R"("b")") == 10);
}

TEST_CASE("played: snapshots belong to a node, and names are of a second") {
    Two two;
    const auto path = std::string("/collections/c3/snapshots");
    const auto name =
        json::parse(two.ask(two.source.base(0), "POST", path).body).at("result").at("name").get<std::string>();
    CHECK(name.starts_with("c3-738247544265522-"));
    CHECK(two.result(two.source.base(0), path).size() == 1);
    CHECK(two.result(two.source.base(1), path).empty());
    for (const auto* method : {"GET", "DELETE"})
        CHECK(two.ask(two.source.base(1), method, path + "/" + name).status == 404);
    CHECK(two.ask(two.source.base(0), "DELETE", path + "/" + name).status == 200);

    two.source.with([](auto& state) { state.second_lasts = 100; });
    for (int i = 0; i < 4; ++i) two.ask(two.source.base(0), "POST", path);
    CHECK(two.result(two.source.base(0), path).size() == 1);
}

TEST_CASE("played: a node without the replica has no snapshot of a shard, and its collection's has no data") {
    Two two;
    const auto far = two.source.base(2);
    const auto refused = two.ask(far, "POST", "/collections/c3/shards/0/snapshots");
    CHECK(refused.status == 400);
    CHECK(refused.body.find("Wrong input: Shard 0 is not a local or queue proxy shard") != std::string::npos);
    CHECK(two.ask(far, "GET", "/collections/c3/shards/0/snapshots").body.find("Shard 0 is not a local shard") !=
          std::string::npos);
    CHECK(two.ask(far, "POST", "/collections/c3/shards/0/snapshots?wait=false").status == 202);
    CHECK(two.ask(far, "POST", "/collections/c3/shards/9/snapshots").status == 404);
}

TEST_CASE("played: consensus that takes too long is 500, and the change comes later or never") {
    Two two;
    const auto base = two.target.base(0);
    const auto exists = [&](const std::string& name) {
        return two.result(base, "/collections/" + name + "/exists").at("exists").get<bool>();
    };
    two.target.with([](auto& state) {
        state.timeouts = {{"PUT", "/collections/late", true}, {"PUT", "/collections/never", false}};
    });
    for (const auto* name : {"late", "never"}) {
        const auto answer = two.ask(base, "PUT", std::string("/collections/") + name, three_by_two);
        CHECK(answer.status == 500);
        CHECK(answer.body.find("Waiting for consensus operation commit failed") != std::string::npos);
        CHECK_FALSE(exists(name));
    }
    for (int looks = 0; looks < 10; ++looks) exists("late");
    CHECK(exists("late"));
    CHECK_FALSE(exists("never"));
}

TEST_CASE("played: a node that is down stays Active in the others' eyes, and comes back where it was") {
    Two two;
    const auto before = two.result(two.source.base(0), "/collections/c3/cluster");
    two.source.stop(2);
    CHECK_THROWS_AS(two.ask(two.source.base(2), "GET", "/cluster"), Error);
    CHECK(two.result(two.source.base(0), "/collections/c3/cluster") == before);
    const auto peers = two.result(two.source.base(0), "/cluster/telemetry?details_level=2").at("cluster").at("peers");
    CHECK(peers.dump().find(R"("responsive":false)") != std::string::npos);
    two.source.start(2);
    CHECK(two.ask(two.source.base(2), "GET", "/cluster").status == 200);
}

TEST_CASE("played: without a quorum nothing is agreed") {
    Two two;
    two.source.stop(1);
    CHECK(two.ask(two.source.base(0), "PUT", "/collections/d", three_by_two).status == 200);
    CHECK(two.result(two.source.base(0), "/collections/d/cluster").dump().find("Initializing") != std::string::npos);
    two.source.stop(2);
    CHECK(two.ask(two.source.base(0), "PUT", "/collections/e", three_by_two).status == 500);
}

TEST_CASE("played: a load balancer gives each request to the next node") {
    Two two;
    std::set<std::uint64_t> peers;
    for (int i = 0; i < 3; ++i)
        peers.insert(two.result(two.source.balancer(), "/cluster").at("peer_id").get<std::uint64_t>());
    CHECK(peers.size() == 3);
}

TEST_CASE("played: a key for one collection may read and save that one, and sees no cluster") {
    Two two;
    two.source.fill("d", three_by_two, 3);
    two.source.with([](auto& state) {
        state.keys["jwt-rw"] = {.collections = {{"c3", true}}};
        state.keys["jwt-r"] = {.collections = {{"c3", false}}};
    });
    const auto status = [&](const std::string& key, const std::string& method, const std::string& path) {
        return two.ask(two.source.base(0), method, path, "", key).status;
    };
    for (const auto* key : {"jwt-r", "jwt-rw"}) {
        CHECK(status(key, "GET", "/cluster") == 403);
        CHECK(status(key, "GET", "/cluster/telemetry") == 200);
        CHECK(status(key, "GET", "/collections/c3/cluster") == 200);
        CHECK(status(key, "GET", "/collections/d") == 403);
        CHECK(status(key, "DELETE", "/collections/c3") == 403);
    }
    CHECK(status("jwt-r", "POST", "/collections/c3/snapshots") == 403);
    CHECK(status("jwt-rw", "POST", "/collections/c3/snapshots") == 200);
    CHECK(json::parse(two.ask(two.source.base(0), "GET", "/collections", "", "jwt-r").body)
              .at("result")
              .at("collections")
              .size() == 1);
}

TEST_CASE("played: damage without a checksum is taken, and a file cut between entries too") {
    Two two;
    two.put_back(0, two.collection_snapshots()[0], "snapshot");
    two.target.with([](auto& state) { state.collections.erase("c3"); });
    const auto path = std::string("/collections/c3/shards/0/snapshots/upload");
    two.ask(two.target.base(0), "PUT", "/collections/c3", three_by_two);
    const auto node = two.target.base(two.holder(two.target, 0));
    const auto whole = two.shard_snapshot(0);
    auto damaged = whole;
    damaged[700] = '\n';
    CHECK(two.upload(node, path + "?checksum=" + io::sha256(whole), damaged).status == 400);
    CHECK(two.upload(node, path, damaged).status == 200);
    CHECK(two.upload(node, path, whole.substr(0, 300)).status == 500);
    // After the first of the segments.
    CHECK(two.upload(node, path, whole.substr(0, whole.find("segments/1.tar"))).status == 200);
}

TEST_CASE("played: points are read from every node, by pages, ids and keys") {
    Two two;
    for (const auto& base : two.source.bases()) {
        const auto page = json::parse(two.ask(base, "POST", "/collections/c3/points/scroll",
                                              R"({"limit":2,"offset":5,"with_vector":true})")
                                          .body)
                              .at("result");
        CHECK(page.at("next_page_offset") == 7);
        CHECK(page.at("points").at(0).dump() == R"({"id":5,"payload":{"num":5},"vector":[5.5,1.0,0.0,0.25]})");
        const auto some = json::parse(two.ask(base, "POST", "/collections/c3/points", R"({"ids":[3,9999]})").body);
        CHECK(some.at("result").size() == 1);
    }
}

TEST_CASE("played: a node dies in the middle of a download, and is silent then") {
    Two two;
    const auto made = json::parse(two.ask(two.source.base(0), "POST", "/collections/c3/shards/0/snapshots").body);
    two.source.with([](auto& state) { state.nodes[0].dies_in_download = 1000; });
    const auto path = "/collections/c3/shards/0/snapshots/" + made.at("result").at("name").get<std::string>();
    CHECK_THROWS_AS(two.ask(two.source.base(0), "GET", path), Error);
    CHECK_THROWS_AS(two.ask(two.source.base(0), "GET", "/cluster"), Error);
    CHECK(two.ask(two.source.base(1), "GET", "/cluster").status == 200);
}

}  // namespace vbackup::test
