// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include <stop_token>

#include "rig.hpp"

namespace {

using namespace vbackup;
using model::Phase;
using model::Verb;
using nlohmann::json;
using test::Fault;
using test::Rig;

model::JobRef begin(Rig& rig, const std::string& id) {
    return *rig.driver->run(rig.call, rig.plan(rig.request(Verb::create, id)).steps[0], nullptr).job;
}

}  // namespace

TEST_CASE("every status word has its phase, and one that nobody knows is unknown") {
    Rig rig;
    const auto job = begin(rig, "b1");
    const std::pair<const char*, Phase> words[] = {
        {"STARTED", Phase::queued},      {"TRANSFERRING", Phase::running},  {"TRANSFERRED", Phase::running},
        {"FINALIZING", Phase::running},  {"CANCELLING", Phase::cancelling}, {"CANCELED", Phase::cancelled},
        {"CANCELLED", Phase::cancelled}, {"FAILED", Phase::failed},         {"SUCCESS", Phase::succeeded},
        {"PONDERING", Phase::unknown},   {"success", Phase::unknown}};
    for (const auto& [word, phase] : words) {
        INFO(word);
        rig.server.fault_once("GET", "/v1/backups/filesystem/b1",
                              {.body = json{{"id", "b1"}, {"status", word}, {"error", "because"}}.dump()});
        const auto seen = rig.driver->observe(rig.call, job, Milliseconds{0});
        CHECK(seen.phase == phase);
        CHECK(seen.said == word);
        CHECK(seen.why == "because");
    }
}

TEST_CASE("success without an end is not believed") {
    Rig rig;
    const auto job = begin(rig, "b1");
    rig.server.fault_once("GET", "/v1/backups/filesystem/b1",
                          {.body = R"({"id":"b1","status":"SUCCESS","completedAt":"0001-01-01T00:00:00.000Z"})"});
    const auto seen = rig.driver->observe(rig.call, job, Milliseconds{0});
    CHECK(seen.phase == Phase::unknown);
    CHECK(seen.said == "SUCCESS without a time of completion");
    // Servers before 1.31.15 give no times at all.
    rig.server.fault_once("GET", "/v1/backups/filesystem/b1", {.body = R"({"id":"b1","status":"SUCCESS"})"});
    CHECK(rig.driver->observe(rig.call, job, Milliseconds{0}).phase == Phase::succeeded);
}

TEST_CASE("a look that is answered oddly is no end of the job") {
    Rig rig;
    const auto job = begin(rig, "b1");
    const auto look = [&] { rig.driver->observe(rig.call, job, Milliseconds{0}); };
    const std::pair<test::Answer, ErrorKind> rows[] = {
        {{.status = 500, .body = R"({"error":[{"message":"leader not found"}]})"}, ErrorKind::busy},
        {{.status = 503, .body = "starting"}, ErrorKind::busy},
        {{.status = 429}, ErrorKind::busy},
        {{.status = 502, .body = "<html>bad gateway</html>"}, ErrorKind::unreachable},
        {{.status = 401, .body = R"({"code":401,"message":"unauthorized: invalid api key"})"}, ErrorKind::denied},
        {{.status = 403, .body = R"({"error":[{"message":"rbac: forbidden"}]})"}, ErrorKind::denied},
        {{.status = 404, .body = "<html>nothing here</html>"}, ErrorKind::not_found},
        {{.body = "<html>login</html>"}, ErrorKind::not_understood},
        {{.body = R"({"id":"b1","status":["SUCCESS"]})"}, ErrorKind::not_understood},
        {{.body = R"({"id":"b1"})"}, ErrorKind::not_understood},
        {{.body = R"({"id":"b2","status":"SUCCESS"})"}, ErrorKind::not_understood},
        {{.body = R"({"error":[{"message":"no"}]})"}, ErrorKind::not_understood},
        {{.fault = Fault::close}, ErrorKind::unreachable},
        {{.fault = Fault::reset}, ErrorKind::unreachable},
        {{.body = R"({"id":"b1","status":"SUCCESS","error":""})", .fault = Fault::cut, .fault_at = 20},
         ErrorKind::unreachable},
        {{.body = "what", .fault = Fault::garbage}, ErrorKind::not_understood},
    };
    int row = 0;
    for (const auto& [answer, kind] : rows) {
        ++row;
        INFO("row ", row);
        // On a connection of its own: curl takes the end of one that was idle for no answer and asks again.
        rig.open(rig.server.base());
        rig.server.fault_once("GET", "/v1/backups/filesystem/b1", answer);
        const auto before = rig.server.count("GET", "/v1/backups/filesystem/b1");
        const auto error = test::error_of(look);
        if (kind == ErrorKind::not_found) {
            // A page with 404 is a proxy's; either of the two words says that the job was not seen.
            CHECK((error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::not_understood));
        } else {
            CHECK(describe(error.kind()).word == describe(kind).word);
        }
        CHECK(rig.server.count("GET", "/v1/backups/filesystem/b1") == before + 1);
    }
    CHECK(rig.follow(job).phase == Phase::succeeded);
}

