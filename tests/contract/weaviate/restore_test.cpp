// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "lost.hpp"

namespace {

using namespace vbackup;
using model::Phase;
using model::Verb;
using nlohmann::json;
using test::Lost;
using test::Rig;

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
