// SPDX-License-Identifier: Apache-2.0
#include "backup/pin.hpp"

#include "scene.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

bool agree(const model::Plan&) {
    return true;
}

bool pin(Scene& scene, const std::string& id, bool pinned = true) {
    return backup::set_pinned(scene.store, id, pinned, scene.clock.wall(), false);
}

std::vector<std::string> removed_by_prune(Scene& scene) {
    std::vector<std::string> ids;
    const auto pruned = backup::prune(scene.call, scene.store, agree, {.rules = {.last = 1}});
    for (const auto& item : pruned.items)
        if (!item.decision.keep && !item.error) ids.push_back(item.decision.id);
    return ids;
}

}  // namespace

TEST_CASE("prune leaves a pinned backup and what it builds on, until it is unpinned") {
    Scene scene;
    scene.made("base");
    scene.clock.advance(std::chrono::hours(1));
    auto increment = scene.made("pinned");
    increment.bases = {"base"};
    scene.store.commit(increment);
    scene.clock.advance(std::chrono::hours(1));
    scene.made("newest");
    CHECK(pin(scene, "pinned"));
    CHECK_FALSE(pin(scene, "pinned"));
    CHECK(removed_by_prune(scene).empty());
    CHECK(pin(scene, "pinned", false));
    CHECK_FALSE(pin(scene, "pinned", false));
    CHECK(removed_by_prune(scene) == std::vector<std::string>{"pinned", "base"});
}

TEST_CASE("delete refuses a pinned backup unless it is told to take it") {
    Scene scene;
    scene.made("b1");
    pin(scene, "b1");
    CHECK(kind_of([&] { backup::remove(scene.store, "b1", agree, true); }) == ErrorKind::refused);
    CHECK(kind_of([&] { backup::remove(scene.store, "b1", agree, false); }) == ErrorKind::refused);
    CHECK(kind_of([&] { backup::remove(scene.call, scene.stage(), "b1", {}, false); }) == ErrorKind::refused);
    CHECK(scene.store.manifest("b1"));
    backup::remove(scene.store, "b1", agree, false, true);
    CHECK(scene.store.ids().empty());
    CHECK(scene.store_bytes->list("").empty());
}

TEST_CASE("one that is pinned while delete asks its question stays") {
    Scene scene;
    scene.made("b1");
    const auto pin_meanwhile = [&](const model::Plan&) { return pin(scene, "b1"); };
    CHECK(kind_of([&] { backup::remove(scene.store, "b1", pin_meanwhile, false); }) == ErrorKind::refused);
    CHECK(scene.store.manifest("b1"));
}

TEST_CASE("a pin waits for whoever works on the backup") {
    Scene scene;
    scene.made("b1");
    const auto lock = scene.store.lock("b1");
    CHECK(kind_of([&] { pin(scene, "b1"); }) == ErrorKind::busy);
    CHECK_FALSE(backup::is_pinned(scene.store, "b1"));
}

TEST_CASE("a backup left with the server is pinned in the journal") {
    Scene scene;
    scene.made("left", false);
    CHECK(backup::set_pinned(scene.call, scene.stage(), "left", true, false));
    CHECK(backup::list(scene.call, scene.stage(), {}).at(0).pinned);
    CHECK(backup::status(scene.call, scene.stage(), "left", {}).pinned);
    CHECK(kind_of([&] { backup::remove(scene.call, scene.stage(), "left", {}, false); }) == ErrorKind::refused);
    CHECK_FALSE(scene.database.snapshots.empty());
    backup::remove(scene.call, scene.stage(), "left", {}, false, true);
    CHECK(scene.database.snapshots.empty());
}

TEST_CASE("what is no finished backup cannot be pinned, and a dry run pins nothing") {
    Scene scene;
    const auto made = scene.made("b1");
    scene.store.write({.id = "begun", .verb = "create", .draft = made});
    CHECK(kind_of([&] { pin(scene, "none"); }) == ErrorKind::not_found);
    CHECK(kind_of([&] { pin(scene, "begun"); }) == ErrorKind::not_found);
    CHECK(kind_of([&] { pin(scene, "../b1"); }) == ErrorKind::usage);
    CHECK(kind_of([&] { backup::set_pinned(scene.call, scene.stage(), "none", true, false); }) == ErrorKind::not_found);
    CHECK(backup::set_pinned(scene.store, "b1", true, scene.clock.wall(), true));
    CHECK_FALSE(backup::is_pinned(scene.store, "b1"));
}
