// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "rig.hpp"

using namespace vbackup;
using model::Phase;
using model::Verb;
using nlohmann::json;
using test::error_of;
using test::Fault;
using Rig = test::ZillizRig;

namespace {

struct Restore {
    explicit Restore(Rig& its_rig) : rig(its_rig), manifest(rig.make_backup()) {
        asked = Rig::request(Verb::restore);
        asked.manifest = &manifest;
    }
    model::Plan plan() { return rig.plan(asked); }
    json sent() { return json::parse(rig.server.bodies("POST", "*/restoreCollection").back()); }

    Rig& rig;
    model::Manifest manifest;
    model::Request asked;
};

}  // namespace

TEST_CASE("collections come back one call each, loaded as they were, and each job is followed") {
    Rig rig;
    Restore restore(rig);
    rig.server.change([](auto& script) { script.clusters[Rig::cluster].collections.clear(); });
    const auto plan = restore.plan();
    REQUIRE(plan.steps.size() == 3);
    CHECK(plan.steps[0].part.collection == "articles");
    CHECK(plan.steps[2].part.collection == "shop.goods");
    for (const auto& step : plan.steps) {
        CHECK(step.after.empty());
        CHECK_FALSE(step.destroys);
        std::optional<model::JobRef> last;
        CHECK(rig.carry_out(step, &last).phase == Phase::succeeded);
        restore.asked.jobs.push_back(last.value());
    }
    CHECK(rig.server.script().clusters.at(Rig::cluster).collections ==
          Rig::two_clusters().clusters.at(Rig::cluster).collections);
    const auto proof = rig.driver->prove(rig.call, restore.manifest, restore.asked);
    CHECK(proof.good());
    REQUIRE(proof.findings.size() == 4);
    CHECK(proof.findings[0].what.starts_with("collection articles restored in in01-5b1c77aa90de321, job job-"));
    CHECK(proof.findings[3].what == "cluster in01-5b1c77aa90de321 (Dedicated-01) is RUNNING");
}

TEST_CASE("without a job, or with a cluster of which nobody knows what its word means, nothing is proven") {
    Rig rig;
    Restore restore(rig);
    restore.asked.options = {{"database", "archive"}};
    CHECK_FALSE(rig.driver->prove(rig.call, restore.manifest, restore.asked).good());
    std::optional<model::JobRef> last;
    REQUIRE(rig.carry_out(restore.plan().steps[0], &last).phase == Phase::succeeded);
    restore.asked.jobs = {last.value()};
    CHECK(rig.driver->prove(rig.call, restore.manifest, restore.asked).good());
    for (const auto* word : {"DANCING", "ABNORMAL"}) {
        rig.server.change([&](auto& script) { script.clusters[Rig::cluster].status = word; });
        CHECK_FALSE(rig.driver->prove(rig.call, restore.manifest, restore.asked).good());
    }
}

TEST_CASE("one collection under a new name in another database of another cluster: the request") {
    Rig rig;
    Restore restore(rig);
    restore.asked.scope.include = {"default.articles"};
    restore.asked.renames = {{"articles", "articles_restored"}};
    restore.asked.options = {{"database", "archive"}, {"to-cluster", Rig::other}};
    const auto plan = restore.plan();
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].what == "restore articles as archive.articles_restored in in01-77f0e3bb2255190, loaded");
    CHECK(rig.carry_out(plan.steps[0]).phase == Phase::succeeded);
    CHECK(restore.sent() == json::parse(R"({"destClusterId":"in01-77f0e3bb2255190",
        "dbCollections":[{"dbName":"default","destDbName":"archive",
        "collections":[{"collectionName":"articles","destCollectionName":"articles_restored","destCollectionStatus":"LOADED"}]}]})"));
    CHECK(rig.server.script().clusters.at(Rig::other).collections.at("archive").contains("articles_restored"));
    CHECK(rig.driver->prove(rig.call, restore.manifest, restore.asked).findings.back().what ==
          "cluster in01-77f0e3bb2255190 (Dedicated-02) is RUNNING");
    restore.asked.renames = {{"articles", "attic.old"}};
    CHECK(restore.plan().steps[0].what.starts_with("restore articles as attic.old in"));
}

