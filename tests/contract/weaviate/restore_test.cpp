// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "rig.hpp"

namespace {

using namespace vbackup;
using model::Phase;
using model::StepKind;
using model::Verb;
using nlohmann::json;
using test::Fault;
using test::Rig;

// A request to restore a backup that was just made, whose collections are gone.
struct Lost {
    explicit Lost(Rig& rig, const std::string& id = "b1", model::Options options = {})
        : manifest(rig.make_backup(id, std::move(options))) {
        rig.server.change([](auto& script) { script.collections.clear(); });
        request = rig.request(Verb::restore, id);
        request.manifest = &manifest;
    }
    model::Manifest manifest;
    model::Request request;
};

json body_of(const model::Step& step) {
    return json::parse(json::parse(step.details)["body"].get<std::string>());
}

}  // namespace

TEST_CASE("a restore brings every collection back and is proven by counts") {
    Rig rig(Rig::with_tenants());
    rig.server.change([](auto& script) { script.aliases = {{"Art", "Article"}}; });
    Lost lost(rig);
    rig.server.change([](auto& script) { script.aliases.clear(); });
    const auto plan = rig.plan(lost.request);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].id == "restore");
    CHECK_FALSE(plan.steps[0].destroys);
    CHECK(plan.notes == std::vector<std::string>{"roles are not restored; say -o roles=all for them",
                                                 "users are not restored; say -o users=all for them"});
    CHECK(body_of(plan.steps[0]) == json{{"include", {"Article", "Big", "Mt"}}});
    const auto outcome = rig.driver->run(rig.call, plan.steps[0], nullptr);
    REQUIRE(outcome.job);
    CHECK(json::parse(outcome.job->details)["kind"] == "restore");
    CHECK(rig.driver->observe(rig.call, *outcome.job, Milliseconds{0}).said == "TRANSFERRING");
    CHECK(rig.driver->observe(rig.call, *outcome.job, Milliseconds{0}).said == "FINALIZING");
    CHECK(rig.follow(*outcome.job).phase == Phase::succeeded);

    const auto proof = rig.driver->prove(rig.call, lost.manifest, lost.request);
    CHECK(proof.good());
    std::vector<std::string> said;
    for (const auto& finding : proof.findings) said.push_back(finding.what);
    CHECK(said == std::vector<std::string>{
                      "collection Article: 1000 objects, as in the backup", "alias Art points to Article",
                      "collection Big: 8000 objects, as in the backup",
                      "collection Mt: 100 objects in 2 tenants, as in the backup; 1 inactive tenants are there, their "
                      "objects were not counted"});
}

TEST_CASE("a collection with inactive tenants is never said to hold 0 objects") {
    auto script = Rig::two_collections();
    script.collections["Mt"] = {.tenants = {{"ta", {"COLD", 70}}, {"tb", {"COLD", 30}}}, .multi_tenant = true};
    Rig rig(script);
    auto manifest = rig.make_backup();
    CHECK_FALSE(manifest.collections[2].before.count.has_value());
    auto asked = rig.request(Verb::restore);
    asked.scope.include = {"Mt"};
    const auto asleep = rig.driver->prove(rig.call, manifest, asked);
    CHECK(asleep.good());
    REQUIRE(asleep.findings.size() == 1);
    CHECK(asleep.findings[0].what == "collection Mt: 2 inactive tenants are there, their objects were not counted");
    rig.server.change([](auto& one) { one.collections["Mt"].tenants.erase("tb"); });
    CHECK_FALSE(rig.driver->prove(rig.call, manifest, asked).good());
    // Whoever took the backup over later noted the tenants of that day.
    manifest.state = "unproven";
    CHECK(rig.driver->prove(rig.call, manifest, asked).good());
}

