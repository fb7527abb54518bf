// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backup/execute.hpp"
#include "scene.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

long count_of(const std::vector<std::string>& all, const std::string& one) {
    return std::count(all.begin(), all.end(), one);
}

}  // namespace

TEST_CASE("as many parts run side by side as nodes keep busy, unless a person says how many") {
    Scene scene;
    const auto with = [](std::size_t nodes) {
        model::Plan plan;
        for (std::size_t i = 0; i < 3 * nodes; ++i) plan.steps.push_back({.part = {std::to_string(i % nodes), "", ""}});
        return plan;
    };
    CHECK(backup::side_by_side(scene.stage(0), with(1)) == 4);
    CHECK(backup::side_by_side(scene.stage(0), with(10)) == 20);
    CHECK(backup::side_by_side(scene.stage(0), with(100)) == 32);
    CHECK(backup::side_by_side(scene.stage(7), with(10)) == 7);
}

TEST_CASE("a kept backup is there with its files, digests and counts, and the server is tidied") {
    Scene scene;
    const auto manifest = scene.made("b1");
    CHECK(manifest.files.size() == 2);
    for (const auto& file : manifest.files) {
        CHECK(file.kept);
        CHECK(file.sha256 == file.server_sha256);
        CHECK(scene.store_bytes->size(store::file_name("b1", file.name)) == file.size);
    }
    CHECK(manifest.collections.at(0).quiet());
    CHECK(scene.store.manifest("b1"));
    CHECK_FALSE(scene.store.intent("b1"));
    CHECK(scene.database.snapshots.empty());
}

TEST_CASE("a backup that stays with the server has its manifest in the journal") {
    Scene scene;
    const auto manifest = scene.made("b1", false);
    CHECK_FALSE(manifest.kept);
    CHECK(manifest.jobs.size() == 2);
    CHECK(manifest.files.size() == 2);
    CHECK(scene.journal.manifest("b1"));
    CHECK_FALSE(scene.store.manifest("b1"));
    CHECK(scene.database.snapshots.size() == 2);
}

TEST_CASE("a database that makes no increments is not even looked at when one is asked for") {
    Scene scene;
    bool asked = false;
    scene.database.before = [&](const std::string&, const std::string&) { asked = true; };
    try {
        backup::create(scene.call, scene.stage(), {.id = "b1", .keep = true, .incremental = true});
        FAIL("it was made");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unsupported);
    }
    CHECK_FALSE(asked);
    CHECK(scene.store.ids().empty());
}

TEST_CASE("the intent is there before the first request that changes anything") {
    Scene scene;
    bool seen = false;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function == "run" && !seen) seen = scene.store.intent("b1").has_value();
    };
    scene.made("b1");
    CHECK(seen);
}

TEST_CASE("a lost answer does not make a second snapshot") {
    for (const auto kind : {ErrorKind::unreachable, ErrorKind::stalled}) {
        Scene scene;
        scene.fail("answer", "snapshot:Article", kind);
        scene.made("b1");
        CHECK(count_of(scene.database.changes, "snapshot:Article") == 1);
    }
}

TEST_CASE("a request that did not arrive is sent again") {
    Scene scene;
    scene.fail("run", "snapshot:Article", ErrorKind::unreachable, 1, 2);
    scene.made("b1");
    CHECK(count_of(scene.database.changes, "snapshot:Article") == 1);
}

TEST_CASE("a server that stays away ends the create, and the rerun finishes it") {
    Scene scene;
    scene.fail("run", "snapshot:Book", ErrorKind::unreachable, 1, 100);
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::unreachable);
    CHECK_FALSE(scene.store.manifest("b1"));
    scene.database.before = {};
    const auto manifest = scene.made("b1");
    CHECK(manifest.files.size() == 2);
    CHECK(count_of(scene.database.changes, "snapshot:Article") == 1);
}

