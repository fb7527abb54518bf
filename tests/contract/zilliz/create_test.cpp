// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "rig.hpp"

using namespace vbackup;
using model::Phase;
using model::Verb;
using nlohmann::json;
using test::Answer;
using test::context_of;
using test::error_of;
using test::Fault;
using Rig = test::ZillizRig;

namespace {

// As the page "Create Backup" of the vendor's documentation has them, but for the database, which its example leaves out
// and the reference page wants.
constexpr const char* create_path = "/v2/clusters/inxx-xxxxxxxxxxxxxx/backups/create";

Rig rig_of_the_page() {
    auto script = Rig::two_clusters();
    script.clusters["inxx-xxxxxxxxxxxxxx"] = script.clusters.at(Rig::cluster);
    return Rig(script);
}

}  // namespace

TEST_CASE("the page's backup of a cluster: request and answer") {
    auto rig = rig_of_the_page();
    rig.open("zilliz://inxx-xxxxxxxxxxxxxx");
    const auto plan = rig.plan_create();
    REQUIRE(plan.steps.size() == 1);
    rig.server.fault_once("POST", create_path, {.body = R"({
      "code": 0,
      "data": {
        "backupId": "backup0_c7b18539b97xxxx",
        "backupName": "Dedicated-01_backup2",
        "jobId": "job-031a8e3587ba7zqkadxxxx"
      }
    })"});
    const auto outcome = rig.driver->run(rig.call, plan.steps[0], nullptr);
    REQUIRE(outcome.job);
    CHECK(outcome.job->name == "backup0_c7b18539b97xxxx");
    CHECK(json::parse(outcome.job->details)["job"] == "job-031a8e3587ba7zqkadxxxx");
    const auto sent = rig.server.http().requests().back();
    CHECK(sent.method == "POST");
    CHECK(sent.path == create_path);
    CHECK(json::parse(sent.body) == json::parse(R"({"backupType": "CLUSTER"})"));
    CHECK(sent.header("Authorization") == "Bearer key-1");
    CHECK(sent.header("Content-Type") == "application/json");
}

TEST_CASE("the page's backup of a collection: request and answer") {
    auto rig = rig_of_the_page();
    rig.open("zilliz://inxx-xxxxxxxxxxxxxx");
    const auto plan = rig.plan_create({.include = {"medium_articles"}});
    rig.server.fault_once("POST", create_path, {.body = R"({
      "code": 0,
      "data": {
        "backupId": "backup11_4adb19e3f9exxxx",
        "backupName": "medium_articles_bacxxxx",
        "jobId": "job-039dbc113c5ozfwunvxxxx"
      }
    })"});
    const auto outcome = rig.driver->run(rig.call, plan.steps[0], nullptr);
    REQUIRE(outcome.job);
    CHECK(outcome.job->name == "backup11_4adb19e3f9exxxx");
    CHECK(json::parse(rig.server.bodies("POST", create_path).back()) == json::parse(R"({
        "backupType": "COLLECTION",
        "dbCollections": [
            {
                "dbName": "default",
                "collectionNames": [
                    "medium_articles"
                ]
            }
        ]
    })"));
}

TEST_CASE("a backup is good when its job is SUCCESSFUL and it reads AVAILABLE itself") {
    Rig rig;
    const auto plan = rig.plan_create();
    const auto outcome = rig.driver->run(rig.call, plan.steps[0], nullptr);
    REQUIRE(outcome.job);
    std::vector<std::string> said;
    auto job = *outcome.job;
    model::Seen seen;
    for (int look = 0; look < 12 && !(seen.phase == Phase::succeeded && !seen.next); ++look) {
        seen = rig.driver->observe(rig.call, job, Milliseconds{0});
        said.push_back(seen.said);
        if (seen.next) job = *seen.next;
        if (seen.said == "IN_PROGRESS") {
            CHECK(seen.phase == Phase::running);
            CHECK(seen.done.value_or(0) > 0);
            CHECK(seen.total == 100);
            CHECK_FALSE(seen.mark.empty());
        }
    }
    CHECK(said == std::vector<std::string>{"IN_PROGRESS", "IN_PROGRESS", "SUCCESSFUL", "AVAILABLE"});
    CHECK(seen.where == "Zilliz Cloud: Dedicated-01_backup1");
    CHECK(seen.done == 1'048'576);
}

