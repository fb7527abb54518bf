// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "rig.hpp"

namespace {

using namespace vbackup;
using model::Phase;
using model::Verb;
using nlohmann::json;
using test::Rig;

// The body of the last request of that method.
json last_body(Rig& rig, const std::string& method) {
    json body;
    for (const auto& request : rig.server.http().requests()) {
        if (request.method == method && request.path.starts_with("/v1/backups/"))
            body = json::parse(request.body, nullptr, false);
    }
    return body;
}

}  // namespace

TEST_CASE("a backup is planned as one step, begun, followed to its end, and its place remembered") {
    Rig rig;
    const auto plan = rig.plan(rig.request(Verb::create));
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].what == "back up 2 collections to file:///var/lib/weaviate/backups/b1");
    CHECK_FALSE(plan.steps[0].destroys);
    CHECK(rig.server.count("POST", "/v1/backups/*") == 0);
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());

    const auto outcome = rig.driver->run(rig.call, plan.steps[0], nullptr);
    CHECK(last_body(rig, "POST") == json{{"id", "b1"}, {"include", {"Article", "Big"}}});
    REQUIRE(outcome.job);
    CHECK(outcome.job->name == "b1");
    const auto details = json::parse(outcome.job->details);
    CHECK(details["backend"] == "filesystem");
    CHECK(details["kind"] == "backup");
    CHECK(details["location"] == "file:///var/lib/weaviate/backups/b1");
    CHECK(details["classes"] == json({"Article", "Big"}));
    CHECK(details["started"].is_number());

    const auto running = rig.driver->observe(rig.call, *outcome.job, Milliseconds{0});
    CHECK(running.phase == Phase::queued);
    CHECK(running.said == "STARTED");
    CHECK(running.mark.empty());
    const auto seen = rig.follow(*outcome.job);
    CHECK(seen.phase == Phase::succeeded);
    CHECK(seen.said == "SUCCESS");
    CHECK(seen.where == "file:///var/lib/weaviate/backups/b1");
}

TEST_CASE("every option goes where the server wants it, and its place is repeated in every later request") {
    auto script = Rig::two_collections();
    script.modules = {"filesystem", "s3"};
    Rig rig(script);
    rig.make_backup("base", {{"backend", "s3"}, {"bucket", "mine"}, {"path", "sub/dir"}});
    const model::Options options = {{"backend", "s3"},
                                    {"bucket", "mine"},
                                    {"path", "sub/dir"},
                                    {"endpoint", "minio:9000"},
                                    {"cpu-percentage", "20"},
                                    {"chunk-size", "64"},
                                    {"compression", "ZstdBestSpeed"},
                                    {"base", "base"},
                                    {"azure-block-size", "1048576"},
                                    {"azure-concurrency", "4"}};
    const auto plan = rig.plan(rig.request(Verb::create, "b1", options));
    CHECK(plan.notes.size() == 2);
    CHECK(plan.notes[0].find("chunk-size is accepted") == 0);
    std::optional<model::JobRef> job;
    CHECK(rig.carry_out(plan, &job).phase == Phase::succeeded);
    CHECK(last_body(rig, "POST") == json{{"id", "b1"},
                                         {"include", {"Article", "Big"}},
                                         {"config",
                                          {{"Bucket", "mine"},
                                           {"Path", "sub/dir"},
                                           {"Endpoint", "minio:9000"},
                                           {"CPUPercentage", 20},
                                           {"ChunkSize", 64},
                                           {"CompressionLevel", "ZstdBestSpeed"}}},
                                         {"incremental_base_backup_id", "base"}});
    for (const auto& request : rig.server.http().requests()) {
        if (request.method == "POST" && request.path == "/v1/backups/s3" &&
            request.body.find("\"b1\"") != std::string::npos) {
            CHECK(request.header("X-Azure-Block-Size") == "1048576");
            CHECK(request.header("X-Azure-Concurrency") == "4");
        }
        if (request.method == "GET" && request.path == "/v1/backups/s3/b1")
            CHECK(request.query == "bucket=mine&path=sub%2Fdir");
    }
    CHECK(json::parse(plan.details)["base"] == "base");
    CHECK(json::parse(plan.details)["path"] == "sub/dir");
}