TEST_CASE("a look that hangs ends with the call") {
    Rig rig;
    const auto job = begin(rig, "b1");
    rig.server.fault_once("GET", "/v1/backups/filesystem/b1", {.fault = Fault::stall});
    std::stop_source stop;
    stop.request_stop();
    rig.call.stop = stop.get_token();
    CHECK_ERROR(ErrorKind::interrupted, "", rig.driver->observe(rig.call, job, Milliseconds{0}));
    rig.server.http().release();
}

TEST_CASE("a job that is gone, or another backup under its name, is gone") {
    Rig rig;
    auto job = begin(rig, "b1");
    rig.server.finish();
    auto details = json::parse(job.details);
    details["started"] = details["started"].get<std::int64_t>() - 60'000;
    CHECK(rig.driver->observe(rig.call, {.name = "b1", .details = details.dump()}, Milliseconds{0}).phase ==
          Phase::gone);
    rig.server.forget("b1");
    const auto seen = rig.driver->observe(rig.call, job, Milliseconds{0});
    CHECK(seen.phase == Phase::gone);
    CHECK_ERROR(ErrorKind::corrupt, "cannot be read",
                rig.driver->observe(rig.call, {.name = "b1", .details = "7"}, Milliseconds{0}));
}

TEST_CASE("a create whose answer was lost is found again, one that never arrived is not") {
    Rig rig;
    const auto plan = rig.plan(rig.request(Verb::create));
    const auto& step = plan.steps[0];
    rig.server.fault_once("POST", "/v1/backups/filesystem", {.fault = Fault::close});
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, step, nullptr));
    CHECK_FALSE(rig.driver->done(rig.call, step).has_value());
    rig.server.fault_once("POST", "/v1/backups/filesystem", {.fault = Fault::reset}, true);
    CHECK_ERROR(ErrorKind::unreachable, "", rig.driver->run(rig.call, step, nullptr));
    const auto taken = rig.driver->done(rig.call, step);
    REQUIRE(taken);
    REQUIRE(taken->job);
    CHECK(json::parse(taken->job->details)["location"] == "file:///var/lib/weaviate/backups/b1");
    CHECK(rig.follow(*taken->job).phase == Phase::succeeded);
    // Nothing was sent twice by the driver itself.
    CHECK(rig.server.count("POST", "/v1/backups/filesystem") == 2);
}

TEST_CASE("a failed backup says why") {
    auto script = Rig::two_collections();
    script.ending = "FAILED";
    script.ending_why = "node \"node1\": no space left on device";
    Rig rig(script);
    const auto seen = rig.carry_out(rig.plan(rig.request(Verb::create)));
    CHECK(seen.phase == Phase::failed);
    CHECK(seen.why == "node \"node1\": no space left on device");
}