TEST_CASE("SUCCESSFUL is not believed while the backup is still CREATING") {
    auto script = Rig::two_clusters();
    script.settling = 3;
    Rig rig(script);
    const auto outcome = rig.driver->run(rig.call, rig.plan_create().steps[0], nullptr);
    auto seen = rig.driver->observe(rig.call, *outcome.job, Milliseconds{0});
    while (!seen.next) seen = rig.driver->observe(rig.call, *outcome.job, Milliseconds{0});
    CHECK(seen.said == "SUCCESSFUL");
    const auto then = rig.driver->observe(rig.call, *seen.next, Milliseconds{0});
    CHECK(then.phase == Phase::running);
    CHECK(then.said == "CREATING");
    CHECK(rig.follow(*seen.next).phase == Phase::succeeded);
}

TEST_CASE("a backup that failed is gone from the list, and its job still tells why") {
    auto script = Rig::two_clusters();
    script.ending = "FAILED";
    script.reason = "not enough quota";
    Rig rig(script);
    const auto outcome = rig.driver->run(rig.call, rig.plan_create().steps[0], nullptr);
    auto seen = rig.follow(*outcome.job);
    CHECK(seen.phase == Phase::failed);
    CHECK(seen.said == "FAILED");
    CHECK(seen.why == "not enough quota");
    CHECK(rig.driver->list(rig.call, {}).empty());
    // Also to whoever remembers that the job was over.
    auto details = json::parse(outcome.job->details);
    details["watch"] = "backup";
    seen = rig.driver->observe(rig.call, {.name = outcome.job->name, .details = details.dump()}, Milliseconds{0});
    CHECK(seen.phase == Phase::failed);
    CHECK(seen.why == "not enough quota");
}

TEST_CASE("a job that is forgotten is no reason to doubt the backup it made, and no reason to believe in one") {
    Rig rig;
    const auto outcome = rig.driver->run(rig.call, rig.plan_create().steps[0], nullptr);
    const auto job = json::parse(outcome.job->details)["job"].get<std::string>();
    rig.server.finish();
    rig.server.forget_job(job);
    CHECK(rig.driver->observe(rig.call, *outcome.job, Milliseconds{0}).phase == Phase::succeeded);
    rig.server.forget_backup(outcome.job->name);
    CHECK(rig.driver->observe(rig.call, *outcome.job, Milliseconds{0}).phase == Phase::gone);
}

TEST_CASE("a word that nobody knows is neither good nor bad") {
    Rig rig;
    const auto outcome = rig.driver->run(rig.call, rig.plan_create().steps[0], nullptr);
    const auto job = json::parse(outcome.job->details)["job"].get<std::string>();
    const std::vector<std::pair<std::string, Phase>> words{{"PENDING", Phase::queued},
                                                           {"CANCELING", Phase::cancelling},
                                                           {"CANCELED", Phase::cancelled},
                                                           {"ALMOST_THERE", Phase::unknown},
                                                           {"successful", Phase::unknown}};
    for (const auto& [word, phase] : words) {
        rig.server.set_job(job, word);
        const auto seen = rig.driver->observe(rig.call, *outcome.job, Milliseconds{0});
        CHECK(seen.phase == phase);
        CHECK(seen.said == word);
    }
}

TEST_CASE("progress that is no number, and progress that stays at nought, are no progress") {
    for (const auto* text : {"0", "half", "-1", "101", "4.5"}) {
        CAPTURE(text);
        auto script = Rig::two_clusters();
        script.progress = text;
        Rig rig(script);
        const auto outcome = rig.driver->run(rig.call, rig.plan_create().steps[0], nullptr);
        CHECK(rig.driver->observe(rig.call, *outcome.job, Milliseconds{0}).mark.empty());
        CHECK(rig.follow(*outcome.job).phase == Phase::succeeded);
    }
}

