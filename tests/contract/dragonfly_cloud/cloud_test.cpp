// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "contract/dragonfly/site.hpp"
#include "driver/dragonfly_cloud/dragonfly_cloud.hpp"
#include "support/scripted_dragonfly_cloud.hpp"

namespace vbackup::test {

namespace {

using Json = nlohmann::ordered_json;

struct Fixture : Site {
    Fixture() : Site("dragonfly://127.0.0.1:1") { open(ScriptedDragonflyCloud::key); }
    void open(const std::string& key, const std::string& id = ScriptedDragonflyCloud::id) {
        driver::Settings settings;
        settings.url = "dragonfly-cloud://" + id;
        settings.key = Secret(key);
        settings.base_url = cloud.base();
        driver = driver::dragonfly_cloud_entry().open(std::move(settings));
    }
    backup::Stage cloud_stage() {
        auto made = stage();
        made.target.driver_name = "dragonfly-cloud";
        made.target.url = std::string("dragonfly-cloud://") + ScriptedDragonflyCloud::id;
        return made;
    }
    backup::Result make(const std::string& id, bool keep) {
        return backup::create(call, cloud_stage(), {.id = id, .keep = keep});
    }
    backup::Result put_back(const std::string& id, model::Options options, bool overwrite) {
        return backup::restore(call, cloud_stage(), {.id = id, .options = std::move(options), .overwrite = overwrite});
    }
    // As the verb schedule does.
    void carry_out(const model::Plan& plan) {
        for (const auto& step : plan.steps)
            if (!driver->done(call, step)) driver->run(call, step, nullptr);
    }
    Json config() { return Json::parse(cloud.config()); }