TEST_CASE("the list shows every backup in its order, with enough to ask for it again") {
    Rig rig;
    rig.make_backup("b1");
    rig.make_backup("b2");
    const auto b3 = begin(rig, "b3");
    auto all = rig.driver->list(rig.call, {});
    REQUIRE(all.size() == 3);
    CHECK(all[0].name == "b3");
    CHECK(all[0].phase == Phase::queued);
    CHECK_FALSE(all[0].completed);
    CHECK_FALSE(all[0].managed);
    CHECK(all[0].id.empty());
    CHECK(all[0].driver == "weaviate");
    CHECK(all[2].name == "b1");
    CHECK(all[2].said == "SUCCESS");
    CHECK(all[2].size == 2047043);
    CHECK(all[2].completed.has_value());
    CHECK(all[2].collections == std::vector<std::string>{"Article", "Big"});
    CHECK(all[2].where == "file:///var/lib/weaviate/backups/b1");
    CHECK(rig.follow(all[0].job).phase == Phase::succeeded);
    CHECK(rig.driver->list(rig.call, {{"order", "asc"}}).at(0).name == "b1");
    CHECK(rig.driver->list(rig.call, {{"name", "b2"}}).size() == 1);
    CHECK(rig.driver->list(rig.call, {{"name", "nope"}}).empty());
}

TEST_CASE("a backup at its own path is not in the list and is found by its name") {
    Rig rig;
    rig.make_backup("p1", {{"path", "/mnt/elsewhere"}});
    CHECK(rig.driver->list(rig.call, {}).empty());
    const auto found = rig.driver->list(rig.call, {{"name", "p1"}, {"path", "/mnt/elsewhere"}});
    REQUIRE(found.size() == 1);
    CHECK(found[0].where == "file:///mnt/elsewhere/p1");
    CHECK(rig.driver->observe(rig.call, found[0].job, Milliseconds{0}).phase == Phase::succeeded);
    CHECK(rig.driver->list(rig.call, {{"path", "/mnt/elsewhere"}}).empty());
    CHECK(rig.tally.warnings().at(0).find("found by its name") != std::string::npos);
}

TEST_CASE("all modules are listed, or the one that was asked for") {
    auto script = Rig::two_collections();
    script.modules = {"filesystem", "s3"};
    Rig rig(script);
    rig.make_backup("f1", {{"backend", "filesystem"}});
    rig.make_backup("s1", {{"backend", "s3"}});
    CHECK(rig.driver->list(rig.call, {}).size() == 2);
    const auto only = rig.driver->list(rig.call, {{"backend", "s3"}});
    REQUIRE(only.size() == 1);
    CHECK(only[0].where == "s3://weaviate/s1");
    CHECK_ERROR(ErrorKind::refused, "gcs is not on", rig.driver->list(rig.call, {{"backend", "gcs"}}));
}

TEST_CASE("servers before lists say so, and still find a backup by its name") {
    auto script = Rig::two_collections();
    script.version = "1.25.3";
    Rig rig(script);
    rig.make_backup("b1");
    CHECK(rig.driver->list(rig.call, {}).empty());
    CHECK(rig.tally.warnings().at(0) ==
          "Weaviate 1.25.3 cannot list backups (from 1.24.25, 1.25.17, 1.26.5, 1.27.0 on); one is found by its name");
    CHECK(rig.driver->list(rig.call, {{"name", "b1"}}).size() == 1);
    CHECK(rig.server.count("GET", "/v1/backups/filesystem") == 0);
    CHECK_ERROR(ErrorKind::unsupported, "order needs Weaviate 1.32.14, 1.33.2",
                rig.driver->list(rig.call, {{"order", "asc"}}));
}

TEST_CASE("lists that make no sense are not understood, and a base is shown to root") {
    Rig rig;
    for (const auto* body :
         {"{}", "[7]", R"([{"id":"b"}])", R"([{"id":"b","status":"SUCCESS","classes":"A"}])", "<html></html>", "[{"}) {
        INFO(body);
        rig.server.fault_once("GET", "/v1/backups/filesystem", {.body = body});
        CHECK_ERROR(ErrorKind::not_understood, "", rig.driver->list(rig.call, {}));
    }
}

