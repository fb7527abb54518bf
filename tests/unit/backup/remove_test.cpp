// SPDX-License-Identifier: Apache-2.0
#include "scene.hpp"

using namespace vbackup;
using namespace vbackup::test;

TEST_CASE("delete of what --no-wait left removes it from the server too") {
    Scene scene;
    backup::create(scene.call, scene.stage(), {.id = "b1", .wait = false});
    for (auto& [name, snapshot] : scene.database.snapshots) snapshot.looks_left = 0;
    backup::remove(scene.call, scene.stage(), "b1", {}, false);
    CHECK(scene.database.snapshots.empty());
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("a server that only says that it removed something is not believed") {
    Scene scene;
    scene.made("b1", false);
    const auto kept = scene.database.snapshots;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function == "answer") scene.database.snapshots = kept;
    };
    const auto before = scene.clock.elapsed();
    CHECK(kind_of([&] { backup::remove(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::failed);
    CHECK(scene.clock.elapsed() - before < std::chrono::minutes(2));
    CHECK(scene.journal.intent("b1"));
    scene.database.before = {};
    backup::remove(scene.call, scene.stage(), "b1", {}, false);
    CHECK(scene.database.snapshots.empty());
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("a list that lags behind a removal is looked at again") {
    Scene scene;
    scene.made("b1", false);
    const auto kept = scene.database.snapshots;
    int looks = 0;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function == "answer") scene.database.snapshots = kept;
        if (function == "done" && ++looks % 3 == 0) scene.database.snapshots.clear();
    };
    backup::remove(scene.call, scene.stage(), "b1", {}, false);
    CHECK(looks >= 3);
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("delete waits for whoever restores from it") {
    Scene scene;
    scene.made("b1");
    scene.database.collections.clear();
    ErrorKind met = ErrorKind::failed;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function != "run" || met != ErrorKind::failed) return;
        met = kind_of([&] {
            backup::remove(
                scene.store, "b1", [](const model::Plan&) { return true; }, false);
        });
    };
    restore(scene, {.id = "b1"});
    CHECK(met == ErrorKind::busy);
}

TEST_CASE("delete waits for whoever goes on with a restore from it") {
    Scene scene;
    scene.interrupt_restore();
    ErrorKind met = ErrorKind::failed;
    scene.database.before = [&](const std::string& function, const std::string&) {
        if (function != "run" || met != ErrorKind::failed) return;
        met = kind_of([&] {
            backup::remove(
                scene.store, "b1", [](const model::Plan&) { return true; }, false);
        });
    };
    CHECK(backup::wait(scene.call, scene.stage(), "b1").proof.good());
    CHECK(met == ErrorKind::busy);
}