    ScriptedDragonfly data;
    ScriptedDragonflyCloud cloud{data};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "check: the status of the data store, and what is in it by its own endpoint") {
    data.with([](auto& state) { state.password = "store secret"; });
    data.set(0, "a", "1");
    const auto found = driver->inspect(call, {});
    CHECK(found.product == "Dragonfly Cloud");
    CHECK(found.ready);
    REQUIRE(found.collections.size() == 1);
    CHECK(found.collections[0].count == 1);
    cloud.with([](auto& state) { state.status = "updating"; });
    const auto changing = driver->inspect(call, {});
    CHECK_FALSE(changing.ready);
    REQUIRE(changing.obstacles.size() == 1);
    CHECK(changing.obstacles[0].find("updating") != std::string::npos);
    cloud.with([](auto& state) { state.status = "deleted"; });
    CHECK_ENDS(ErrorKind::not_found, "deleted", driver->inspect(call, {}));
}

TEST_CASE_FIXTURE(Fixture, "a wrong key, none, an unknown data store, an answer that is none") {
    open("wrong");
    CHECK_ENDS(ErrorKind::denied, "unauthorized", driver->inspect(call, {}));
    CHECK_ENDS(ErrorKind::denied, "API key", open(""));
    open(ScriptedDragonflyCloud::key, "dst_other");
    CHECK_ENDS(ErrorKind::not_found, "dst_other", driver->inspect(call, {}));
    open(ScriptedDragonflyCloud::key);
    std::size_t stars = 0;  // the newest pattern wins
    for (const auto* body : {"{}", "[]", R"({"datastore_id":1,"status":"active","config":{}})", "<html>"}) {
        cloud.http().on("GET", std::string("/v1/*/*") + std::string(stars++, '*'), {.body = body});
        CHECK_ENDS(ErrorKind::not_understood, "", driver->inspect(call, {}));
    }
}

TEST_CASE_FIXTURE(Fixture,
                  "create --to and restore go through RESP, with the address and password that the API gives") {
    data.with([](auto& state) { state.password = "store secret"; });
    data.set(0, "a", "1");
    data.set(1, "b", "2");
    const auto before = data.databases();
    CHECK(make("b1", true).manifest->kept);
    data.with([](auto& state) { state.databases.clear(); });
    CHECK(put_back("b1", {}, false).proof.good());
    CHECK((data.databases() == before) == true);
}

TEST_CASE_FIXTURE(Fixture, "what the API lacks is refused with the place in the console and the command that does it") {
    data.set(0, "a", "1");
    CHECK_ENDS(ErrorKind::unsupported, "--to STORE", make("b1", false));
    CHECK_ENDS(ErrorKind::not_found, "Account > Backups", backup::status(call, cloud_stage(), "bkp_7", {}));
    CHECK(cloud.http().count("PUT", "*") == 0);
    CHECK(cloud.http().count("GET", "*/backups*") == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "a backup of the cloud is restored by its id, after a yes, and is proven once it is loaded") {
    data.set(0, "old", "1");
    CHECK_ENDS(ErrorKind::not_found, "-o from=cloud", put_back("bkp_7", {}, true));
    CHECK_ENDS(ErrorKind::conflict, "clears", put_back("bkp_7", {{"from", "cloud"}}, false));
    agrees = false;
    CHECK_ENDS(ErrorKind::refused, "delete everything", put_back("bkp_7", {{"from", "cloud"}}, true));
    CHECK(cloud.http().count("PUT", "*") == 0);
    agrees = true;
    const auto before = config();
    CHECK(put_back("bkp_7", {{"from", "cloud"}}, true).proof.good());
    CHECK(data.databases().at(0).contains("from the cloud"));
    auto wanted = before;
    wanted["restore"] = {{"backup_id", "bkp_7"}, {"loaded", true}};
    CHECK(config() == wanted);
    CHECK(cloud.http().count("PUT", "*") == 1);
    // It is now all that the API tells of backups.
    const auto all = driver->list(call, {});
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "bkp_7");
    CHECK(all[0].phase == model::Phase::succeeded);
    // Once more the same one.
    CHECK(put_back("bkp_7", {{"from", "cloud"}}, true).proof.good());
    CHECK(cloud.http().count("PUT", "*") == 2);
}

TEST_CASE_FIXTURE(Fixture, "active but never loaded is no success") {
    cloud.with([](auto& state) { state.never_loads = true; });
    CHECK_ENDS(ErrorKind::stalled, "", put_back("bkp_7", {{"from", "cloud"}}, true));
}

TEST_CASE_FIXTURE(Fixture, "the same backup once more: what the last restore has left is no proof of this one") {
    CHECK(put_back("bkp_7", {{"from", "cloud"}}, true).proof.good());
    data.with([](auto& state) { state.databases.clear(); });
    cloud.with([](auto& state) { state.keeps_loaded = true; });
    SUBCASE("it begins some looks later") {
        cloud.with([](auto& state) { state.begins_after = 4; });
        CHECK(put_back("bkp_7", {{"from", "cloud"}}, true).proof.good());
        CHECK(data.databases().at(0).contains("from the cloud"));
    }
    SUBCASE("it never begins") {
        cloud.with([](auto& state) { state.begins_after = 1'000'000; });
        CHECK_ENDS(ErrorKind::stalled, "", put_back("bkp_7", {{"from", "cloud"}}, true));
    }
    SUBCASE("it never begins, though something is changed there") {
        cloud.with([](auto& state) {
            state.begins_after = 1'000'000;
            state.updates = 3;
        });
        CHECK_ENDS(ErrorKind::stalled, "", put_back("bkp_7", {{"from", "cloud"}}, true));
    }
    SUBCASE("something is changed there before it begins") {
        cloud.with([](auto& state) {
            state.begins_after = 6;
            state.updates = 3;
        });
        CHECK(put_back("bkp_7", {{"from", "cloud"}}, true).proof.good());
        CHECK(data.databases().at(0).contains("from the cloud"));
    }
    SUBCASE("another one") {
        cloud.with([](auto& state) { state.begins_after = 4; });
        CHECK(put_back("bkp_8", {{"from", "cloud"}}, true).proof.good());
        CHECK(data.databases().at(0).contains("from the cloud"));
    }
}

TEST_CASE_FIXTURE(Fixture, "the answer to the PUT is lost: the restore is found, and not asked for twice") {
    cloud.http().on("PUT", "/v1/datastores/*", Responder([&](const HttpRequest& request) -> Answer {
                        cloud.with([&](auto& state) {
                            state.config = request.body;
                            state.status = "restoring";
                            state.looks_left = 3;
                            state.loads = true;
                        });
                        return {.fault = Fault::close};
                    }));
    CHECK(put_back("bkp_7", {{"from", "cloud"}}, true).proof.good());
    CHECK(cloud.http().count("PUT", "*") == 1);
}

TEST_CASE_FIXTURE(Fixture, "the schedule is shown, set and removed; every field that is not its own stays as it was") {
    auto& schedules = *driver->schedules();
    auto shown = schedules.list(call, {}).at(0);
    CHECK(shown.enabled);
    CHECK(shown.weekdays.empty());
    CHECK(shown.hours == std::vector<int>{3});
    CHECK(shown.retention == std::chrono::hours(24 * 7));

    const auto before = config();
    const auto plan =
        schedules.plan_set(call, {.weekdays = {1, 7}, .hours = {0, 12}, .retention = std::chrono::hours(24 * 14)}, {});
    CHECK(cloud.http().count("PUT", "*") == 0);
    CHECK(plan.notes.size() == 1);
    carry_out(plan);
    auto wanted = before;
    wanted["backup_policy"] = {{"enabled", true},  {"retention", 14},      {"every_hour", false}, {"every_day", false},
                               {"hours", {0, 12}}, {"window_minutes", 45}, {"weekdays", {0, 1}}};
    auto got = config();
    for (const auto& [name, value] : wanted["backup_policy"].items()) CHECK(got["backup_policy"][name] == value);
    CHECK(got["backup_policy"].size() == wanted["backup_policy"].size());
    got.erase("backup_policy");
    wanted.erase("backup_policy");
    CHECK(got.dump() == wanted.dump());
    shown = schedules.list(call, {}).at(0);
    CHECK(shown.weekdays == std::vector<int>{1, 7});

    // It is so already: nothing is sent.
    carry_out(plan);
    CHECK(cloud.http().count("PUT", "*") == 1);

    carry_out(schedules.plan_remove(call, "", {}));
    CHECK(config()["backup_policy"]["enabled"] == false);
    CHECK(config()["backup_policy"]["hours"] == std::vector<int>{0, 12});
    CHECK_ENDS(ErrorKind::not_found, "disabled", schedules.plan_remove(call, "", {}));
}

TEST_CASE_FIXTURE(Fixture, "every day and every hour; what the cloud cannot hold is refused with what it takes") {
    auto& schedules = *driver->schedules();
    // What is not said stays.
    carry_out(schedules.plan_set(call, {.enabled = false}, {}));
    CHECK(config()["backup_policy"]["enabled"] == false);
    CHECK(config()["backup_policy"]["every_hour"] == false);
    CHECK(config()["backup_policy"]["hours"] == std::vector<int>{3});
    carry_out(schedules.plan_set(call, {.retention = std::chrono::hours(24 * 7)}, {}));
    CHECK(config()["backup_policy"]["enabled"] == true);
    CHECK(config()["backup_policy"]["hours"] == std::vector<int>{3});
    const auto hourly = schedules.plan_set(call, {.weekdays = {1, 2, 3, 4, 5, 6, 7}}, {});
    CHECK(hourly.notes.at(0).find("every hour") != std::string::npos);
    carry_out(hourly);
    CHECK(config()["backup_policy"]["every_day"] == false);
    CHECK(config()["backup_policy"]["every_hour"] == true);
    CHECK(config()["backup_policy"]["retention"] == 7);
    CHECK_ENDS(ErrorKind::unsupported, "weekdays", schedules.plan_set(call, {.cron = "0 3 * * *"}, {}));
    CHECK_ENDS(ErrorKind::unsupported, "whole days",
               schedules.plan_set(call, {.retention = std::chrono::hours(36)}, {}));
    CHECK_ENDS(ErrorKind::usage, "no name", schedules.plan_set(call, {.name = "nightly"}, {}));
}

TEST_CASE_FIXTURE(Fixture, "an API that loses a field, or takes a policy and keeps another, is no success") {
    auto& schedules = *driver->schedules();
    cloud.with([](auto& state) { state.forgets = true; });
    CHECK_ENDS(ErrorKind::not_understood, "nobody_knows_this", carry_out(schedules.plan_set(call, {.hours = {5}}, {})));
    cloud.with([](auto& state) {
        state.forgets = false;
        state.lies = true;
    });
    CHECK_ENDS(ErrorKind::not_understood, "another one", carry_out(schedules.plan_set(call, {.hours = {6}}, {})));
}

TEST_CASE_FIXTURE(Fixture, "a number that could not be written back as it came stops every change") {
    auto odd = cloud.config();
    odd.replace(odd.find("18446744073709551615"), 20, "1.00000000000000000001");
    const auto body = R"({"datastore_id":"x","status":"active","addr":"a:1","password":"","config":)" + odd + "}";
    cloud.http().on("GET", "/v1/datastores/*", {.body = body});
    CHECK_ENDS(ErrorKind::refused, "exactly", carry_out(driver->schedules()->plan_set(call, {.hours = {5}}, {})));
    CHECK(cloud.http().count("PUT", "*") == 0);
}

}  // namespace vbackup::test