TEST_CASE("options and place go where the server wants them") {
    auto script = Rig::two_collections();
    script.modules = {"filesystem", "s3"};
    script.nodes = {"node1", "node2"};
    Rig rig(script);
    Lost lost(rig, "b1", {{"backend", "s3"}, {"bucket", "mine"}, {"path", "sub/dir"}});
    lost.request.options = {{"roles", "all"},
                            {"users", "noRestore"},
                            {"node-mapping", "node1=node2,node2=node1"},
                            {"overwrite-alias", "true"},
                            {"cpu-percentage", "10"},
                            {"azure-concurrency", "2"}};
    lost.request.scope.include = {"A*"};
    const auto plan = rig.plan(lost.request);
    CHECK(body_of(plan.steps[0]) == json{{"include", {"Article"}},
                                         {"config",
                                          {{"Bucket", "mine"},
                                           {"Path", "sub/dir"},
                                           {"CPUPercentage", 10},
                                           {"rolesOptions", "all"},
                                           {"usersOptions", "noRestore"}}},
                                         {"node_mapping", {{"node1", "node2"}, {"node2", "node1"}}},
                                         {"overwriteAlias", true}});
    CHECK(rig.carry_out(plan).phase == Phase::succeeded);
    for (const auto& request : rig.server.http().requests()) {
        if (request.path != "/v1/backups/s3/b1/restore") continue;
        if (request.method == "POST") CHECK(request.header("X-Azure-Concurrency") == "2");
        // The question whether it runs names a path where nothing lies.
        if (request.method == "GET")
            CHECK((request.query == "bucket=mine&path=sub%2Fdir" ||
                   request.query.find("vbackup-asks") != std::string::npos));
    }
    CHECK(rig.server.script().collections.size() == 1);
}

TEST_CASE("what a version does not know is refused by name, and the oldest restore nothing") {
    struct Row {
        const char *version, *option, *value, *words;
        ErrorKind kind;
    };
    const Row rows[] = {
        {"1.23.12", "", "", "Weaviate 1.23.12 may store a restored backup wrongly", ErrorKind::refused},
        {"1.31.1", "roles", "all", "roles needs Weaviate 1.30.9, 1.31.2, 1.32.0, this is 1.31.1",
         ErrorKind::unsupported},
        {"1.30.8", "users", "all", "users needs Weaviate", ErrorKind::unsupported},
        {"1.32.4", "overwrite-alias", "true", "overwrite-alias needs Weaviate 1.32.5", ErrorKind::unsupported},
        {"1.21.9", "node-mapping", "node1=node1", "node-mapping needs Weaviate 1.22.0", ErrorKind::unsupported},
    };
    for (const auto& row : rows) {
        INFO(row.version, " ", row.option);
        Rig rig;
        Lost lost(rig);
        lost.manifest.server_version = row.version;
        rig.server.change([&](auto& script) { script.version = row.version; });
        if (*row.option) lost.request.options[row.option] = row.value;
        CHECK_ERROR(row.kind, row.words, rig.plan(lost.request));
        CHECK(rig.server.count("POST", "*/restore") == 0);
    }
}

TEST_CASE("a backup of a newer server is refused, a newer patch is said") {
    Rig rig;
    Lost lost(rig);
    lost.manifest.server_version = "1.40.0";
    CHECK_ERROR(ErrorKind::refused, "made by Weaviate 1.40.0, this is the older 1.39.0", rig.plan(lost.request));
    lost.manifest.server_version = "1.39.4";
    CHECK(rig.plan(lost.request).notes.at(0) == "the backup was made by Weaviate 1.39.4, this is 1.39.0");
}

TEST_CASE("renames, unknown collections and both directions are refused") {
    Rig rig;
    Lost lost(rig);
    auto asked = lost.request;
    asked.renames = {{"Article", "Paper"}};
    CHECK_ERROR(ErrorKind::unsupported, "only under its own name", rig.plan(asked));
    asked = lost.request;
    asked.scope.include = {"Nope"};
    CHECK_ERROR(ErrorKind::not_found, "collection Nope is not in the backup", rig.plan(asked));
    asked.scope.include = {"Z*"};
    CHECK_ERROR(ErrorKind::not_found, "no collection of the backup is meant", rig.plan(asked));
    asked.scope = {.include = {"Big"}, .exclude = {"Big"}};
    CHECK_ERROR(ErrorKind::usage, "not both", rig.plan(asked));
    for (const auto* mapping : {"node1", "node1=", "=node1", "a=b,a=c"}) {
        asked = lost.request;
        asked.options = {{"node-mapping", mapping}};
        CHECK_ERROR(ErrorKind::usage, "node-mapping cannot be", rig.plan(asked));
    }
}