TEST_CASE("what another backup builds on is not deleted before it") {
    Scene scene;
    scene.made("b1");
    auto increment = scene.made("b2");
    increment.bases = {"b1"};
    scene.store.commit(increment);
    const auto agree = [](const model::Plan&) { return true; };
    CHECK(kind_of([&] { backup::remove(scene.store, "b1", agree, false); }) == ErrorKind::refused);
    CHECK(kind_of([&] { backup::remove(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::refused);
    CHECK(scene.store.manifest("b1"));
    backup::remove(scene.store, "b2", agree, false);
    backup::remove(scene.store, "b1", agree, false);
    CHECK(scene.store.ids().empty());
}

TEST_CASE("delete gets rid of a create whose request may have been taken, with what it made or without") {
    for (const bool told : {true, false}) {
        Scene scene;
        scene.database.collections.erase("Book");
        scene.fail("answer", "snapshot:Article", ErrorKind::interrupted);
        CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::interrupted);
        for (auto& [_, snapshot] : scene.database.snapshots) snapshot.looks_left = 0;
        if (told) {
            scene.database.before = {};
        } else {
            scene.fail("done", "snapshot:", ErrorKind::not_understood);
        }
        backup::remove(scene.call, scene.stage(), "b1", {}, false);
        CHECK(scene.store.ids().empty());
        CHECK(scene.database.snapshots.size() == (told ? 0 : 1));
        CHECK(scene.tally.warnings().size() == (told ? 0 : 1));
    }
}

TEST_CASE("delete removes what stayed with the server, asks before, and finishes what was cut short") {
    Scene scene;
    scene.made("b1", false);
    scene.consent = false;
    CHECK(kind_of([&] { backup::remove(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::refused);
    CHECK(scene.database.snapshots.size() == 2);
    scene.consent = true;
    scene.fail("run", "drop:b1.Book", ErrorKind::unreachable, 1, 100);
    CHECK(kind_of([&] { backup::remove(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::unreachable);
    CHECK_FALSE(scene.journal.manifest("b1"));
    scene.database.before = {};
    backup::remove(scene.call, scene.stage(), "b1", {}, false);
    CHECK(scene.database.snapshots.empty());
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("delete removes a kept backup from its store") {
    Scene scene;
    scene.made("b1");
    backup::remove(scene.call, scene.stage(), "b1", {}, false);
    CHECK(scene.store.ids().empty());
    CHECK(scene.store_bytes->list("").empty());
    CHECK(kind_of([&] { backup::remove(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::not_found);
}

TEST_CASE("cancel ends a job under way and what it had begun") {
    Scene scene;
    scene.database.collections.erase("Book");
    backup::create(scene.call, scene.stage(), {.id = "b1", .wait = false});
    const auto result = backup::cancel(scene.call, scene.stage(), "b1", {}, false);
    CHECK(result.under_way->phase == model::Phase::cancelled);
    CHECK(scene.journal.ids().empty());
    CHECK(kind_of([&] { backup::cancel(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::not_found);
}

TEST_CASE("cancel whose answer was lost is finished by the same command, although the server refuses a second one") {
    Scene scene;
    scene.database.collections.erase("Book");
    backup::create(scene.call, scene.stage(), {.id = "b1", .wait = false});
    scene.fail("observe", "", ErrorKind::denied, 1, 100);
    CHECK(kind_of([&] { backup::cancel(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::denied);
    CHECK(scene.journal.intent("b1"));
    scene.fail("plan", "", ErrorKind::refused);
    CHECK(backup::cancel(scene.call, scene.stage(), "b1", {}, false).under_way->phase == model::Phase::cancelled);
    CHECK(scene.journal.ids().empty());
}

TEST_CASE("cancel of a finished backup is refused") {
    Scene scene;
    scene.made("b1");
    CHECK(kind_of([&] { backup::cancel(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::refused);
}

TEST_CASE("delete forgets what the server never showed, but not while it may still be making it") {
    Scene scene;
    scene.database.collections.erase("Book");
    scene.fail("answer", "snapshot:Article", ErrorKind::interrupted);
    CHECK(kind_of([&] { scene.made("b1"); }) == ErrorKind::interrupted);
    scene.database.before = {};
    scene.database.snapshots.clear();
    CHECK(kind_of([&] { backup::remove(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::refused);
    CHECK(scene.store.intent("b1"));
    scene.clock.advance(std::chrono::minutes(20));
    backup::remove(scene.call, scene.stage(), "b1", {}, false);
    CHECK(scene.store.ids().empty());
    CHECK(scene.tally.warnings().size() == 1);
}

TEST_CASE("a removal that was cut short is no backup under way, and prune finishes it") {
    Scene scene;
    model::Intent removal{.id = "b1", .verb = "remove", .begun = scene.clock.wall()};
    removal.draft.id = removal.id;
    removal.target_url = scene.stage().target.url;
    scene.store.write(removal);
    CHECK(backup::list(scene.call, scene.stage(), {}).front().phase == model::Phase::failed);
    scene.clock.advance(std::chrono::hours(25));
    backup::prune(scene.call, scene.stage(), {});
    CHECK(scene.store.ids().empty());
}

TEST_CASE("prune finishes its own removal that was cut short, however young the backup is") {
    Scene scene;
    scene.made("b1", false);
    scene.clock.advance(std::chrono::minutes(1));
    scene.made("b2", false);
    scene.fail("run", "drop:", ErrorKind::failed);
    CHECK(backup::prune(scene.call, scene.stage(), {.rules = {.last = 1}}).items.back().error);
    CHECK_FALSE(scene.journal.manifest("b1"));
    scene.database.before = {};
    const auto pruned = backup::prune(scene.call, scene.stage(), {.rules = {.last = 1}});
    CHECK_FALSE(pruned.items.back().error);
    CHECK(scene.journal.ids() == std::vector<std::string>{"b2"});
}

TEST_CASE("prune keeps what a restore needs, and what that builds on") {
    Scene scene;
    for (const auto* id : {"b1", "b2", "b3"}) {
        auto made = scene.made(id);
        if (made.id == "b2") made.bases = {"b1"};
        scene.store.commit(made);
        scene.clock.advance(std::chrono::hours(1));
    }
    const auto pruned = backup::prune(scene.call, scene.stage(), {.rules = {.last = 1}, .needed = {"b2"}});
    for (const auto& item : pruned.items) CHECK_FALSE(item.error);
    CHECK(scene.store.ids() == std::vector<std::string>{"b1", "b2", "b3"});
    backup::prune(scene.call, scene.stage(), {.rules = {.last = 1}});
    CHECK(scene.store.ids() == std::vector<std::string>{"b3"});
}