TEST_CASE("loaded or not is chosen") {
    Rig rig;
    Restore restore(rig);
    for (const auto& [load, loaded] : {std::pair{"yes", 3}, {"no", 0}, {"keep", 2}}) {
        restore.asked.options = {{"load", load}};
        int count = 0;
        for (const auto& step : restore.plan().steps) count += step.what.ends_with(", loaded") ? 1 : 0;
        CHECK(count == loaded);
    }
}

TEST_CASE("a restore is refused where that can be known") {
    Rig rig;
    Restore restore(rig);
    auto& asked = restore.asked;
    asked.scope.include = {"nothing"};
    CHECK_ERROR(ErrorKind::not_found, "no collection nothing in the backup", restore.plan());
    asked.scope.include = {"articles"};
    asked.renames = {{"images", "x"}};
    CHECK_ERROR(ErrorKind::not_found, "--rename names images", restore.plan());
    asked.scope.include = {"articles", "images"};
    asked.renames = {{"images", "articles"}};
    CHECK_ERROR(ErrorKind::usage, "two collections would become articles", restore.plan());
    asked.renames = {};
    asked.overwrite = true;
    CHECK_ERROR(ErrorKind::unsupported, "replaces no collections", restore.plan());
    asked.overwrite = false;
    asked.options = {{"to-cluster", "in05-0123456789abcde"}};
    CHECK_ERROR(ErrorKind::unsupported, "serverless", restore.plan());
    rig.server.change([](auto& script) { script.clusters[Rig::other].status = "STOPPED"; });
    asked.options = {{"to-cluster", Rig::other}};
    CHECK_ERROR(ErrorKind::refused, "is STOPPED, not RUNNING", restore.plan());
    asked.options = {{"to-cluster", Rig::other}, {"new-cluster", "x"}};
    CHECK_ERROR(ErrorKind::usage, "exclude each other", restore.plan());
    asked.options = {};
    rig.server.forget_backup(restore.manifest.jobs[0].name);
    CHECK_ERROR(ErrorKind::not_found, "no longer has the backup", restore.plan());
    CHECK(rig.server.count("POST", "*/restore*") == 0);
}

TEST_CASE("what exists already is a conflict, a job that fails tells why") {
    Rig rig;
    Restore restore(rig);
    restore.asked.scope.include = {"articles"};
    rig.server.fault_once("POST", "*/restoreCollection", {.body = R"({"code":0,"data":{}})"});
    const auto error = error_of([&] { rig.driver->run(rig.call, restore.plan().steps[0], nullptr); });
    CHECK(error.message() == "Zilliz Cloud took the request and names no job");
    CHECK(test::context_of(error, "requestid").starts_with("req-"));
    CHECK_ERROR(ErrorKind::conflict, "articles already exists",
                rig.driver->run(rig.call, restore.plan().steps[0], nullptr));
    rig.server.change([](auto& script) { script.failing["articles"] = "out of memory"; });
    restore.asked.renames = {{"articles", "again"}};
    const auto seen = rig.carry_out(restore.plan().steps[0]);
    CHECK(seen.phase == Phase::failed);
    CHECK(seen.why == "out of memory");
}

TEST_CASE("a restore whose answer was lost is sent again, which the service refuses where it took the first") {
    Rig rig;
    Restore restore(rig);
    restore.asked.scope.include = {"articles"};
    restore.asked.renames = {{"articles", "again"}};
    const auto step = restore.plan().steps[0];
    rig.server.fault_once("POST", "*/restoreCollection", {.fault = Fault::reset}, true);
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, step, nullptr));
    CHECK_FALSE(rig.driver->done(rig.call, step).has_value());
    rig.server.finish();
    CHECK_ERROR(ErrorKind::conflict, "again already exists", rig.driver->run(rig.call, step, nullptr));
}