TEST_CASE("other envelopes: success is 200 too, and a job stands beside its code") {
    auto script = Rig::two_clusters();
    script.ok_is_200 = true;
    script.job_at_top = true;
    Rig rig(script);
    CHECK(rig.carry_out(rig.plan_create().steps[0]).phase == Phase::succeeded);
}

TEST_CASE("collections of one database, of the default one when none is named") {
    Rig rig;
    CHECK(rig.carry_out(rig.plan_create({.include = {"articles", "default.images", "articles"}}).steps[0]).phase ==
          Phase::succeeded);
    CHECK(json::parse(rig.server.bodies("POST", "*/create").back())["dbCollections"] ==
          json::parse(R"([{"dbName":"default","collectionNames":["articles","images"]}])"));
    CHECK(rig.carry_out(rig.plan_create({.include = {"shop.goods"}}).steps[0]).phase == Phase::succeeded);
    CHECK(json::parse(rig.server.bodies("POST", "*/create").back())["dbCollections"] ==
          json::parse(R"([{"dbName":"shop","collectionNames":["goods"]}])"));
    CHECK_ERROR(ErrorKind::usage, "articles and shop.goods lie in two databases",
                rig.plan_create({.include = {"articles", "shop.goods"}}));
    CHECK_ERROR(ErrorKind::usage, "is a pattern", rig.plan_create({.include = {"art*"}}));
    CHECK_ERROR(ErrorKind::usage, "cannot be the name", rig.plan_create({.include = {"shop."}}));
    CHECK_ERROR(ErrorKind::usage, "does not list the collections", rig.plan_create({.exclude = {"articles"}}));
    // Only the service knows what there is.
    const auto plan = rig.plan_create({.include = {"nothing"}});
    CHECK_ERROR(ErrorKind::not_found, "collection not found: default.nothing",
                rig.driver->run(rig.call, plan.steps[0], nullptr));
}

TEST_CASE("copies to other regions are asked for, and said not to be covered") {
    Rig rig;
    const auto plan = rig.plan_create({}, {{"copy-to", "aws-us-east-2,aws-eu-central-1"}});
    CHECK(plan.notes.at(2) ==
          "the copies to aws-us-east-2, aws-eu-central-1 are made afterwards, and nothing tells whether they succeed");
    CHECK(rig.carry_out(plan.steps[0]).phase == Phase::succeeded);
    CHECK(json::parse(rig.server.bodies("POST", "*/create").back())["crossRegionCopies"] ==
          json::parse(R"([{"regionId":"aws-us-east-2"},{"regionId":"aws-eu-central-1"}])"));
    CHECK_ERROR(ErrorKind::unsupported, "copies stay with one cloud",
                rig.plan_create({}, {{"copy-to", "gcp-us-west1"}}));
    CHECK_ERROR(ErrorKind::unsupported, "makes none on Azure", rig.plan_create({}, {{"copy-to", "az-eastus"}}));
}

TEST_CASE("what it costs is said before it begins, and that there is no download") {
    Rig rig;
    CHECK(rig.plan_create().notes.at(0).starts_with("the API key's user must be organisation owner or project admin"));
    CHECK(rig.plan_create().notes.at(1) ==
          "a manual backup is kept, and may be charged for, until it is deleted: `vbackup prune` removes old ones");
    auto asked = Rig::request(Verb::create);
    asked.keep = true;
    CHECK_ERROR(ErrorKind::unsupported, "offers no download", rig.plan(asked));
}

TEST_CASE("free and serverless clusters are refused before any request, where the id tells it") {
    Rig rig;
    for (const auto& [id, word] : {std::pair{"in03-0123456789abcde", "free"}, {"in05-0123456789abcde", "serverless"}}) {
        rig.open(std::string("zilliz://") + id);
        CHECK_ERROR(ErrorKind::unsupported, word, rig.driver->inspect(rig.call, {}));
        CHECK_ERROR(ErrorKind::unsupported, word, rig.plan_create());
    }
    CHECK(rig.server.http().requests().empty());
}