TEST_CASE("whatever call is killed, a rerun with the same id finishes and makes nothing twice") {
    struct Killed {};
    for (int nth = 1;; ++nth) {
        Scene scene;
        int calls = 0;
        scene.database.before = [&](const std::string&, const std::string&) {
            if (++calls == nth) throw Killed{};
        };
        bool killed = false;
        try {
            scene.made("b1");
        } catch (const Killed&) {
            killed = true;
        }
        if (!killed) break;
        CAPTURE(nth);
        const bool committed = scene.store.manifest("b1").has_value();
        scene.database.before = {};
        CHECK((!committed || backup::verify(scene.call, scene.stage(), "b1").good()));
        CHECK(scene.made("b1").files.size() == 2);
        CHECK_FALSE(scene.store.intent("b1"));
        CHECK(count_of(scene.database.changes, "snapshot:Article") == 1);
        CHECK(count_of(scene.database.changes, "snapshot:Book") == 1);
        CHECK(scene.database.snapshots.empty());
        REQUIRE(nth < 100);
    }
}

TEST_CASE("a failed job is told with the server's reason and is no backup") {
    Scene scene;
    scene.database.end = model::Phase::failed;
    scene.database.collections.erase("Book");
    try {
        scene.made("b1");
        FAIL("it ended well");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::job_failed);
        CHECK(error.message().find("no space left") != std::string::npos);
    }
    CHECK_FALSE(scene.store.manifest("b1"));
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).phase == model::Phase::failed);
}

TEST_CASE("one failed collection of two is partly done, and no backup") {
    Scene scene;
    scene.fail("run", "snapshot:Book", ErrorKind::refused);
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::partial);
    CHECK_FALSE(scene.store.manifest("b1"));
}

TEST_CASE("a cancelled job is told as cancelled") {
    Scene scene;
    scene.database.end = model::Phase::cancelled;
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::cancelled);
}

TEST_CASE("a job that vanished is a failure") {
    Scene scene;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function == "observe") scene.database.snapshots.clear();
    };
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::job_failed);
}

TEST_CASE("an id is used once") {
    Scene scene;
    scene.made("b1");
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::conflict);
    CHECK(kind_of([&] { scene.made("b1", false); }) == ErrorKind::conflict);
}

TEST_CASE("an unfinished id is not taken over by another wish") {
    Scene scene;
    scene.fail("run", "", ErrorKind::unreachable, 1, 100);
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::unreachable);
    scene.database.before = {};
    const backup::CreateOptions other{.id = "b1", .scope = {.include = {"Book"}}, .keep = true};
    CHECK(kind_of([&] { backup::create(scene.call, scene.stage(), other); }) == ErrorKind::conflict);
}

TEST_CASE("two runs at once: the second is busy") {
    Scene scene;
    ErrorKind inner = ErrorKind::failed;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function != "run" || inner != ErrorKind::failed) return;
        inner = kind_of([&] { scene.made("b2"); });
    };
    scene.made("b1");
    CHECK(inner == ErrorKind::busy);
}

TEST_CASE("a dry run changes nothing anywhere") {
    Scene scene;
    const auto result = backup::create(scene.call, scene.stage(), {.id = "b1", .keep = true, .dry_run = true});
    CHECK(result.dry_run);
    CHECK(result.plan.steps.size() == 6);
    CHECK(scene.database.changes.empty());
    CHECK_FALSE(std::filesystem::exists(scene.folder.path() / "store"));
    CHECK_FALSE(std::filesystem::exists(scene.folder.path() / "journal"));
}

TEST_CASE("without waiting the jobs are taken, and wait finishes the backup") {
    Scene scene;
    const auto result = backup::create(scene.call, scene.stage(), {.id = "b1", .wait = false});
    REQUIRE(result.under_way);
    CHECK(result.under_way->phase == model::Phase::running);
    CHECK_FALSE(scene.journal.manifest("b1"));
    CHECK(backup::wait(scene.call, scene.stage(), "b1").manifest->files.size() == 2);
    CHECK(scene.journal.manifest("b1"));
}

