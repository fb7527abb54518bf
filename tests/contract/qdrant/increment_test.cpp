// SPDX-License-Identifier: Apache-2.0
// Increments: what they leave out, what makes them whole, and that each link brings back what was there when it was made.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backup/chain.hpp"
#include "contract/qdrant/cluster_bench.hpp"
#include "driver/qdrant/fixed.hpp"
#include "support/scripted_qdrant_pack.hpp"

namespace vbackup::test {
namespace {

// Three nodes with a collection whose optimizers have done their work.
struct Chained {
    Chained() {
        site.cluster.fill("docs", collection_body(2, 2), 200);
        optimize();
    }
    void optimize() {
        site.cluster.with([](auto& state) { played::optimize(state, "docs"); });
    }
    // Some points go, some change, some come; the same on all replicas.
    void write(std::uint64_t from) {
        site.cluster.with([&](auto& state) {
            for (auto& shard : state.collections.at("docs").shards) {
                for (auto& [_, replica] : shard.replicas) {
                    replica.points.erase(from);
                    for (auto point = from + 1; point < from + 5; ++point) {
                        if (replica.points.contains(point))
                            replica.points[point] = R"({"payload":{},"vector":[9,9,9,9]})";
                    }
                    replica.points[1000 + 10 * from + shard.id] = R"({"payload":{"new":1},"vector":[1,2,3,4]})";
                }
            }
        });
    }
    model::Manifest create(const std::string& id, std::size_t most = 6) {
        site.clock.advance(Seconds(60));
        backup::CreateOptions options{.id = id, .keep = true};
        options.incremental = true;
        options.max_increments = most;
        return *backup::create(site.call, site.stage(), options).manifest;
    }
    Holdings restored(const std::string& id) {
        Site target(vault, 3);
        target.restore(id);
        return target.holdings("docs");
    }
    std::size_t partials() { return site.cluster.count("POST", "*/snapshot/partial/create"); }
    std::string warnings() {
        std::string all;
        for (const auto& text : site.tally.warnings()) all += text + "\n";
        return all;
    }
    std::uint64_t uploads(Site& to) { return to.cluster.count("POST", "*/upload?*"); }

    Vault vault;
    Site site{vault, 3};
};

void damage(store::Store& store, const std::string& name) {
    auto bytes = io::read_all(*store.open(name), std::size_t{1} << 20);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    auto sink = store.create(name);
    sink->write(std::as_bytes(std::span(bytes)));
    sink->finish();
}

}  // namespace

// As a real 1.19.0 answered on 21 November 2026, shortened: a segment that an optimizer built, and one that takes writes.
TEST_CASE("increment: only dense vectors, their quantized form and the links of their graph are left out") {
    const auto fixed = driver::qdrant::fixed_of(R"({
      "df97a0c3-dfc9-42ee-ba86-fc3b2d0b966f": {"segment_id": "df97a0c3-dfc9-42ee-ba86-fc3b2d0b966f", "segment_version": 12,
        "file_versions": {"id_tracker.deleted": null, "id_tracker.mappings": 7,
          "payload_index/3cbb3nqjhegirgvpfrdrgn5a-n-map/deleted.bin": 7, "payload_storage/page_0.dat": 9,
          "vector_index-dense/graph.bin": 7, "vector_index-dense/links_compressed.bin": 7,
          "vector_index-sp/inverted_index.dat": 7, "vector_storage-dense/deleted.dat": 11,
          "vector_storage-dense/matrix.dat": 7, "vector_storage-dense/quantized.data": 7,
          "vector_storage-late/quantized.data": 7, "vector_index-late/links.bin": 7,
          "vector_storage-other/matrix.dat": 7, "vector_storage-other/quantized.data": 9}},
      "59c4dc92-be06-4b1f-b32c-c31bff3d31e4": {"segment_id": "59c4dc92-be06-4b1f-b32c-c31bff3d31e4", "segment_version": 0,
        "file_versions": {"payload_storage/page_0.dat": 0, "vector_storage-dense/matrix.dat": 0,
          "vector_storage-dense/vectors/chunk_0.mmap": null}}})");
    const driver::qdrant::Inventory wanted{{"df97a0c3-dfc9-42ee-ba86-fc3b2d0b966f",
                                            {{"vector_index-dense/links_compressed.bin", 7},
                                             {"vector_storage-dense/matrix.dat", 7},
                                             {"vector_storage-dense/quantized.data", 7},
                                             {"vector_storage-other/matrix.dat", 7}}}};
    CHECK(fixed == wanted);
    CHECK(driver::qdrant::fixed_of(driver::qdrant::render_inventory(wanted)) == wanted);
    CHECK(driver::qdrant::parse_inventory(driver::qdrant::render_inventory(wanted)) == wanted);
    CHECK(ended([] { driver::qdrant::fixed_of(R"({"a":{"file_versions":{"b":"c"}}})"); }) == ErrorKind::not_understood);
}