TEST_CASE("a backup of which nobody says what is in it is restored as a whole or not at all") {
    Rig rig;
    rig.server.add_backup({.id = "backup1_1", .cluster = Rig::cluster});
    const auto found = rig.find("backup1_1");
    auto asked = Rig::request(Verb::restore);
    asked.found = &found;
    const auto plan = rig.plan(asked);
    REQUIRE(plan.steps.size() == 1);
    CHECK(json::parse(json::parse(plan.steps[0].details)["body"].get<std::string>()) ==
          json::parse(R"({"destClusterId":"in01-5b1c77aa90de321"})"));
    asked.scope.include = {"articles"};
    CHECK_ERROR(ErrorKind::refused, "does not say which collections", rig.plan(asked));
}

TEST_CASE("a new cluster: the request, its password once, its job, and that it runs") {
    Rig rig;
    Restore restore(rig);
    restore.asked.options = {{"new-cluster", "Restored-01"}, {"version", "ORIGINAL"}, {"load", "no"}, {"cu-size", "2"}};
    const auto plan = restore.plan();
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].reveals == "the password of the new cluster Restored-01");
    CHECK(plan.notes.at(0).find("charged for from the moment") != std::string::npos);
    const auto outcome = rig.driver->run(rig.call, plan.steps[0], nullptr);
    CHECK(json::parse(rig.server.bodies("POST", "*/restoreCluster").back()) ==
          json::parse(R"({"projectId":"proj-20e13e974c7d659a83aaaa","clusterName":"Restored-01","cuSize":2,
                          "collectionStatus":"RELEASE","restoreVersionPolicy":"ORIGINAL"})"));
    REQUIRE(outcome.secret);
    CHECK(outcome.secret->reveal() == "s3cr3t-once");
    CHECK(outcome.job->details.find("s3cr3t-once") == std::string::npos);
    CHECK(outcome.job->details.find("db_admin") != std::string::npos);
    std::optional<model::JobRef> last;
    CHECK(rig.follow(*outcome.job, &last).said == "RUNNING");
    CHECK(json::parse(last->details)["watch"] == "cluster");
    restore.asked.jobs = {*last};
    const auto proof = rig.driver->prove(rig.call, restore.manifest, restore.asked);
    REQUIRE(proof.findings.size() == 2);
    CHECK(proof.findings[0].what.find("user db_admin") != std::string::npos);
    CHECK(proof.findings[1].what.find("(Restored-01) is RUNNING") != std::string::npos);
}

TEST_CASE("a new cluster takes size and project from the old one, or asks for them") {
    Rig rig;
    Restore restore(rig);
    restore.asked.options = {{"new-cluster", "Restored-01"}};
    const auto body = [&] {
        return json::parse(json::parse(restore.plan().steps[0].details)["body"].get<std::string>());
    };
    CHECK(body()["cuSize"] == 4);
    CHECK(body()["collectionStatus"] == "KEEP");
    CHECK_FALSE(body().contains("restoreVersionPolicy"));
    restore.asked.options["project"] = "proj-2";
    CHECK(body()["projectId"] == "proj-2");
    rig.server.change([](auto& script) { script.clusters.erase(Rig::cluster); });
    CHECK_ERROR(ErrorKind::usage, "size of the cluster in01-5b1c77aa90de321 is no longer known", restore.plan());
    restore.asked.options["cu-size"] = "8";
    CHECK(body()["cuSize"] == 8);
}