TEST_CASE("status finishes a create whose jobs have ended") {
    Scene scene;
    scene.database.looks_needed = 10;
    backup::create(scene.call, scene.stage(), {.id = "b1", .wait = false});
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).phase == model::Phase::running);
    for (auto& [name, snapshot] : scene.database.snapshots) snapshot.looks_left = 0;
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).phase == model::Phase::succeeded);
    CHECK(scene.journal.manifest("b1"));
}

TEST_CASE("without waiting nothing can be brought home") {
    Scene scene;
    CHECK(kind_of([&] { backup::create(scene.call, scene.stage(), {.id = "b1", .keep = true, .wait = false}); }) ==
          ErrorKind::usage);
    CHECK(scene.database.changes.empty());
}

TEST_CASE("writes that go on are known afterwards") {
    Scene scene;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function == "files") scene.database.collections["Article"] = 1'003;
    };
    const auto manifest = scene.made("b1");
    CHECK_FALSE(manifest.collections.at(0).quiet());
    CHECK(manifest.collections.at(0).count_after == 1'003);
    CHECK(manifest.collections.at(1).quiet());
    CHECK(manifest.notes.size() == 1);
}

TEST_CASE("bytes that differ from the server's digest are no backup") {
    Scene scene;
    bool once = false;
    scene.database.before = [&](const std::string& function, const std::string& about) {
        if (function != "open" || once) return;
        once = true;
        scene.database.snapshots.at(about).bytes[0] = '#';
    };
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::partial);
    CHECK_FALSE(scene.store.manifest("b1"));
}

TEST_CASE("tidying that fails is a warning, the backup is good") {
    Scene scene;
    scene.fail("run", "drop:", ErrorKind::denied, 1, 100);
    CHECK(scene.made("b1").files.size() == 2);
    CHECK(scene.tally.warnings().size() >= 1);
}

TEST_CASE("a tidying that failed is done by the rerun or the next wait") {
    Scene scene;
    scene.fail("run", "drop:", ErrorKind::denied, 1, 100);
    scene.made("b1");
    CHECK(scene.database.snapshots.size() == 2);
    CHECK(scene.store.intent("b1"));
    scene.database.before = {};
    CHECK(backup::wait(scene.call, scene.stage(), "b1").manifest);
    CHECK(scene.database.snapshots.empty());
    CHECK_FALSE(scene.store.intent("b1"));
}

TEST_CASE("a stop while the request is out does not make a second job of the rerun") {
    for (const auto kind :
         {ErrorKind::interrupted, ErrorKind::deadline, ErrorKind::not_understood, ErrorKind::failed}) {
        Scene scene;
        scene.database.collections.erase("Book");
        scene.fail("answer", "snapshot:Article", kind);
        CHECK(kind_of([&] { scene.made("b1"); }) == kind);
        scene.database.before = {};
        scene.made("b1");
        CHECK(count_of(scene.database.changes, "snapshot:Article") == 1);
    }
}

TEST_CASE("a job that ended with its server after an earlier run is begun anew by the rerun") {
    for (const bool twice : {false, true}) {
        CAPTURE(twice);
        Scene scene;
        scene.database.collections.erase("Book");
        scene.fail("observe", "", ErrorKind::unreachable, 1, 10'000);
        CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::unreachable);
        scene.database.before = {};
        for (auto& [_, snapshot] : scene.database.snapshots) snapshot.end = model::Phase::failed;
        if (twice) {
            // A server that takes no id twice: how the job ended says more than that.
            scene.fail("run", "snapshot:Article", ErrorKind::conflict, 1, 100);
            CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::job_failed);
            continue;
        }
        CHECK(scene.made("b1").files.size() == 1);
        CHECK(count_of(scene.database.changes, "snapshot:Article") == 2);
        CHECK(scene.tally.warnings().size() == 2);
    }
}

TEST_CASE("a create that the server refuses as a whole leaves no note of itself") {
    for (const bool keep : {true, false}) {
        Scene scene;
        scene.fail("run", "snapshot:", ErrorKind::refused, 1, 100);
        CHECK(kind_of([&] { scene.made("b1", keep); }) == ErrorKind::refused);
        CHECK(scene.store.ids().empty());
        CHECK(scene.journal.ids().empty());
        scene.fail("run", "snapshot:Book", ErrorKind::refused);
        CHECK(kind_of([&] { scene.made("b1", keep); }) == ErrorKind::partial);
        CHECK((keep ? scene.store : scene.journal).intent("b1"));
    }
}

