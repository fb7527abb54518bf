// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

#include "rig.hpp"

using namespace vbackup;
using nlohmann::json;
using test::error_of;
using Rig = test::ZillizRig;

namespace {

constexpr Milliseconds day = std::chrono::hours(24);

model::Schedule wish() {
    model::Schedule wish;
    wish.weekdays = {1, 3, 5};
    wish.hours = {2};
    wish.retention = 14 * day;
    return wish;
}

// Plans, runs and proves, as the story does.
void set(Rig& rig, const model::Schedule& schedule, const model::Options& options = {}) {
    const auto plan = rig.driver->schedules()->plan_set(rig.call, schedule, options);
    REQUIRE(plan.steps.size() == 1);
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    rig.driver->run(rig.call, plan.steps[0], nullptr);
    CHECK(rig.driver->done(rig.call, plan.steps[0]).has_value());
}

}  // namespace

TEST_CASE("a cluster without a policy has one that is off") {
    Rig rig;
    const auto all = rig.driver->schedules()->list(rig.call, {});
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "policy");
    CHECK_FALSE(all[0].enabled);
    CHECK(all[0].said == "DISABLED");
    CHECK(all[0].hours.empty());
    CHECK_FALSE(all[0].next);
    const auto plan = rig.driver->schedules()->plan_remove(rig.call, "", {});
    CHECK(plan.steps.empty());
    CHECK(plan.notes.at(0) == "the policy is off already");
}

TEST_CASE("weekdays, a window and a retention are set, read back, and switched off") {
    Rig rig;
    set(rig, wish(), {{"copy-to", "aws-us-east-2"}, {"copy-retention", "3"}});
    CHECK(json::parse(rig.server.policy(Rig::cluster)) ==
          json::parse(R"({"enabled":true,"frequency":"1,3,5","startTime":"02:00-04:00","retentionDays":14,
                          "crossRegionCopies":[{"regionId":"aws-us-east-2","retentionDays":3}]})"));
    const auto held = rig.driver->schedules()->list(rig.call, {}).at(0);
    CHECK(held.enabled);
    CHECK(held.weekdays == std::vector<int>{1, 3, 5});
    CHECK(held.hours == std::vector<int>{2});
    CHECK(held.retention == 14 * day);
    CHECK(held.details == std::vector<std::string>{"begins some time in the window 02:00-04:00 UTC",
                                                   "copies to aws-us-east-2, kept 3 days"});
    // The fake clock begins on Saturday, 21 November 2026, 07:47.
    REQUIRE(held.next);
    CHECK(format_time(*held.next) == "2026-11-23T02:00:00Z");

    const auto again =
        rig.driver->schedules()->plan_set(rig.call, wish(), {{"copy-to", "aws-us-east-2"}, {"copy-retention", "3"}});
    CHECK(again.steps.empty());
    CHECK(again.notes.at(0) == "the policy is so already");

    const auto plan = rig.driver->schedules()->plan_remove(rig.call, "policy", {});
    REQUIRE(plan.steps.size() == 1);
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    rig.driver->run(rig.call, plan.steps[0], nullptr);
    CHECK(rig.driver->done(rig.call, plan.steps[0]).has_value());
    CHECK(json::parse(rig.server.policy(Rig::cluster))["enabled"] == false);
    CHECK_ERROR(ErrorKind::not_found, "no schedule nightly",
                rig.driver->schedules()->plan_remove(rig.call, "nightly", {}));
}