TEST_CASE("increment: files that cannot change are left out, and every link brings back what was there") {
    Chained chain;
    std::vector<Holdings> then;
    std::vector<model::Manifest> made;
    for (const std::string id : {"a", "b", "c", "d"}) {
        made.push_back(chain.create(id));
        then.push_back(chain.site.holdings("docs"));
        chain.write(20 * made.size());
        // The third link finds other segments than the second, but for one shard's.
        if (id == "b")
            chain.site.cluster.with([](auto& state) {
                for (auto& [_, replica] : state.collections.at("docs").shards.front().replicas)
                    replica.built = {{"ffffffff-2fa1-41d2-883f-0016d3cca427", replica.points}};
            });
    }
    CHECK(made[0].bases.empty());
    CHECK(made[1].bases == std::vector<std::string>{"a"});
    CHECK(made[2].bases == std::vector<std::string>{"b"});
    CHECK(made[3].bases == std::vector<std::string>{"c"});
    CHECK(made[1].size() < made[0].size());
    CHECK(chain.partials() == 5);
    CHECK(chain.site.left_behind() == 0);
    for (std::size_t i = 0; i < made.size(); ++i) {
        CAPTURE(made[i].id);
        CHECK(chain.restored(made[i].id) == then[i]);
        CHECK(backup::verify(chain.site.call, chain.vault.store, made[i].id, 1).good());
    }
}

TEST_CASE("increment: a history that was wound back, a restart and another replica make no wrong one") {
    Chained chain;
    chain.create("a");
    chain.write(20);
    chain.create("b");
    // Segments keep their ids and versions, as after a restore of a snapshot.
    chain.site.restore("a", true);
    chain.write(60);
    chain.create("c");
    const auto then = chain.site.holdings("docs");
    CHECK(chain.restored("c") == then);
    CHECK(chain.restored("b") != then);
}

TEST_CASE("increment: the replica that was backed up before is taken again, as others have segments of their own") {
    Chained chain;
    chain.create("a");
    // Each of them would move the work on by one node.
    chain.site.cluster.fill("about", collection_body(1, 3), 90);
    chain.site.cluster.fill("best", collection_body(1, 3), 70);
    CHECK(chain.create("b").bases == std::vector<std::string>{"a"});
    CHECK(chain.partials() == 2);
}

TEST_CASE("increment: of a collection that was dropped and made again everything is backed up, and that is said") {
    Chained chain;
    chain.create("a");
    chain.site.cluster.with([](auto& state) { state.collections.erase("docs"); });
    chain.site.cluster.fill("docs", collection_body(2, 2), 150);
    chain.optimize();
    const auto manifest = chain.create("b");
    CHECK(manifest.bases.empty());
    CHECK(chain.partials() == 0);
    CHECK(has(chain.warnings(), "backed up whole: it has no segment in common with a"));
    CHECK(chain.restored("b") == chain.site.holdings("docs"));
}

TEST_CASE("increment: a server without partial snapshots, another version, a key that may not ask: whole, and said") {
    Chained chain;
    chain.create("a");
    std::string why;
    SUBCASE("before 1.13") {
        chain.site.cluster.with([](auto& state) { state.knows_partial = false; });
        why = "no partial snapshots";
    }
    SUBCASE("another version") {
        chain.site.cluster.with([](auto& state) {
            for (auto& node : state.nodes) node.version = "1.19.1";
        });
        why = "which is 1.19.1 now";
    }
    SUBCASE("forbidden") {
        for (int shard = 0; shard < 2; ++shard)
            chain.site.cluster.once("GET", "*/snapshot/partial/manifest",
                                    {.status = 403, .body = R"({"status":{"error":"Forbidden"},"time":0.1})"});
        why = "the key may not see";
    }
    const auto manifest = chain.create("b");
    CHECK(manifest.bases.empty());
    CHECK(manifest.files.size() == 2);
    CHECK(chain.partials() == 0);
    CHECK(has(chain.warnings(), why));
}

TEST_CASE("increment: a stream that ends early under a 200 makes no backup") {
    Chained chain;
    chain.create("a");
    chain.site.cluster.with([](auto& state) { state.truncates_streams = true; });
    CHECK(ended([&] { chain.create("b"); }) == ErrorKind::unreachable);
    CHECK_FALSE(chain.vault.store.manifest("b"));
    chain.site.cluster.with([](auto& state) { state.truncates_streams = false; });
    chain.create("b");
    CHECK(chain.restored("b") == chain.site.holdings("docs"));
}