TEST_CASE("number and names of nodes must agree or be mapped") {
    auto script = Rig::two_collections();
    script.modules = {"s3"};
    script.nodes = {"node1", "node2", "node3"};
    Rig rig(script);
    Lost lost(rig);
    rig.server.change([](auto& one) { one.nodes = {"node1", "node2"}; });
    CHECK_ERROR(ErrorKind::refused, "the backup is of the nodes node1, node2, node3, here are node1, node2",
                rig.plan(lost.request));
    rig.server.change([](auto& one) { one.nodes = {"a", "b", "c"}; });
    CHECK_ERROR(ErrorKind::refused, "here are a, b, c", rig.plan(lost.request));
    lost.request.options["node-mapping"] = "node1=a,node2=b,node3=z";
    CHECK_ERROR(ErrorKind::refused, "node-mapping names z, which is no node here", rig.plan(lost.request));
    lost.request.options["node-mapping"] = "node1=a,node2=b,node3=b";
    CHECK_ERROR(ErrorKind::refused, "here are a, b, c", rig.plan(lost.request));
    rig.server.change([](auto& one) { one.nodes = {"a", "b"}; });
    CHECK_ERROR(ErrorKind::refused, "here are a, b", rig.plan(lost.request));
    rig.server.change([](auto& one) { one.nodes = {"a", "b", "c"}; });
    lost.request.options["node-mapping"] = "node1=a,node2=b,node3=c";
    CHECK(rig.plan(lost.request).steps.size() == 1);
    rig.server.change([](auto& one) { one.down = {"b"}; });
    CHECK_ERROR(ErrorKind::refused, "node b is UNAVAILABLE", rig.plan(lost.request));
}

TEST_CASE("collections in the way are a conflict, and are deleted first with --overwrite") {
    Rig rig;
    const auto manifest = rig.make_backup();
    auto asked = rig.request(Verb::restore);
    asked.manifest = &manifest;
    CHECK_ERROR(ErrorKind::conflict, "these collections exist already: Article, Big", rig.plan(asked));
    rig.server.change([](auto& script) { script.collections["Article"].count = 3; });
    asked.overwrite = true;
    asked.scope.include = {"Article"};
    const auto plan = rig.plan(asked);
    REQUIRE(plan.steps.size() == 2);
    CHECK(plan.steps[0].id == "delete:Article");
    CHECK(plan.steps[0].destroys);
    CHECK(plan.steps[1].after == std::vector<std::string>{"delete:Article"});
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    CHECK_FALSE(rig.driver->run(rig.call, plan.steps[0], nullptr).job);
    CHECK(rig.driver->done(rig.call, plan.steps[0]).has_value());
    CHECK(rig.carry_out({.steps = {plan.steps[1]}}).phase == Phase::succeeded);
    CHECK(rig.driver->prove(rig.call, manifest, asked).findings.size() == 1);
    CHECK(rig.driver->prove(rig.call, manifest, asked).good());
}

TEST_CASE("aliases in the way are seen beforehand") {
    Rig rig;
    rig.server.change([](auto& script) { script.aliases = {{"Art", "Article"}}; });
    Lost lost(rig);
    rig.server.change([](auto& script) { script.aliases = {{"Art", "Other"}}; });
    CHECK_ERROR(ErrorKind::conflict, "the alias Art belongs to Other here and to Article in the backup",
                rig.plan(lost.request));
    lost.request.options["overwrite-alias"] = "true";
    CHECK(rig.plan(lost.request).steps.size() == 1);
    rig.server.change([](auto& script) { script.aliases = {{"Big", "Other"}}; });
    CHECK_ERROR(ErrorKind::conflict, "Big is an alias here, and a collection in the backup", rig.plan(lost.request));
}