TEST_CASE("users and roles are named in the body") {
    Rig rig;
    const auto plan = rig.plan(rig.request(Verb::create, "b1", {{"include-users", "bob,al*"}}));
    CHECK(json::parse(json::parse(plan.steps[0].details)["body"].get<std::string>())["includeUsers"] ==
          json({"bob", "al*"}));
    CHECK_ERROR(ErrorKind::refused, "no dynamic users match", rig.driver->run(rig.call, plan.steps[0], nullptr));
    rig.server.change([](auto& script) { script.version = "1.40.0"; });
    const auto roles = rig.plan(rig.request(Verb::create, "b1", {{"include-roles", "reader"}}));
    CHECK(json::parse(json::parse(roles.steps[0].details)["body"].get<std::string>())["includeRoles"] ==
          json({"reader"}));
}

TEST_CASE("the configuration's options count as far as they belong to the verb, and the command line's win") {
    auto script = Rig::two_collections();
    script.modules = {"filesystem", "s3"};
    Rig rig(script, {}, {{"backend", "s3"}, {"cpu-percentage", "30"}, {"roles", "all"}});
    const auto body = [&](const model::Options& options) {
        return json::parse(json::parse(rig.plan(rig.request(Verb::create, "b1", options)).steps[0].details)["body"]
                               .get<std::string>());
    };
    CHECK(body({})["config"] == json{{"CPUPercentage", 30}});
    CHECK(body({{"cpu-percentage", "60"}})["config"] == json{{"CPUPercentage", 60}});
}

TEST_CASE("what a version does not know is refused by name") {
    struct Row {
        const char *version, *option, *value, *words;
    };
    const Row rows[] = {
        {"1.23.1", "cpu-percentage", "20", "cpu-percentage needs Weaviate 1.24.0, this is 1.23.1"},
        {"1.23.1", "compression", "BestSpeed", "compression needs Weaviate 1.24.0, this is 1.23.1"},
        {"1.27.1", "path", "/tmp/x", "path needs Weaviate 1.27.2, this is 1.27.1"},
        {"1.27.1", "endpoint", "x", "endpoint needs Weaviate 1.27.2"},
        {"1.33.5", "compression", "NoCompression",
         "compression NoCompression needs Weaviate 1.32.18, 1.33.6, 1.34.1, 1.35.0, this is 1.33.5"},
        {"1.35.12", "base", "x", "base needs Weaviate 1.34.18, 1.35.13, 1.36.3, 1.37.0, this is 1.35.12"},
        {"1.38.2", "include-users", "x", "include-users needs Weaviate 1.38.3"},
        {"1.39.0", "include-roles", "x", "include-roles needs Weaviate 1.38.10, 1.40.0, this is 1.39.0"},
    };
    for (const auto& row : rows) {
        INFO(row.version, " ", row.option);
        auto script = Rig::two_collections();
        script.version = row.version;
        Rig rig(script);
        CHECK_ERROR(ErrorKind::unsupported, row.words,
                    rig.plan(rig.request(Verb::create, "b1", {{row.option, row.value}})));
        CHECK(rig.server.count("POST", "/v1/backups/*") == 0);
    }
    auto script = Rig::two_collections();
    script.version = "1.33.6";
    Rig rig(script);
    CHECK(rig.plan(rig.request(Verb::create, "b1", {{"compression", "NoCompression"}})).steps.size() == 1);
}

TEST_CASE("values that make no sense are refused before any request") {
    Rig rig;
    const std::pair<const char*, const char*> cases[] = {
        {"cpu-percentage", "81"},   {"cpu-percentage", "0"}, {"cpu-percentage", "5x"}, {"chunk-size", "1"},
        {"chunk-size", "513"},      {"compression", "Fast"}, {"backend", "tape"},      {"allow-skipped-tenants", "yes"},
        {"azure-concurrency", "-1"}};
    const auto now = rig.driver->inspect(rig.call, {});
    const auto before = rig.server.http().requests().size();
    for (const auto& [name, value] : cases) {
        INFO(name, "=", value);
        CHECK_ERROR(ErrorKind::usage, name, rig.plan(rig.request(Verb::create, "b1", {{name, value}})));
    }
    auto both = rig.request(Verb::create);
    both.scope = {.include = {"Article"}, .exclude = {"Big"}};
    CHECK_ERROR(ErrorKind::usage, "not both", rig.plan(both));
    auto bad_id = rig.request(Verb::create, "Bad Id!");
    bad_id.inspection = &now;
    CHECK_ERROR(ErrorKind::usage, "cannot be the id", rig.plan(bad_id));
    CHECK(rig.server.http().requests().size() == before);
}