TEST_CASE("a second try that was killed right after it was sent is found by the third") {
    Scene scene;
    scene.database.collections.erase("Book");
    scene.database.end = model::Phase::failed;
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::job_failed);
    scene.database.end = model::Phase::succeeded;
    scene.fail("answer", "snapshot:Article", ErrorKind::interrupted);
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::interrupted);
    scene.database.before = {};
    scene.made("b1");
    CHECK(count_of(scene.database.changes, "snapshot:Article") == 2);
}

TEST_CASE("what was taken but is not shown is no success of --no-wait") {
    for (const auto phase : {model::Phase::failed, model::Phase::cancelled}) {
        Scene scene;
        scene.database.looks_needed = 0;
        scene.database.end = phase;
        scene.database.collections.erase("Book");
        const auto kind = kind_of([&] { backup::create(scene.call, scene.stage(), {.id = "b1", .wait = false}); });
        CHECK(kind == (phase == model::Phase::failed ? ErrorKind::job_failed : ErrorKind::cancelled));
    }
    Scene gone;
    gone.database.before = [&](const std::string& function, const std::string&) {
        if (function == "observe") gone.database.snapshots.clear();
    };
    CHECK(kind_of([&] { backup::create(gone.call, gone.stage(), {.id = "b1", .wait = false}); }) ==
          ErrorKind::job_failed);
}

TEST_CASE("a create that died is not under way for ever") {
    struct Killed {};
    Scene scene;
    scene.database.before = [](const std::string& function, const std::string&) {
        if (function == "open") throw Killed{};
    };
    CHECK_THROWS_AS(scene.made("b1"), Killed);
    scene.database.before = {};
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).said == "interrupted");
    CHECK(backup::list(scene.call, scene.stage(), {}).at(0).phase == model::Phase::failed);
    const auto lock = scene.store.lock("b1");
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).phase == model::Phase::running);
}

TEST_CASE("a store without room is told before the first byte") {
    Scene scene;
    const test::SmallDisk small(10);
    const auto bytes = store::open_directory(scene.folder.path() / "small", small);
    store::Catalog catalog(*bytes);
    auto stage = scene.stage();
    stage.store = &catalog;
    scene.database.collections.erase("Book");
    CHECK(kind_of([&] { backup::create(scene.call, stage, {.id = "b1", .keep = true}); }) == ErrorKind::storage);
    CHECK_FALSE(catalog.manifest("b1"));
    CHECK(bytes->list("b1/data", true).empty());
}

TEST_CASE("side by side every collection is covered once") {
    Scene scene;
    for (int i = 0; i < 40; ++i) scene.database.collections["C" + std::to_string(i)] = static_cast<std::uint64_t>(i);
    const auto manifest = *backup::create(scene.call, scene.stage(8), {.id = "b1", .keep = true}).manifest;
    CHECK(manifest.files.size() == 42);
    CHECK(scene.database.changes.size() == 84);
}

TEST_CASE("a stop ends the create with everything remembered") {
    Scene scene;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function == "observe") scene.stop.request_stop();
    };
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::interrupted);
    CHECK(scene.store.intent("b1"));
}

TEST_CASE("ids are checked before anything is asked") {
    for (const auto* bad : {"", "Upper", "a b", "../x", "a/b", "-a", "a--restore", "ä"}) {
        CHECK(kind_of([&] { backup::require_id(bad); }) == ErrorKind::usage);
    }
    CHECK(kind_of([&] { backup::require_id(std::string(101, 'a')); }) == ErrorKind::usage);
    CHECK_NOTHROW(backup::require_id("prod-20261121t074700z"));
    Scene scene;
    CHECK(backup::make_id(scene.stage().target, scene.clock.wall()) == "prod-20261121t074700z");
}
