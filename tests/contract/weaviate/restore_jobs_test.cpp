// SPDX-License-Identifier: Apache-2.0
// The jobs of restores, and what proves that a restore was good.
#include <nlohmann/json.hpp>

#include "lost.hpp"

namespace {

using namespace vbackup;
using model::Phase;
using model::Verb;
using nlohmann::json;
using test::Fault;
using test::Lost;
using test::Rig;

}  // namespace

TEST_CASE("a refused POST is an error although the status shows the run before it") {
    Rig rig;
    Lost lost(rig);
    const auto plan = rig.plan(lost.request);
    CHECK(rig.carry_out(plan).phase == Phase::succeeded);
    rig.server.fault_once(
        "POST", "*/restore",
        {.status = 500, .body = R"({"error":[{"message":"cannot resolve hostname for \"other\""}]})"});
    CHECK_ERROR(ErrorKind::refused, "cannot resolve hostname", rig.driver->run(rig.call, plan.steps[0], nullptr));
    rig.server.fault_once("POST", "*/restore",
                          {.status = 422, .body = R"({"error":[{"message":"restoration c3 already in progress"}]})"});
    CHECK_ERROR(ErrorKind::busy, "restoration c3 already in progress",
                rig.driver->run(rig.call, plan.steps[0], nullptr));
}

TEST_CASE("a lost answer is not taken for the run before") {
    Rig rig;
    Lost lost(rig);
    // A restore succeeded before; its SUCCESS stays in storage.
    CHECK(rig.carry_out(rig.plan(lost.request)).phase == Phase::succeeded);
    rig.server.change([](auto& script) { script.collections.clear(); });
    const auto plan = rig.plan(lost.request);
    const auto& step = plan.steps[0];
    // The POST never arrived: the old SUCCESS proves nothing, since no collection is there.
    rig.server.fault_once("POST", "*/restore", {.fault = Fault::close});
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, step, nullptr));
    CHECK_FALSE(rig.driver->done(rig.call, step).has_value());
    // It arrived and runs: that can only be ours.
    rig.server.fault_once("POST", "*/restore", {.fault = Fault::reset}, true);
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, step, nullptr));
    const auto running = rig.driver->done(rig.call, step);
    REQUIRE(running);
    CHECK(rig.follow(*running->job).phase == Phase::succeeded);
    // It succeeded meanwhile: every collection is there.
    CHECK(rig.driver->done(rig.call, step).has_value());
}

TEST_CASE("a bad end of the run before is told from ours only by other words") {
    Rig rig;
    Lost lost(rig);
    rig.server.change([](auto& script) { script.collections["Article"] = {.count = 1}; });
    auto asked = lost.request;
    asked.scope.include = {"Big"};
    const auto first = rig.plan(asked);
    rig.server.change([](auto& script) { script.collections["Big"] = {.count = 1}; });
    CHECK(rig.carry_out(first).phase == Phase::failed);
    CHECK(rig.driver->done(rig.call, first.steps[0]).has_value());
    // Planned again, the same words are the old run's.
    rig.server.change([](auto& script) { script.collections.erase("Big"); });
    const auto second = rig.plan(asked);
    CHECK_FALSE(rig.driver->done(rig.call, second.steps[0]).has_value());
}

TEST_CASE("a restore under way is busy; one that a crash left is said and done anew") {
    Rig rig;
    Lost lost(rig);
    const auto plan = rig.plan(lost.request);
    rig.driver->run(rig.call, plan.steps[0], nullptr);
    CHECK_ERROR(ErrorKind::busy, "a restore of b1 is under way (TRANSFERRING)", rig.plan(lost.request));
    rig.server.crash();
    const auto after = rig.plan(lost.request);
    CHECK(after.notes.at(0).find("an earlier restore of b1 is shown as TRANSFERRING") == 0);
    // What only stands in storage is not ours.
    CHECK_FALSE(rig.driver->done(rig.call, after.steps[0]).has_value());
    CHECK(rig.carry_out(after).phase == Phase::succeeded);
}

TEST_CASE("a restore is cancelled from 1.36 on, found by what runs") {
    auto script = Rig::two_collections();
    script.looks = 10;
    Rig rig(script);
    Lost lost(rig);
    const auto plan = rig.plan(lost.request);
    const auto job = *rig.driver->run(rig.call, plan.steps[0], nullptr).job;
    auto cancel = rig.request(Verb::cancel);
    cancel.manifest = &lost.manifest;
    const auto cancelling = rig.plan(cancel);
    CHECK(cancelling.steps[0].what == "cancel restore b1");
    const auto outcome = rig.driver->run(rig.call, cancelling.steps[0], nullptr);
    CHECK(rig.follow(*outcome.job).phase == Phase::cancelled);
    CHECK(rig.follow(job).phase == Phase::cancelled);
    cancel.options["job"] = "restore";
    CHECK_ERROR(ErrorKind::refused, "restore b1 has already ended: CANCELED", rig.plan(cancel));
    rig.server.change([](auto& one) { one.version = "1.35.9"; });
    CHECK_ERROR(ErrorKind::unsupported, "cancel of a restore needs Weaviate 1.36.0, this is 1.35.9", rig.plan(cancel));
}