TEST_CASE("the backup module is chosen, asked for, or refused") {
    Rig rig;
    CHECK_ERROR(ErrorKind::refused, "s3 is not on", rig.plan(rig.request(Verb::create, "b1", {{"backend", "s3"}})));
    CHECK_ERROR(ErrorKind::usage, "no buckets", rig.plan(rig.request(Verb::create, "b1", {{"bucket", "x"}})));
    CHECK_ERROR(ErrorKind::usage, "must begin with /", rig.plan(rig.request(Verb::create, "b1", {{"path", "x"}})));
    rig.server.change([](auto& script) { script.modules = {"filesystem", "s3"}; });
    CHECK_ERROR(ErrorKind::usage, "several backup modules on: filesystem, s3", rig.plan(rig.request(Verb::create)));
    rig.server.change([](auto& script) { script.modules = {}; });
    CHECK_ERROR(ErrorKind::refused, "no backup module is on", rig.plan(rig.request(Verb::create)));
}

TEST_CASE("a cluster must be healthy and must not use the filesystem") {
    auto script = Rig::two_collections();
    script.nodes = {"node1", "node2", "node3"};
    script.modules = {"filesystem", "s3"};
    Rig rig(script);
    CHECK_ERROR(ErrorKind::refused, "cannot back up a cluster",
                rig.plan(rig.request(Verb::create, "b1", {{"backend", "filesystem"}})));
    CHECK(rig.plan(rig.request(Verb::create, "b1", {{"backend", "s3"}})).steps.size() == 1);
    rig.server.change([](auto& one) { one.down = {"node2"}; });
    CHECK_ERROR(ErrorKind::refused, "node node2 is UNAVAILABLE",
                rig.plan(rig.request(Verb::create, "b1", {{"backend", "s3"}})));
}

TEST_CASE("nothing to back up, an id in use and a running backup are seen beforehand") {
    Rig rig;
    auto none = rig.request(Verb::create);
    none.scope.include = {"Z*"};
    CHECK_ERROR(ErrorKind::refused, "nothing to back up", rig.plan(none));
    rig.make_backup("b1");
    CHECK_ERROR(ErrorKind::conflict, "has a backup b1 already (SUCCESS)", rig.plan(rig.request(Verb::create, "b1")));
    const auto plan = rig.plan(rig.request(Verb::create, "b2"));
    rig.driver->run(rig.call, plan.steps[0], nullptr);
    CHECK_ERROR(ErrorKind::busy, "backup b2 is under way", rig.plan(rig.request(Verb::create, "b3")));
    // What a crash left as STARTED blocks nobody.
    rig.server.crash();
    const auto after = rig.plan(rig.request(Verb::create, "b3"));
    CHECK(after.notes.at(0).find("backup b2 is shown as STARTED, but this node does not run it") == 0);
    CHECK(rig.carry_out(after).phase == Phase::succeeded);
}

TEST_CASE("a second backup that slips in between is busy, whatever the status of the answer") {
    Rig rig;
    const auto plan = rig.plan(rig.request(Verb::create, "b1"));
    rig.driver->run(rig.call, rig.plan(rig.request(Verb::create, "other")).steps[0], nullptr);
    CHECK_ERROR(ErrorKind::busy, "other already in progress", rig.driver->run(rig.call, plan.steps[0], nullptr));
    // As asked through another node of a cluster.
    rig.server.fault_once(
        "POST", "/v1/backups/filesystem",
        {.status = 500,
         .body = R"({"error":[{"message":"node \"node3\": cannot commit : backup k2 already in progress"}]})"});
    CHECK_ERROR(ErrorKind::busy, "k2 already in progress", rig.driver->run(rig.call, plan.steps[0], nullptr));
}