TEST_CASE("increment: a file that is missing without having been left out on purpose makes no backup") {
    Chained chain;
    chain.create("a");
    const auto torn = chain.site.cluster.with([](auto& state) {
        const auto& replica = state.collections.at("docs").shards.front().replicas.begin()->second;
        return played::pack_partial(replica, played::manifest_of(replica));
    });
    chain.site.cluster.once("POST", "*/snapshot/partial/create", {.body = torn, .chunked = true});
    CHECK(ended([&] { chain.create("b"); }) == ErrorKind::partial);
    CHECK_FALSE(chain.vault.store.manifest("b"));
}

TEST_CASE("increment: after so many in a row one is whole again") {
    Chained chain;
    chain.create("a");
    CHECK(chain.create("b", 2).bases == std::vector<std::string>{"a"});
    CHECK(chain.create("c", 2).bases == std::vector<std::string>{"b"});
    CHECK(chain.create("d", 2).bases.empty());
    CHECK(chain.create("e", 2).bases == std::vector<std::string>{"d"});
}

TEST_CASE("increment: what others build on is not deleted, nor pruned") {
    Chained chain;
    chain.create("a");
    chain.create("b");
    chain.create("c");
    CHECK(ended([&] { backup::remove(chain.site.call, chain.site.stage(), "a", {}, false); }) == ErrorKind::refused);
    CHECK(ended([&] { backup::remove(chain.site.call, chain.site.stage(), "b", {}, false); }) == ErrorKind::refused);
    backup::PruneOptions options;
    options.rules.last = 1;
    backup::prune(
        chain.site.call, chain.vault.store, [](const model::Plan&) { return true; }, options);
    CHECK(chain.vault.store.ids() == std::vector<std::string>{"a", "b", "c"});
    backup::remove(chain.site.call, chain.site.stage(), "c", {}, false);
    backup::remove(chain.site.call, chain.site.stage(), "b", {}, false);
    CHECK(chain.restored("a") == chain.site.holdings("docs"));
}

TEST_CASE("increment: damage in what it builds on is found before anything is sent, and by verify") {
    Chained chain;
    chain.create("a");
    chain.write(20);
    chain.create("b");
    SUBCASE("a changed byte") {
        damage(*chain.vault.store_bytes, "a/data/docs/shard-1.snapshot");
    }
    SUBCASE("a file that is gone") {
        chain.vault.store_bytes->remove("a/data/docs/shard-1.snapshot");
    }
    SUBCASE("a base that is gone") {
        chain.vault.store.remove("a");
    }
    const auto checked = backup::verify(chain.site.call, chain.vault.store, "b", 1);
    CHECK_FALSE(checked.good());
    CHECK(std::any_of(checked.files.begin(), checked.files.end(),
                      [](const auto& file) { return file.name.starts_with("a/") && !file.problem.empty(); }));
    Site target(chain.vault, 3);
    CHECK(ended([&] { target.restore("b"); }));
    CHECK(target.cluster.count("POST", "*/shards/1/snapshots/upload?*") == 0);
}

TEST_CASE("increment: a create that was cut short goes on only while what it builds on is there") {
    Chained chain;
    chain.create("a");
    chain.write(20);
    chain.site.cluster.once("POST", "*/shards/1/snapshot/partial/create",
                            {.status = 500, .body = "Service internal error"});
    CHECK(ended([&] { chain.create("b"); }));
    CHECK(ended([&] { backup::remove(chain.site.call, chain.site.stage(), "a", {}, false); }) == ErrorKind::refused);
    SUBCASE("there") {
        chain.create("b");
        CHECK(chain.restored("b") == chain.site.holdings("docs"));
    }
    SUBCASE("gone") {
        chain.vault.store.remove("a");
        CHECK(ended([&] { chain.create("b"); }) == ErrorKind::refused);
        CHECK_FALSE(chain.vault.store.manifest("b"));
    }
}

TEST_CASE("increment: only of shards, and only into a store") {
    Chained chain;
    backup::CreateOptions options{.id = "a"};
    options.incremental = true;
    CHECK(ended([&] { backup::create(chain.site.call, chain.site.stage(), options); }) == ErrorKind::usage);
    options.keep = true;
    options.options = {{"unit", "collection"}};
    CHECK(ended([&] { backup::create(chain.site.call, chain.site.stage(), options); }) == ErrorKind::usage);
}

}  // namespace vbackup::test