TEST_CASE("copies go on when the policy is set without a word about them, and end with it") {
    Rig rig;
    set(rig, wish(), {{"copy-to", "aws-us-east-2"}, {"copy-retention", "3"}});
    const auto copies = json::parse(rig.server.policy(Rig::cluster)).at("crossRegionCopies");
    auto other = wish();
    other.hours = {4};
    CHECK(rig.driver->schedules()->plan_set(rig.call, other, {}).notes.at(0) ==
          "the copies to aws-us-east-2 go on: `vbackup schedule remove` ends them");
    set(rig, other);
    CHECK(json::parse(rig.server.policy(Rig::cluster)).at("crossRegionCopies") == copies);
    CHECK(rig.driver->schedules()->plan_set(rig.call, other, {}).steps.empty());
    auto off = wish();
    off.enabled = false;
    for (const auto& plan :
         {rig.driver->schedules()->plan_set(rig.call, off, {}), rig.driver->schedules()->plan_remove(rig.call, "", {})})
        CHECK(plan.notes.at(0).starts_with("its copies to aws-us-east-2 are not made any more either"));
    set(rig, off);
    set(rig, wish());
    CHECK(json::parse(rig.server.policy(Rig::cluster)).at("crossRegionCopies").empty());
}

TEST_CASE("every day, the usual retention, and a window over midnight") {
    Rig rig;
    auto daily = wish();
    daily.weekdays.clear();
    daily.hours = {23};
    daily.retention.reset();
    set(rig, daily);
    const auto sent = json::parse(rig.server.policy(Rig::cluster));
    CHECK(sent["frequency"] == "1,2,3,4,5,6,7");
    CHECK(sent["startTime"] == "23:00-01:00");
    CHECK(sent["retentionDays"] == 7);
    const auto held = rig.driver->schedules()->list(rig.call, {}).at(0);
    CHECK(held.weekdays.empty());
    CHECK(format_time(held.next.value()) == "2026-11-21T23:00:00Z");
}

TEST_CASE("what the policy cannot hold is refused before anything is asked, with what it takes") {
    Rig rig;
    const auto refusal = [&](auto change) {
        auto other = wish();
        change(other);
        return error_of([&] { rig.driver->schedules()->plan_set(rig.call, other, {}); });
    };
    const std::vector<std::function<void(model::Schedule&)>> changes = {
        [](auto& one) { one.cron = "0 2 * * *"; },  [](auto& one) { one.hours = {2, 14}; },
        [](auto& one) { one.hours = {}; },          [](auto& one) { one.retention = 31 * day; },
        [](auto& one) { one.retention = day / 2; }, [](auto& one) { one.retention = day + std::chrono::hours(1); },
    };
    for (const auto& change : changes) {
        const auto error = refusal(change);
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK(error.hint().find("--weekdays mon,wed") != std::string::npos);
    }
    CHECK(refusal([](auto& one) { one.name = "nightly"; }).kind() == ErrorKind::not_found);
    CHECK(rig.server.http().requests().empty());
    CHECK_ERROR(ErrorKind::unsupported, "copies stay with one cloud",
                rig.driver->schedules()->plan_set(rig.call, wish(), {{"copy-to", "gcp-us-west1"}}));
    rig.open("zilliz://in05-0123456789abcde");
    CHECK_ERROR(ErrorKind::unsupported, "serverless", rig.driver->schedules()->plan_set(rig.call, wish(), {}));
    CHECK(rig.server.count("POST", "*") == 0);
}

TEST_CASE("policies that make no sense are not understood") {
    Rig rig;
    // Days that cannot be read are not "every day".
    for (const auto* frequency : {"null", R"("")", R"("0,8")", R"("1,weekly")"}) {
        CAPTURE(frequency);
        const auto body = std::string(R"({"code":0,"data":{"status":"ENABLED","startTime":"02:00-04:00",)") +
                          R"("retentionDays":7,"frequency":)" + frequency + "}}";
        rig.server.fault_once("GET", "*/policy", {.body = body});
        CHECK_ERROR(ErrorKind::not_understood, "which are none", rig.driver->schedules()->list(rig.call, {}));
    }
    for (const auto* body : {R"({"code":0,"data":{}})", R"({"code":0,"data":{"status":"MAYBE"}})",
                             R"({"code":0,"data":{"status":"ENABLED","retentionDays":"7"}})"}) {
        rig.server.fault_once("GET", "*/policy", {.body = body});
        CHECK_ERROR(ErrorKind::not_understood, "", rig.driver->schedules()->list(rig.call, {}));
    }
}