TEST_CASE("free and serverless clusters are refused before a POST, where the id does not tell it") {
    for (const auto* kind : {"Free", "Serverless"}) {
        auto script = Rig::two_clusters();
        script.clusters[Rig::cluster].deployment = kind;
        Rig rig(script);
        CHECK_ERROR(ErrorKind::unsupported, kind, rig.plan_create());
        CHECK(rig.server.count("POST", "*") == 0);
    }
}

TEST_CASE("a backup under way is named, by whomever it was begun; or its end is waited for") {
    for (const auto* method : {"MANUAL", "AUTO"}) {
        auto script = Rig::two_clusters();
        script.looks = 5;
        Rig rig(script);
        const auto running = rig.server.begin_backup(Rig::cluster, method);
        const auto error = error_of([&] { rig.plan_create(); });
        CHECK(error.kind() == ErrorKind::busy);
        CHECK(error.message().find(running) != std::string::npos);
        CHECK(error.message().find("2026-11-21T07:47:00Z") != std::string::npos);
        CHECK(error.hint().find("-o wait-for-slot=true") != std::string::npos);
        CHECK(rig.server.count("POST", "*") == 0);

        const auto plan = rig.plan_create({}, {{"wait-for-slot", "true"}});
        REQUIRE(plan.steps.size() == 2);
        CHECK(plan.steps[0].kind == model::StepKind::settle);
        CHECK(plan.steps[1].after == std::vector<std::string>{"slot"});
        auto seen = rig.driver->settled(rig.call, plan.steps[0]);
        CHECK(seen.phase == Phase::running);
        CHECK(seen.said == running + " is CREATING");
        for (int look = 0; look < 8 && seen.phase == Phase::running; ++look)
            seen = rig.driver->settled(rig.call, plan.steps[0]);
        CHECK(seen.phase == Phase::succeeded);
        CHECK(rig.carry_out(plan.steps[1]).phase == Phase::succeeded);
    }
}

TEST_CASE("a backup that came first after the plan was made is named, listed or not") {
    Rig rig;
    const auto plan = rig.plan_create();
    rig.server.change([](auto& script) { script.looks = 50; });
    const auto running = rig.server.begin_backup(Rig::cluster, "MANUAL");
    CHECK_ERROR(ErrorKind::busy, running, rig.driver->run(rig.call, plan.steps[0], nullptr));
    CHECK(rig.server.count("POST", "*") == 0);
    // Not in the list yet: then the service itself refuses.
    rig.server.change([](auto& script) { script.listed = false; });
    CHECK_ERROR(ErrorKind::busy, "another backup job is in progress. (code 96038)",
                rig.driver->run(rig.call, plan.steps[0], nullptr));
    // It came while the request was on its way: whatever the service then says, the list tells.
    rig.server.change([](auto& script) { script.listed = true; });
    const auto refuse = [&] {
        rig.server.fault_once("GET", "/v2/backups", {.body = R"({"code":0,"data":{"count":0,"backups":[]}})"});
        rig.server.fault_once("POST", "*/create",
                              {.body = R"({"code":40003,"message":"It is not permitted in the current status."})"});
    };
    refuse();
    CHECK_ERROR(ErrorKind::busy, running, rig.driver->run(rig.call, plan.steps[0], nullptr));
    rig.server.finish();
    refuse();
    CHECK_ERROR(ErrorKind::refused, "not permitted in the current status",
                rig.driver->run(rig.call, plan.steps[0], nullptr));
}

TEST_CASE("a create whose answer was lost is found again; one that never arrived is not") {
    Rig rig;
    rig.make_backup();
    const auto plan = rig.plan_create();
    rig.server.fault_once("POST", "*/create", {.fault = Fault::close});
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, plan.steps[0], nullptr));
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    rig.server.fault_once("POST", "*/create", {.fault = Fault::reset}, true);
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, plan.steps[0], nullptr));
    const auto taken = rig.driver->done(rig.call, plan.steps[0]);
    REQUIRE(taken);
    REQUIRE(taken->job);
    CHECK(taken->job->name == rig.server.backups().back().id);
    CHECK(rig.follow(*taken->job).phase == Phase::succeeded);
    CHECK(rig.server.count("POST", "*/create") == 3);  // one of them for the first backup
    // The same in another process, which knows what the plan has noted.
    rig.open(std::string("zilliz://") + Rig::cluster);
    const auto again = rig.driver->done(rig.call, plan.steps[0]);
    REQUIRE(again);
    CHECK(again->job->name == taken->job->name);
}