TEST_CASE("a running backup is cancelled and read as cancelled") {
    auto script = Rig::two_collections();
    script.looks = 10;
    Rig rig(script);
    const auto job = begin(rig, "b1");
    const auto found = rig.driver->list(rig.call, {{"name", "b1"}}).at(0);
    auto asked = rig.request(Verb::cancel);
    asked.found = &found;
    const auto plan = rig.plan(asked);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.notes.empty());
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    const auto outcome = rig.driver->run(rig.call, plan.steps[0], nullptr);
    REQUIRE(outcome.job);
    CHECK(rig.driver->observe(rig.call, *outcome.job, Milliseconds{0}).said == "STARTED");
    const auto seen = rig.follow(*outcome.job);
    CHECK(seen.phase == Phase::cancelled);
    CHECK(seen.why == "context canceled");
    CHECK(rig.driver->done(rig.call, plan.steps[0]).has_value());
    CHECK(rig.follow(job).phase == Phase::cancelled);
    // Its id is spent.
    CHECK_ERROR(ErrorKind::conflict, "already (CANCELED)", rig.plan(rig.request(Verb::create, "b1")));
    CHECK_ERROR(ErrorKind::refused, "has already ended: CANCELED", rig.plan(asked));
}

TEST_CASE("a cancel that the server would nod at is refused where it makes no sense") {
    Rig rig;
    const auto manifest = rig.make_backup("b1");
    auto asked = rig.request(Verb::cancel);
    asked.manifest = &manifest;
    CHECK_ERROR(ErrorKind::refused, "backup b1 has already succeeded", rig.plan(asked));
    rig.server.forget("b1");
    CHECK_ERROR(ErrorKind::not_found, "no backup b1", rig.plan(asked));
    CHECK(rig.server.count("DELETE", "*") == 0);
    rig.server.change([](auto& script) { script.version = "1.26.4"; });
    CHECK_ERROR(ErrorKind::unsupported, "cancel needs Weaviate 1.24.25, 1.25.17, 1.26.5, 1.27.0, this is 1.26.4",
                rig.plan(asked));
}

TEST_CASE("a backup that a crash left behind is said to be beyond a cancel") {
    Rig rig;
    begin(rig, "b1");
    rig.server.crash();
    const auto found = rig.driver->list(rig.call, {{"name", "b1"}}).at(0);
    auto asked = rig.request(Verb::cancel);
    asked.found = &found;
    const auto plan = rig.plan(asked);
    CHECK(plan.notes.at(0).find("a cancel changes nothing") != std::string::npos);
    CHECK(rig.follow(*rig.driver->run(rig.call, plan.steps[0], nullptr).job).phase == Phase::queued);
}

TEST_CASE("what Go prints for no error is no part of a reason") {
    Rig rig;
    const auto job = begin(rig, "b1");
    rig.server.fault_once("GET", "/v1/backups/filesystem/b1",
                          {.body = R"~({"id":"b1","status":"CANCELED","error":"context canceled: %!w(<nil>)"})~"});
    CHECK(rig.driver->observe(rig.call, job, Milliseconds{0}).why == "context canceled");
    rig.server.fault_once("GET", "/v1/backups/filesystem/b1",
                          {.body = R"~({"id":"b1","status":"CANCELED","error":"%!w(<nil>)"})~"});
    CHECK(rig.driver->observe(rig.call, job, Milliseconds{0}).why.empty());
    rig.server.finish();
    for (const auto* body : {R"~({"error":[{"message":"check if backup \"b1\" exists at \"/x\": %!w(<nil>)"}]})~",
                             R"~({"code":422,"message":"check if backup \"b1\" exists at \"/x\": %!w(<nil>)"})~"}) {
        rig.server.fault_once("POST", "/v1/backups/filesystem", {.status = 422, .body = body});
        const auto plan = rig.plan(rig.request(Verb::create, "b2"));
        const auto error = test::error_of([&] { rig.driver->run(rig.call, plan.steps[0], nullptr); });
        CHECK(error.message().ends_with("check if backup \"b1\" exists at \"/x\""));
    }
}

TEST_CASE("the two error shapes both give the server's words") {
    Rig rig;
    const auto job = begin(rig, "b1");
    for (const auto* body : {R"({"error":[{"message":"rbac: no"}]})", R"({"code":403,"message":"rbac: no"})"}) {
        rig.server.fault_once("GET", "/v1/backups/filesystem/b1", {.status = 403, .body = body});
        CHECK_ERROR(ErrorKind::denied, "rbac: no", rig.driver->observe(rig.call, job, Milliseconds{0}));
    }
}