TEST_CASE("the words of a refused create decide what it means") {
    Rig rig;
    rig.make_backup("done");
    const auto plan = rig.plan(rig.request(Verb::create));
    struct Row {
        int status;
        const char* words;
        ErrorKind kind;
    };
    const Row rows[] = {
        {422, R"(backup \"b1\" already exists at \"/x/b1\")", ErrorKind::conflict},
        {422, R"(check if backup \"c1\" exists at \"/x/c1\": %!w(<nil>))", ErrorKind::conflict},
        {422, "class Nope doesn't exist", ErrorKind::not_found},
        {422, "no available classes to backup, there's nothing to do here", ErrorKind::refused},
        {422, "local filesystem backend is not viable for backing up a node cluster, try s3 or gcs",
         ErrorKind::refused},
        {422, R"(no backup backend \"s3\": backup: s3 not found, did you enable the right module?)",
         ErrorKind::unsupported},
        {422, "resolve base backup chain: could not fetch base backup: get object path could not find x",
         ErrorKind::not_found},
        {422, "something new", ErrorKind::refused},
        {500, "init uploader: failed to access-check s3 backup module", ErrorKind::failed},
        {500, "dial tcp 127.0.0.1:7103: connect: connection refused", ErrorKind::failed},
        {403, "rbac: authorization, forbidden action", ErrorKind::denied},
    };
    for (const auto& row : rows) {
        INFO(row.words);
        rig.server.fault_once(
            "POST", "/v1/backups/filesystem",
            {.status = row.status, .body = std::string(R"({"error":[{"message":")") + row.words + R"("}]})"});
        CHECK_ERROR(row.kind, "", rig.driver->run(rig.call, plan.steps[0], nullptr));
    }
    rig.server.fault_once(
        "POST", "/v1/backups/filesystem",
        {.status = 422,
         .body = R"({"code":608,"message":"config.CPUPercentage in body should be less than or equal to 80"})"});
    CHECK_ERROR(ErrorKind::refused, "less than or equal to 80", rig.driver->run(rig.call, plan.steps[0], nullptr));
}

TEST_CASE("a 200 is believed only when it says what was asked") {
    Rig rig;
    const auto plan = rig.plan(rig.request(Verb::create));
    const std::pair<const char*, ErrorKind> rows[] = {
        {R"({"backend":"filesystem","classes":["Article","Big"],"id":"b1","path":"/x/b1","status":"FAILED","error":"no space"})",
         ErrorKind::job_failed},
        {R"({"backend":"filesystem","classes":["Article","Big"],"id":"b1","path":"/x/b1","status":"STARTED","error":"no space"})",
         ErrorKind::job_failed},
        {R"({"error":[{"message":"backup k already in progress"}]})", ErrorKind::busy},
        {R"({"error":[{"message":"no space"}]})", ErrorKind::job_failed},
        {R"({"backend":"filesystem","classes":["Article"],"id":"b1","path":"/x/b1","status":"STARTED"})",
         ErrorKind::not_understood},
        {R"({"backend":"filesystem","classes":["Article","Big"],"id":"other","path":"/x/b1","status":"STARTED"})",
         ErrorKind::not_understood},
        {R"({"backend":"filesystem","classes":["Article","Big"],"id":"b1","path":"/x/b1","status":"DREAMING"})",
         ErrorKind::not_understood},
        {R"({"backend":"filesystem","classes":"Article","id":"b1","path":"/x/b1","status":"STARTED"})",
         ErrorKind::not_understood},
        {R"({"backend":"filesystem","id":7})", ErrorKind::not_understood},
        {"{}", ErrorKind::not_understood},
        {"", ErrorKind::not_understood},
        {"<!DOCTYPE html><html><body>It works</body></html>", ErrorKind::not_understood},
    };
    for (const auto& [body, kind] : rows) {
        INFO(body);
        rig.server.fault_once("POST", "/v1/backups/filesystem", {.body = body});
        CHECK_ERROR(kind, "", rig.driver->run(rig.call, plan.steps[0], nullptr));
    }
}

TEST_CASE("a refusal says what to do next where that is plain") {
    Rig rig;
    const auto plan = rig.plan(rig.request(Verb::create));
    const std::pair<const char*, const char*> rows[] = {
        {"backup b1 already exists at /x", "choose another --id"},
        {"put object: other:b1/access-check: The specified bucket does not exist", "create the bucket"},
        {"write /x/b1: no space left on device", "make room"},
        {"backup k already in progress", "wait until it has ended"},
    };
    for (const auto& [words, hint] : rows) {
        // As a refusal, and as a 200 that holds an error.
        for (const int status : {422, 200}) {
            INFO(status, " ", words);
            rig.server.fault_once(
                "POST", "/v1/backups/filesystem",
                {.status = status, .body = std::string(R"({"error":[{"message":")") + words + R"("}]})"});
            const auto error = test::error_of([&] { rig.driver->run(rig.call, plan.steps[0], nullptr); });
            CHECK(error.hint().find(hint) == 0);
        }
    }
}

TEST_CASE("tenants that would be left out stop the create unless they are allowed, and are then named") {
    auto script = Rig::with_tenants();
    script.version = "1.36.9";
    Rig rig(script);
    CHECK_ERROR(ErrorKind::refused, "1 tenants would be left out of the backup: Mt: tc (COLD)",
                rig.plan(rig.request(Verb::create)));
    const auto plan = rig.plan(rig.request(Verb::create, "b1", {{"allow-skipped-tenants", "true"}}));
    CHECK(plan.notes.at(0) == "1 tenants are left out of the backup: Mt: tc (COLD)");
    CHECK(json::parse(plan.details)["skipped_tenants"] == json({"Mt: tc (COLD)"}));
    // From 1.37 on inactive tenants are part of a backup; offloaded ones and words that nobody knows never are.
    rig.server.change([](auto& one) { one.version = "1.37.0"; });
    CHECK(rig.plan(rig.request(Verb::create)).notes.empty());
    for (const auto* status : {"FROZEN", "OFFLOADED", "UNFREEZING", "SLEEPWALKING"}) {
        rig.server.change([&](auto& one) { one.collections["Mt"].tenants["tc"].status = status; });
        CHECK_ERROR(ErrorKind::refused, status, rig.plan(rig.request(Verb::create)));
    }
    // Only those in scope count.
    auto article = rig.request(Verb::create);
    article.scope.include = {"Article"};
    CHECK(rig.plan(article).notes.empty());
}

TEST_CASE("an increment needs a whole base") {
    Rig rig;
    CHECK_ERROR(ErrorKind::not_found, "no backup nope to build on",
                rig.plan(rig.request(Verb::create, "b1", {{"base", "nope"}})));
    CHECK_ERROR(ErrorKind::usage, "its own base", rig.plan(rig.request(Verb::create, "b1", {{"base", "b1"}})));
    rig.server.change([](auto& script) { script.ending = "FAILED"; });
    rig.carry_out(rig.plan(rig.request(Verb::create, "bad")));
    CHECK_ERROR(ErrorKind::refused, "backup bad is FAILED",
                rig.plan(rig.request(Verb::create, "b1", {{"base", "bad"}})));
}

TEST_CASE("with --to the files are fetched where this machine sees them, and else refused beforehand") {
    auto script = Rig::two_collections();
    script.modules = {"filesystem", "s3"};
    Rig rig(script);
    auto asked = rig.request(Verb::create, "b1", {{"backend", "filesystem"}});
    asked.keep = true;
    const auto plan = rig.plan(asked);
    // The server's copy stays: nothing but the server's own reading tells that a folder of chunks is whole.
    REQUIRE(plan.steps.size() == 2);
    CHECK(plan.steps[1].kind == model::StepKind::fetch);
    CHECK(plan.steps[1].of == "create");
    CHECK(plan.steps[1].after == std::vector<std::string>{"create"});
    rig.make_backup("old", {{"backend", "filesystem"}});
    CHECK(rig.plan(asked).steps.size() == 2);
    rig.sees_disk = false;
    CHECK_ERROR(ErrorKind::unsupported, "does not see the backups", rig.plan(asked));
    asked.options["backend"] = "s3";
    CHECK_ERROR(ErrorKind::unsupported, "does not reach the backups that Weaviate keeps in s3", rig.plan(asked));
}

TEST_CASE("a read-only key is told that it sees nothing") {
    auto script = Rig::two_collections();
    script.keys = {{"root-key", "root"}, {"view-key", "viewer"}};
    Rig rig(script, "view-key");
    const auto plan = rig.plan(rig.request(Verb::create));
    CHECK_ERROR(ErrorKind::refused, "no available classes", rig.driver->run(rig.call, plan.steps[0], nullptr));
}
