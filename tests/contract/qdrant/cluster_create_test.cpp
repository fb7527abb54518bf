// SPDX-License-Identifier: Apache-2.0
// Backups of whole clusters and back into clusters of other sizes, and nodes that fail meanwhile, on played clusters.
#include <doctest/doctest.h>

#include <functional>

#include "backup/find.hpp"
#include "contract/qdrant/cluster_bench.hpp"

namespace vbackup::test {
namespace {

struct Six {
    Six() { site.cluster.fill("docs", collection_body(6, 2), 600); }
    Vault vault;
    Site site{vault, 3};
};

const Answer full{.status = 500,
                  .body = "An error occurred processing field: snapshot",
                  .headers = {{"Content-Type", "text/plain; charset=utf-8"}}};

}  // namespace

TEST_CASE("create: six shards with two replicas on three nodes: each shard once, and every node has its part") {
    Six six;
    const auto manifest = six.site.create();
    CHECK(manifest.files.size() == 6);
    for (int shard = 0; shard < 6; ++shard) {
        const auto path = fmt::format("/collections/docs/shards/{}/snapshots", shard);
        CHECK(six.site.cluster.count("POST", path + "?*") == 1);
        CHECK(six.site.cluster.count("GET", path + "/*.snapshot") == 1);
    }
    for (std::size_t node = 0; node < 3; ++node) {
        const auto downloads = six.site.cluster.count(node, "GET", "*/snapshots/*.snapshot");
        CHECK(downloads >= 1);
        CHECK(downloads <= 3);
    }
    CHECK(six.site.left_behind() == 0);
}

TEST_CASE(
    "create: left with the server, it is one backup in the journal, downloaded from its nodes and deleted on all") {
    Six six;
    six.site.create("b", "shard", false);
    CHECK(six.site.left_behind() == 6);
    backup::download(six.site.call, six.site.stage(), "b", {}, false);
    Site target(six.vault, 3);
    target.restore();
    CHECK(target.holdings("docs") == six.site.holdings("docs"));
}

TEST_CASE("restore: from 1, 3, 5 nodes to 1, 3, 5 nodes, with 1 and 6 shards and 1 to 3 replicas") {
    for (const std::size_t from : {1U, 3U, 5U}) {
        for (const std::size_t to : {1U, 3U, 5U}) {
            for (const std::size_t shards : {1U, 6U}) {
                const auto factor = (from + to + shards) % 3 + 1;
                CAPTURE(from);
                CAPTURE(to);
                CAPTURE(shards);
                CAPTURE(factor);
                Vault vault;
                Site source(vault, from), target(vault, to);
                source.cluster.fill("docs", collection_body(shards, factor), 120);
                target.cluster.with([](auto& state) { state.placements = 1; });
                source.create();
                target.restore();
                const auto now = target.holdings("docs");
                CHECK(now.points == source.holdings("docs").points);
                CHECK(now.equal);
                CHECK(now.replicas == std::set<std::size_t>{std::min<std::size_t>(factor, to)});
            }
        }
    }
}

TEST_CASE("two runs through different nodes of one cluster exclude each other") {
    Six six;
    six.site.create();
    auto other = six.site.stage();
    other.target.url = six.site.cluster.base(1);
    const auto lock = backup::lock_target(other);
    const auto changes = [&] {
        return six.site.cluster.count("POST", "*/snapshots*") + six.site.cluster.count("DELETE", "*");
    };
    const auto sent = changes();
    CHECK(ended([&] { six.site.create("c"); }) == ErrorKind::busy);
    CHECK(ended([&] { six.site.restore("b", true); }) == ErrorKind::busy);
    CHECK(changes() == sent);
}

TEST_CASE("going on with what was interrupted is excluded by a run through another node too") {
    Six six;
    auto other = six.site.stage();
    other.target.url = six.site.cluster.base(1);
    const auto changes = [&] {
        return six.site.cluster.count("POST", "*/snapshots*") + six.site.cluster.count("PUT", "*");
    };
    six.site.cluster.with([](auto& state) { state.nodes[1].dies_in_download = 500; });
    REQUIRE(ended([&] { six.site.create(); }).has_value());
    six.site.cluster.start(1);
    {
        const auto lock = backup::lock_target(other);
        const auto sent = changes();
        CHECK(ended([&] { six.site.create(); }) == ErrorKind::busy);
        CHECK(ended([&] { backup::wait(six.site.call, six.site.stage(), "b"); }) == ErrorKind::busy);
        CHECK(changes() == sent);
    }
    six.site.create();

    for (int i = 0; i < 30; ++i) six.site.cluster.once("POST", "*/snapshots/upload*", full);
    REQUIRE(ended([&] { six.site.restore("b", true); }) == ErrorKind::storage);
    six.site.cluster.forget_rules();
    const auto lock = backup::lock_target(other);
    const auto sent = changes();
    CHECK(ended([&] { six.site.restore("b", true); }) == ErrorKind::busy);
    CHECK(ended([&] { backup::wait(six.site.call, six.site.stage(), "b"); }) == ErrorKind::busy);
    CHECK(changes() == sent);
}

TEST_CASE("create: a node that dies in the middle of a download: no backup, and a rerun with the node back is good") {
    Six six;
    six.site.cluster.with([](auto& state) { state.nodes[1].dies_in_download = 500; });
    CHECK(ended([&] { six.site.create(); }).has_value());
    CHECK_FALSE(six.vault.store.manifest("b"));
    six.site.cluster.start(1);
    six.site.create();
    Site target(six.vault, 3);
    target.restore();
    CHECK(target.holdings("docs") == six.site.holdings("docs"));
}

TEST_CASE("create: no room on a node's disk: it fails, and there is no backup") {
    for (const bool keep : {true, false}) {
        Six six;
        six.site.cluster.with([](auto& state) { state.nodes[2].disk_full = true; });
        CHECK(ended([&] { six.site.create("b", "shard", keep); }).has_value());
        CHECK_FALSE(six.vault.store.manifest("b"));
        CHECK_FALSE(six.vault.journal.manifest("b"));
    }
}

// One node makes three snapshots of one collection side by side, and its telemetry tells their number, not their shards.
TEST_CASE("create: the answer to the making of one of several snapshots is lost: it is not made a second time") {
    for (const int looks : {1, 3, 9, 40}) {
        CAPTURE(looks);
        Vault vault;
        Site site(vault, 1);
        site.cluster.fill("docs", collection_body(3, 1), 300);
        site.cluster.with([&](auto& state) { state.looks_until_made = looks; });
        site.cluster.lose_answer("POST", "/collections/docs/shards/1/snapshots*");
        site.create();
        CHECK(site.cluster.count("POST", "/collections/docs/shards/*/snapshots*") == 3);
        CHECK(site.left_behind() == 0);
    }
}

TEST_CASE("create: of what an earlier run left in the making nothing is made a second time") {
    Vault vault;
    Site site(vault, 1);
    site.cluster.fill("docs", collection_body(3, 1), 300);
    site.cluster.with([&](auto& state) { state.looks_until_made = 9; });
    site.cluster.tamper([](const HttpRequest& request, const std::function<Answer()>& work) {
        auto answer = work();
        if (request.method == "POST" && request.path.ends_with("/shards/1/snapshots")) answer.body = "null";
        return answer;
    });
    const auto begin = [&] { backup::create(site.call, site.stage(), {.id = "b", .wait = false}); };
    CHECK(ended(begin).has_value());
    site.cluster.tamper({});
    site.open();
    begin();
    CHECK(site.cluster.count("POST", "/collections/docs/shards/*/snapshots*") == 3);
}

TEST_CASE("create: a request for one of several snapshots never came: it is sent again though others are being made") {
    for (const int looks : {1, 3, 9, 40}) {
        CAPTURE(looks);
        Vault vault;
        Site site(vault, 1);
        site.cluster.fill("docs", collection_body(3, 1), 300);
        site.cluster.with([&](auto& state) { state.looks_until_made = looks; });
        site.cluster.once("POST", "/collections/docs/shards/1/snapshots*", {.fault = Fault::reset});
        site.create();
        CHECK(site.cluster.count("POST", "/collections/docs/shards/1/snapshots*") == 2);
        CHECK(site.cluster.count("POST", "/collections/docs/shards/*/snapshots*") == 4);
        CHECK(site.left_behind() == 0);
    }
}

TEST_CASE("restore: a node that dies during an upload: it does not end well, and a rerun with the node back is good") {
    Six six;
    six.site.create();
    Site target(six.vault, 3);
    target.cluster.with([](auto& state) { state.nodes[1].dies_in_upload = true; });
    CHECK(ended([&] { target.restore(); }).has_value());
    target.cluster.with([](auto& state) { state.nodes[1].dies_in_upload = false; });
    target.cluster.start(1);
    target.restore("b", true);
    CHECK(target.holdings("docs") == six.site.holdings("docs"));
}

TEST_CASE("restore: no room on the node for what is sent: the disk is named, and a rerun is good") {
    Six six;
    six.site.create();
    Site target(six.vault, 3);
    for (int i = 0; i < 30; ++i) target.cluster.once("POST", "*/snapshots/upload*", full);
    CHECK(ended([&] { target.restore(); }) == ErrorKind::storage);
    target.cluster.forget_rules();
    target.restore();
    CHECK(target.holdings("docs") == six.site.holdings("docs"));
}

TEST_CASE("restore: recoveries that never come: failed, not well") {
    Six six;
    six.site.create();
    Site target(six.vault, 3);
    target.cluster.with([](auto& state) { state.recoveries_hang = true; });
    const auto kind = ended([&] { target.restore(); });
    CHECK(kind == ErrorKind::job_failed);
}

}  // namespace vbackup::test
