// SPDX-License-Identifier: Apache-2.0
#include "backup/find.hpp"
#include "scene.hpp"

using namespace vbackup;
using namespace vbackup::test;

TEST_CASE("list shows each backup once, newest first, and those of others by the server's name") {
    Scene scene;
    scene.made("b1");
    scene.clock.advance(std::chrono::hours(1));
    scene.made("b2", false);
    scene.database.snapshots["foreign"] = {"Article", "Article=1"};
    const auto all = backup::list(scene.call, scene.stage(), {});
    REQUIRE(all.size() == 3);
    CHECK(all[0].id == "b2");
    CHECK(all[1].id == "b1");
    CHECK(all[2].name == "foreign");
    CHECK_FALSE(all[2].managed);
}

TEST_CASE("a list that was interrupted is none, not a short one") {
    Scene scene;
    scene.made("b1");
    scene.stop.request_stop();
    CHECK_THROWS_AS(backup::list(scene.call, scene.store), Error);
    CHECK_THROWS_AS(backup::list(scene.call, scene.stage(), {}), Error);
}

TEST_CASE("another target's backup of the same name hides nothing, and is known again when the server has just it") {
    Scene scene;
    scene.made("b1", false);
    auto other = scene.stage();
    other.target.url = "http://127.0.0.1:2";
    other.target.name = "";
    CHECK(backup::list(scene.call, other, {}).size() == 2);
    scene.database.snapshots["b1"] = {"Article", "Article=1000"};
    CHECK(backup::find_at_home(other, "b1").home == nullptr);
    CHECK(backup::require_known(scene.call, other, "b1", {}).home == &scene.journal);
    scene.database.snapshots.erase("b1.Book");
    CHECK(backup::require_known(scene.call, other, "b1", {}).home == nullptr);
}

TEST_CASE("what the server has under the name of a backup is good only while the server says so") {
    Scene scene;
    scene.made("b1", false);
    CHECK(backup::list(scene.call, scene.stage(), {}).front().phase == model::Phase::succeeded);
    for (auto& [_, snapshot] : scene.database.snapshots) snapshot.end = model::Phase::failed;
    const auto all = backup::list(scene.call, scene.stage(), {});
    REQUIRE(all.size() == 1);
    CHECK(all.front().phase == model::Phase::failed);
}

TEST_CASE("what the server lost is no longer good") {
    Scene scene;
    scene.made("b1", false);
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).phase == model::Phase::succeeded);
    scene.database.snapshots.clear();
    CHECK(backup::status(scene.call, scene.stage(), "b1", {}).phase == model::Phase::gone);
    CHECK(backup::list(scene.call, scene.stage(), {}).at(0).phase == model::Phase::gone);
}