TEST_CASE("only a whole backup that is the same one is restored") {
    Rig rig;
    Lost lost(rig);
    auto other = lost.manifest;
    auto details = json::parse(other.jobs[0].details);
    details["started"] = details["started"].get<std::int64_t>() + 5000;
    other.jobs[0].details = details.dump();
    auto asked = lost.request;
    asked.manifest = &other;
    CHECK_ERROR(ErrorKind::conflict, "another backup is called b1 on the server", rig.plan(asked));
    rig.server.forget("b1");
    CHECK_ERROR(ErrorKind::not_found, "the server has no backup b1", rig.plan(lost.request));
    rig.server.change([](auto& script) {
        script.collections["Article"] = {.count = 5};
        script.ending = "FAILED";
    });
    rig.carry_out(rig.plan(rig.request(Verb::create, "bad")));
    const auto found = rig.driver->list(rig.call, {{"name", "bad"}}).at(0);
    auto bad = rig.request(Verb::restore, "bad");
    bad.found = &found;
    CHECK_ERROR(ErrorKind::refused, "backup bad is FAILED", rig.plan(bad));
}

TEST_CASE("an increment is refused without its base before anything is deleted") {
    Rig rig;
    rig.make_backup("base");
    const auto manifest = rig.make_backup("inc", {{"base", "base"}});
    auto asked = rig.request(Verb::restore, "inc");
    asked.manifest = &manifest;
    asked.overwrite = true;
    CHECK(rig.plan(asked).steps.size() == 3);
    rig.server.forget("base");
    CHECK_ERROR(ErrorKind::not_found, "builds on base, which the server does not have", rig.plan(asked));
}

TEST_CASE("a backup that only the server knows is restored by its name") {
    Rig rig;
    rig.make_backup();
    const auto found = rig.driver->list(rig.call, {{"name", "b1"}}).at(0);
    auto asked = rig.request(Verb::restore);
    asked.found = &found;
    CHECK_ERROR(ErrorKind::conflict, "exist already: Article, Big", rig.plan(asked));
    rig.server.change([](auto& script) { script.collections.clear(); });
    CHECK(rig.carry_out(rig.plan(asked)).phase == Phase::succeeded);
    // Without its descriptor nobody knows its nodes.
    rig.server.change([](auto& script) { script.collections.clear(); });
    rig.sees_disk = false;
    CHECK(rig.plan(asked).notes.at(0).find("the nodes of the backup are not known") == 0);
}

TEST_CASE("one at another path does not even say its collections") {
    Rig rig;
    rig.make_backup("p1", {{"path", "/mnt/x"}});
    const auto found = rig.driver->list(rig.call, {{"name", "p1"}, {"path", "/mnt/x"}}).at(0);
    rig.server.change([](auto& script) { script.collections.clear(); });
    auto asked = rig.request(Verb::restore, "p1");
    asked.found = &found;
    CHECK_ERROR(ErrorKind::usage, "does not say which collections this backup holds", rig.plan(asked));
    asked.scope.include = {"Art*"};
    CHECK_ERROR(ErrorKind::usage, "does not say which collections this backup holds", rig.plan(asked));
    asked.scope.include = {"Article"};
    CHECK(rig.carry_out(rig.plan(asked)).phase == Phase::succeeded);
    CHECK(rig.server.script().collections.size() == 1);
    CHECK(rig.driver->prove(rig.call, {.id = "p1"}, asked).good());
    asked.scope.include = {"Article", "Big"};
    CHECK_FALSE(rig.driver->prove(rig.call, {.id = "p1"}, asked).good());
}