TEST_CASE("a new cluster is refused where that can be known") {
    auto script = Rig::two_clusters();
    Rig rig(script);
    Restore restore(rig);
    auto& asked = restore.asked;
    asked.options = {{"new-cluster", "Dedicated-02"}};
    CHECK_ERROR(ErrorKind::conflict, "is called Dedicated-02 already: in01-77f0e3bb2255190", restore.plan());
    asked.options = {{"new-cluster", "x"}};
    asked.scope.include = {"articles"};
    CHECK_ERROR(ErrorKind::usage, "made of the whole backup", restore.plan());
    asked.scope = {};
    asked.options["load"] = "yes";
    CHECK_ERROR(ErrorKind::usage, "as they were", restore.plan());
    asked.options = {{"cu-size", "2"}};
    CHECK_ERROR(ErrorKind::usage, "only with -o new-cluster", restore.plan());
    test::ScriptedZilliz::Backup old{.id = "backup9_1", .cluster = Rig::cluster};
    old.policies = {"LATEST"};
    rig.server.add_backup(old);
    auto found = rig.find("backup9_1");
    asked.manifest = nullptr;
    asked.found = &found;
    asked.options = {{"new-cluster", "x"}, {"version", "ORIGINAL"}};
    CHECK_ERROR(ErrorKind::refused, "with -o version=ORIGINAL", restore.plan());
    rig.server.add_backup({.id = "backup9_2", .cluster = Rig::cluster, .type = "COLLECTION"});
    found = rig.find("backup9_2");
    asked.options = {{"new-cluster", "x"}};
    CHECK_ERROR(ErrorKind::refused, "backup of collections", restore.plan());
    CHECK(rig.server.count("POST", "*/restore*") == 0);
}

TEST_CASE("a new cluster whose answer was lost is found by its name, and its lost password is said") {
    Rig rig;
    Restore restore(rig);
    restore.asked.options = {{"new-cluster", "Restored-01"}};
    const auto step = restore.plan().steps[0];
    CHECK_FALSE(rig.driver->done(rig.call, step).has_value());
    rig.server.fault_once("POST", "*/restoreCluster", {.fault = Fault::reset}, true);
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, step, nullptr));
    const auto taken = rig.driver->done(rig.call, step);
    REQUIRE(taken);
    CHECK(rig.tally.warnings().at(0).find("password of in01-") != std::string::npos);
    CHECK(rig.driver->observe(rig.call, *taken->job, Milliseconds{0}).said == "RESTORE_BACKUP");
    rig.server.finish();
    CHECK(rig.follow(*taken->job).said == "RUNNING");
}

TEST_CASE("an answer that cannot be read shows nothing of what it held") {
    Rig rig;
    Restore restore(rig);
    restore.asked.options = {{"new-cluster", "Restored-01"}};
    const auto step = restore.plan().steps[0];
    for (const auto* body :
         {R"({"code":0,"data":[{"password":"s3cr3t-once"}]})", R"({"code":0,"data":{"password":"s3cr3t-once"}})",
          R"({"code":0,"data":{"password":"s3cr3t-once","jobId":"j")", R"("s3cr3t-once")"}) {
        CAPTURE(body);
        rig.server.fault_once("POST", "*/restoreCluster", {.body = body});
        const auto error = error_of([&] { rig.driver->run(rig.call, step, nullptr); });
        CHECK(error.kind() == ErrorKind::not_understood);
        CHECK(error.message().find("s3cr3t") == std::string::npos);
        CHECK(test::context_of(error, "requestid").starts_with("req-"));
    }
}

TEST_CASE("a cluster that does not come up, or goes, is no success") {
    auto script = Rig::two_clusters();
    script.settling = 0;
    Rig rig(script);
    Restore restore(rig);
    restore.asked.options = {{"new-cluster", "Restored-01"}};
    auto job = *rig.driver->run(rig.call, restore.plan().steps[0], nullptr).job;
    auto seen = rig.driver->observe(rig.call, job, Milliseconds{0});
    while (!seen.next) seen = rig.driver->observe(rig.call, job, Milliseconds{0});
    const auto id = json::parse(seen.next->details)["cluster"].get<std::string>();
    for (const auto& [word, phase] : {std::pair{"ABNORMAL", Phase::failed},
                                      {"DELETED", Phase::gone},
                                      {"FROZEN", Phase::failed},
                                      {"UPGRADING", Phase::running},
                                      {"DANCING", Phase::unknown}}) {
        rig.server.change([&](auto& its) { its.clusters.at(id).status = word; });
        CHECK(rig.driver->observe(rig.call, *seen.next, Milliseconds{0}).phase == phase);
    }
    rig.server.change([&](auto& its) { its.clusters.erase(id); });
    CHECK(rig.driver->observe(rig.call, *seen.next, Milliseconds{0}).phase == Phase::gone);
}
