// SPDX-License-Identifier: Apache-2.0
#include "contract/qdrant_k8s/rig.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

const std::string schedules = group + "/qdrantclusterscheduledsnapshots";

Json schedule_object(const std::string& name, const std::string& short_id, Json status = nullptr) {
    return object_of(
        "QdrantClusterScheduledSnapshot", name,
        {{"cluster-id", cluster_id}, {"scheduleShortId", short_id}, {"schedule", "0 2 * * *"}, {"retention", "168h"}},
        std::move(status));
}

struct ScheduleRig : Rig {
    ScheduleRig() { there({}); }
    void there(const std::vector<Json>& objects) {
        on("GET", schedules, [objects](const HttpRequest&) { return list_answer(objects); });
        for (const auto& object : objects)
            on("GET", schedules + "/" + object["metadata"]["name"].get<std::string>(), json_answer(object));
    }
    static model::Schedule wish(const std::string& name = "nightly") {
        return {.name = name, .cron = "0 2 * * mon", .retention = std::chrono::hours(168)};
    }
    driver::Schedules& all() { return *driver->schedules(); }
    model::Plan set(const model::Schedule& wish) { return all().plan_set(call, wish, {}); }
};

}  // namespace

TEST_CASE_FIXTURE(ScheduleRig, "a new schedule: checked, in numbers, with its next run") {
    const auto made = set(wish());
    REQUIRE(made.steps.size() == 1);
    CHECK(!made.steps[0].destroys);
    CHECK(made.steps[0].what.find("next 2026-11-23T02:00:00Z") != std::string::npos);
    CHECK(made.steps[0].document.find("  schedule: \"0 2 * * 1\"\n  retention: \"168h\"\n") != std::string::npos);
    on("POST", schedules, [](const HttpRequest& sent) { return json_answer(Json::parse(sent.body), 201); });
    CHECK(!driver->run(call, made.steps[0], nullptr).job);
    const auto sent = Json::parse(server.requests().back().body);
    CHECK(sent["spec"] == Json{{"cluster-id", cluster_id},
                               {"scheduleShortId", "nightly"},
                               {"schedule", "0 2 * * 1"},
                               {"retention", "168h"}});
    CHECK(sent["metadata"]["name"] == cluster_name + "-schedule-nightly");
    CHECK(sent["metadata"]["labels"]["customer-id"] == "team-blue");
}

TEST_CASE_FIXTURE(ScheduleRig, "one that is there is changed and not made again") {
    there({schedule_object("its-own-name", "nightly")});
    const auto made = set(wish());
    on("PATCH", schedules + "/its-own-name", json_answer(schedule_object("its-own-name", "nightly")));
    driver->run(call, made.steps.at(0), nullptr);
    const auto sent = server.requests().back();
    CHECK(sent.method == "PATCH");
    CHECK(sent.header("content-type") == "application/merge-patch+json");
    CHECK(Json::parse(sent.body) == Json{{"spec", {{"schedule", "0 2 * * 1"}, {"retention", "168h"}}}});
    // A lost answer: what is there tells.
    CHECK(!driver->done(call, made.steps[0]));
    auto changed = schedule_object("its-own-name", "nightly");
    changed["spec"]["schedule"] = "0 2 * * 1";
    there({changed});
    CHECK(driver->done(call, made.steps[0]));
}

TEST_CASE_FIXTURE(ScheduleRig, "what Qdrant cannot hold is refused, with what it would take") {
    auto one = wish();
    one.cron = "0 2 * *";
    check_error(error_of([&] { return set(one); }), ErrorKind::usage, "4 fields");
    one.cron = "0 2 30 2 *";
    check_error(error_of([&] { return set(one); }), ErrorKind::usage, "never comes");
    one.cron = "@reboot";
    CHECK(set(one).steps.at(0).what.find("next when the operator starts") != std::string::npos);
    one = wish();
    one.retention.reset();
    check_error(error_of([&] { return set(one); }), ErrorKind::usage, "--retention");
    one.retention = std::chrono::minutes(90);
    check_error(error_of([&] { return set(one); }), ErrorKind::usage, "whole hours");
    one = wish();
    one.cron.clear();
    check_error(error_of([&] { return set(one); }), ErrorKind::unsupported, "--cron");
    one.weekdays = {1, 7};
    one.hours = {2, 14};
    check_error(error_of([&] { return set(one); }), ErrorKind::unsupported, "--cron '0 2,14 * * 0,1'");
    // Every hour of these days is not what they would mean.
    one.hours.clear();
    check_error(error_of([&] { return set(one); }), ErrorKind::unsupported,
                "such as --cron '0 2 * * 0,1' for 02:00 UTC on these days");
    one = wish();
    one.enabled = false;
    one.cron.clear();
    check_error(error_of([&] { return set(one); }), ErrorKind::unsupported, "remove");
    for (const auto& name : {"nine-long", "Upper", "much-too-long", "a_b"}) {
        CAPTURE(name);
        check_error(error_of([&] { return set(wish(name)); }), ErrorKind::usage, "eight");
    }
    CHECK(server.count("POST", "*") == 0);
}

TEST_CASE_FIXTURE(ScheduleRig, "what is listed: the operator's next run, else the expression's") {
    auto said = schedule_object("a", "first", {{"phase", "Active"}, {"scheduled", "2026-11-21T09:00:00Z"}});
    auto silent = schedule_object("b", "second");
    auto bad = schedule_object("c", "third", {{"phase", "Disabled"}, {"message", "bad schedule"}});
    auto strange = schedule_object("d", "fourth");
    strange["spec"]["schedule"] = "0 0 2 * * * *";
    there({said, silent, bad, strange});
    const auto found = all().list(call, {});
    REQUIRE(found.size() == 4);
    CHECK(found[0].name == "first");
    CHECK(format_time(*found[0].next) == "2026-11-21T09:00:00Z");
    CHECK(found[0].retention == std::chrono::hours(168));
    CHECK(format_time(*found[1].next) == "2026-11-22T02:00:00Z");
    CHECK(!found[2].enabled);
    CHECK(!found[2].next);
    CHECK(found[2].why == "bad schedule");
    CHECK(!found[3].next);
    CHECK(found[3].cron == "0 0 2 * * * *");
}

TEST_CASE_FIXTURE(ScheduleRig, "remove: by its short id or its object's name, and only one that is there") {
    there({schedule_object("a", "same"), schedule_object("b", "same"), schedule_object("c", "third")});
    on("DELETE", schedules + "/*", json_answer({{"kind", "Status"}, {"status", "Success"}}));
    const auto made = all().plan_remove(call, "third", {});
    const auto job = driver->run(call, made.steps.at(0), nullptr).job.value();
    CHECK(server.requests().back().path == schedules + "/c");
    on("GET", schedules + "/c", refusal(404, "NotFound", "not found", "qdrantclusterscheduledsnapshots"));
    CHECK(driver->observe(call, job, Milliseconds{0}).phase == model::Phase::succeeded);
    CHECK(all().plan_remove(call, "b", {}).steps.size() == 1);
    check_error(error_of([&] { return all().plan_remove(call, "same", {}); }), ErrorKind::usage, "a or b");
    check_error(error_of([&] { return all().plan_remove(call, "none", {}); }), ErrorKind::not_found,
                "same, same, third");
}