TEST_CASE("other backups that began meanwhile are not taken for a lost one") {
    Rig rig;
    const auto plan = rig.plan_create();
    rig.server.fault_once("POST", "*/create", {.fault = Fault::close});
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, plan.steps[0], nullptr));
    rig.server.add_backup({.cluster = Rig::cluster, .method = "AUTO"});
    rig.server.add_backup({.cluster = Rig::other});
    rig.server.add_backup({.cluster = Rig::cluster, .type = "COLLECTION"});
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    rig.server.add_backup({.cluster = Rig::cluster});
    rig.server.add_backup({.cluster = Rig::cluster});
    const auto backups = rig.server.backups();
    const auto both = backups[4].id + " and " + backups[3].id;
    for (int process = 0; process < 2; ++process) {
        CHECK_ERROR(ErrorKind::not_understood, both + " were begun meanwhile, and nothing tells which of them is",
                    rig.driver->done(rig.call, plan.steps[0]));
        rig.open(std::string("zilliz://") + Rig::cluster);
    }
}

TEST_CASE("what others made while the slot was waited for is not taken for ours in another process") {
    Rig rig;
    const auto plan = rig.plan_create({}, {{"wait-for-slot", "true"}});
    const auto theirs = rig.server.add_backup({.cluster = Rig::cluster});
    rig.server.fault_once("POST", "*/create", {.fault = Fault::close});
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, plan.steps[1], nullptr));
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[1]).has_value());
    rig.open(std::string("zilliz://") + Rig::cluster);
    CHECK_ERROR(ErrorKind::not_understood, theirs + " was begun meanwhile, and nothing tells whether it is this one",
                rig.driver->done(rig.call, plan.steps[1]));
    rig.server.forget_backup(theirs);
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[1]).has_value());
}

TEST_CASE("what others made between the plan and a later run that sent it is not taken for ours in another process") {
    Rig rig;
    const auto plan = rig.plan_create();
    rig.server.change([](auto& script) { script.now += std::chrono::hours(2); });
    const auto theirs = rig.server.add_backup({.cluster = Rig::cluster});
    CHECK_ERROR(ErrorKind::not_understood, theirs + " was begun meanwhile", rig.driver->done(rig.call, plan.steps[0]));
}

TEST_CASE("a lost backup of collections is known by them") {
    Rig rig;
    const auto plan = rig.plan_create({.include = {"articles"}});
    rig.server.add_backup(
        {.cluster = Rig::cluster, .type = "COLLECTION", .collections = {{"default", {{"images", "LOADED"}}}}});
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    rig.server.add_backup({.id = "backup9_1",
                           .cluster = Rig::cluster,
                           .type = "COLLECTION",
                           .collections = {{"default", {{"articles", "LOADED"}}}}});
    REQUIRE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    CHECK(rig.driver->done(rig.call, plan.steps[0])->job->name == "backup9_1");
}

TEST_CASE("an answer to a create that names nothing is no success") {
    Rig rig;
    const auto plan = rig.plan_create();
    for (const auto* body : {R"({"code":0,"data":{}})", R"({"code":0})", R"({"code":0,"data":{"backupId":"b"}})",
                             R"({"code":0,"data":[1]})", R"({"code":0,"data":{"backupId":7,"jobId":8}})", "", "{}"}) {
        CAPTURE(body);
        rig.server.fault_once("POST", "*/create", {.body = body});
        const auto error = error_of([&] { rig.driver->run(rig.call, plan.steps[0], nullptr); });
        CHECK(error.kind() == ErrorKind::not_understood);
        CHECK(context_of(error, "requestid").starts_with("req-"));
    }
}