TEST_CASE("a restore from another path is proven by the names that it was asked for") {
    Rig rig;
    rig.make_backup("p1", {{"path", "/mnt/x"}});
    const auto found = rig.driver->list(rig.call, {{"name", "p1"}, {"path", "/mnt/x"}}).at(0);
    const model::Manifest manifest{.id = "p1", .jobs = {found.job}, .state = "unproven"};
    rig.server.change([](auto& script) { script.collections.clear(); });
    auto asked = rig.request(Verb::restore, "p1");
    asked.found = &found;
    asked.manifest = &manifest;
    asked.scope.include = {"Article", "Big"};
    CHECK(rig.carry_out(rig.plan(asked)).phase == Phase::succeeded);
    // What the wish was written with does not matter any more.
    asked.scope.include = {"*"};
    rig.server.change([](auto& script) {
        script.collections["Big"].count = 0;
        script.collections["Other"].count = 5;
    });
    const auto said = [&] {
        std::vector<std::string> words;
        for (const auto& finding : rig.driver->prove(rig.call, manifest, asked).findings)
            words.push_back((finding.good ? "" : "bad: ") + finding.what);
        return words;
    };
    using Words = std::vector<std::string>;
    CHECK(said() == Words{"collection Article: 1000 objects; the backup has no count to compare with",
                          "collection Big is there; how many objects it must have was not recorded"});
    rig.server.change([](auto& script) { script.collections.erase("Big"); });
    CHECK(said().at(1) == "bad: collection Big is not there");
    // Another process did not see the names; wildcards are then no names of collections.
    rig.open(rig.server.base());
    asked.scope.include = {"A*", "Big"};
    CHECK(said() == Words{"collection Article: 1000 objects; the backup has no count to compare with",
                          "bad: collection Big is not there"});
}

TEST_CASE("the endpoint of the object storage is remembered") {
    auto script = Rig::two_collections();
    script.modules = {"s3"};
    Rig rig(script);
    Lost lost(rig, "b1", {{"endpoint", "minio:9000"}, {"bucket", "mine"}});
    CHECK(json::parse(lost.manifest.jobs[0].details)["endpoint"] == "minio:9000");
    const auto config = [&] { return body_of(rig.plan(lost.request).steps.back())["config"]; };
    CHECK(config() == json{{"Bucket", "mine"}, {"Endpoint", "minio:9000"}});
    // Without its job the manifest's own notes tell it.
    auto jobless = lost.manifest;
    jobless.jobs.clear();
    lost.request.manifest = &jobless;
    CHECK(config() == json{{"Bucket", "mine"}, {"Endpoint", "minio:9000"}});
    lost.request.options["endpoint"] = "other:9000";
    CHECK(config() == json{{"Bucket", "mine"}, {"Endpoint", "other:9000"}});
}

TEST_CASE("files of ours are placed, seen by the server, and only then anything is changed") {
    Rig rig;
    auto manifest = rig.make_backup();
    manifest.kept = true;
    auto asked = rig.request(Verb::restore);
    asked.manifest = &manifest;
    asked.overwrite = true;
    rig.server.forget("b1");
    const auto plan = rig.plan(asked);
    std::vector<std::string> ids;
    for (const auto& step : plan.steps) ids.push_back(step.id);
    CHECK(ids == std::vector<std::string>{"place", "placed", "delete:Article", "delete:Big", "restore", "forget"});
    for (std::size_t index = 1; index < ids.size(); ++index)
        CHECK(plan.steps[index].after == std::vector<std::string>{ids[index - 1]});
    CHECK(plan.steps.back().tidy);
    REQUIRE(plan.steps[0].location);
    CHECK(plan.steps[0].location->url == "file:///var/lib/weaviate/backups/b1");
    CHECK(plan.steps[0].location->descriptor == "backup_config.json");
    // The directory was not the server's.
    const auto seen = rig.driver->settled(rig.call, plan.steps[1]);
    CHECK(seen.phase == Phase::gone);
    CHECK(seen.why.find("is that directory of this machine the server's") != std::string::npos);
    rig.make_backup();
    CHECK(rig.driver->settled(rig.call, plan.steps[1]).phase == Phase::succeeded);
}

TEST_CASE("files of ours cannot be placed in a bucket") {
    auto script = Rig::two_collections();
    script.modules = {"s3"};
    Rig rig(script);
    Lost lost(rig);
    lost.manifest.kept = true;
    rig.server.forget("b1");
    CHECK_ERROR(ErrorKind::unsupported, "this Weaviate reads from s3", rig.plan(lost.request));
}

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