TEST_CASE("the last part of a restore cannot be cancelled") {
    Rig rig;
    Lost lost(rig);
    rig.driver->run(rig.call, rig.plan(lost.request).steps[0], nullptr);
    rig.server.fault_once("GET", "*/b1/restore", {.body = R"({"id":"b1","status":"FINALIZING"})"});
    auto cancel = rig.request(Verb::cancel, "b1", {{"job", "restore"}});
    cancel.manifest = &lost.manifest;
    CHECK_ERROR(ErrorKind::refused, "past the point where it can be cancelled", rig.plan(cancel));
}

TEST_CASE("the proof sees what is missing, too few, too many, and cannot be counted") {
    Rig rig(Rig::with_tenants());
    rig.server.change([](auto& script) { script.aliases = {{"Art", "Article"}}; });
    auto manifest = rig.make_backup();
    const auto asked = rig.request(Verb::restore);
    const auto bad = [&] {
        std::vector<std::string> words;
        for (const auto& finding : rig.driver->prove(rig.call, manifest, asked).findings) {
            if (!finding.good) words.push_back(finding.what);
        }
        return words;
    };
    using Words = std::vector<std::string>;
    CHECK(bad().empty());
    rig.server.change([](auto& script) { script.collections["Article"].count = 999; });
    CHECK(bad() == Words{"collection Article: 999 objects instead of 1000"});
    // Writes went on during the backup: anything between the two counts is right.
    manifest.collections[0].count_after = 990;
    CHECK(bad().empty());
    manifest.collections[0].count_after = 1001;
    CHECK(bad() == Words{"collection Article: 999 objects, not within the 1000 to 1001 counted around the backup, "
                         "during which writes went on"});
    manifest.collections[0].before.count = 980;
    manifest.collections[0].count_after = 998;
    CHECK(bad().size() == 1);
    manifest.collections[0].before.count = 1000;
    manifest.collections[0].count_after = 990;
    rig.server.change([](auto& script) { script.aliases = {{"Art", "Big"}}; });
    CHECK(bad() == Words{"alias Art does not point to Article"});
    rig.server.change([](auto& script) {
        script.aliases = {{"Art", "Article"}};
        script.collections["Mt"].tenants["ta"].count = 71;
        script.collections["Mt"].tenants["tb"].count = 29;
    });
    CHECK(bad() == Words{"tenant ta of Mt: 71 objects instead of 70", "tenant tb of Mt: 29 objects instead of 30"});
    rig.server.change([](auto& script) {
        script.collections["Mt"].tenants = {{"ta", {"HOT", 70}}, {"tb", {"HOT", 30}}};
        script.collections.erase("Big");
    });
    CHECK(bad() == Words{"collection Big is not there", "tenant tc of Mt is not there"});
    manifest.driver_data = R"~({"backend":"filesystem","skipped_tenants":["Mt: tc (COLD)"]})~";
    CHECK(bad() == Words{"collection Big is not there"});
    rig.server.change([](auto& script) { script.count_fails = true; });
    CHECK(bad() == Words{"collection Article could not be counted", "collection Big is not there",
                         "tenant ta of Mt: no count (HOT) instead of 70",
                         "tenant tb of Mt: no count (HOT) instead of 30"});
}

TEST_CASE("without a count an empty collection proves nothing") {
    Rig rig;
    auto manifest = rig.make_backup();
    for (auto& entry : manifest.collections) entry.before.count.reset();
    const auto asked = rig.request(Verb::restore);
    CHECK(rig.driver->prove(rig.call, manifest, asked).good());
    rig.server.change([](auto& script) { script.collections["Big"].count = 0; });
    CHECK_FALSE(rig.driver->prove(rig.call, manifest, asked).good());
    model::Request none = asked;
    none.scope.include = {"Z*"};
    CHECK_FALSE(rig.driver->prove(rig.call, manifest, none).good());
}

TEST_CASE("a property that is missing or of another type is seen") {
    Rig rig;
    auto manifest = rig.make_backup();
    manifest.collections[0].before.config =
        R"({"properties":[{"name":"title","dataType":["int"]},{"name":"gone","dataType":["int"]}]})";
    const auto proof = rig.driver->prove(rig.call, manifest, rig.request(Verb::restore));
    CHECK_FALSE(proof.good());
    CHECK(proof.findings.at(1).what == "property gone of Article is not as in the backup");
    CHECK(proof.findings.at(2).what == "property title of Article is not as in the backup");
}
