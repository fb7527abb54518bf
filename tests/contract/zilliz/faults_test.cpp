// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <thread>

#include "rig.hpp"

using namespace vbackup;
using model::Phase;
using model::Verb;
using test::Answer;
using test::context_of;
using test::error_of;
using test::Fault;
using Rig = test::ZillizRig;

namespace {

std::string refusal(int code, const std::string& words) {
    return fmt::format(R"({{"code":{},"message":"{}"}})", code, words);
}

}  // namespace

TEST_CASE("HTTP 200 with a code is a failure: the table of codes, and the words of the rest") {
    Rig rig;
    const auto plan = rig.plan_create();
    struct Row {
        int code;
        const char* words;
        ErrorKind kind;
    };
    const std::vector<Row> rows = {
        {21119, "The API key is illegal.", ErrorKind::denied},
        {80001, "The token is invalid.", ErrorKind::denied},
        {40013, "Duplicate.", ErrorKind::conflict},
        {96005, "The project is invalid.", ErrorKind::refused},
        {96012, "No permission.", ErrorKind::denied},
        {96014, "No permission to the cluster.", ErrorKind::denied},
        {96016, "No permission to the cluster.", ErrorKind::denied},
        {96017, "The cluster name exists.", ErrorKind::conflict},
        {96018, "The cluster is not found.", ErrorKind::not_found},
        {96021, "Not for free clusters.", ErrorKind::unsupported},
        {96022, "Backups cannot be used with a serverless cluster.", ErrorKind::unsupported},
        {96026, "The job does not exist.", ErrorKind::not_found},
        {96027, "No permission.", ErrorKind::denied},
        {96028, "Enterprise only.", ErrorKind::unsupported},
        {96029, "Backup type.", ErrorKind::refused},
        {96034, "Retention.", ErrorKind::refused},
        {96038, "Failed: quota exceeded", ErrorKind::refused},
        {96038, "Failed: some reason", ErrorKind::failed},
        {80022, "You are not granted the permission", ErrorKind::denied},
        {40022, "something odd", ErrorKind::failed},
        {123456, "The name already exists", ErrorKind::conflict},
    };
    for (const auto& row : rows) {
        CAPTURE(row.code);
        rig.server.fault_once("POST", "*/create", {.body = refusal(row.code, row.words)});
        const auto error = error_of([&] { rig.driver->run(rig.call, plan.steps[0], nullptr); });
        CHECK(describe(error.kind()).word == describe(row.kind).word);
        CHECK(error.message().find(row.words) != std::string::npos);
        CHECK(error.message().find(fmt::format("(code {})", row.code)) != std::string::npos);
        CHECK(context_of(error, "requestid").starts_with("req-"));
        const bool is_tier = row.code == 96021 || row.code == 96022;
        CHECK((error.hint().find("Dedicated clusters only") != std::string::npos) == is_tier);
        CHECK((error.hint().find("Enterprise") != std::string::npos) == (row.code == 96028));
    }
}

TEST_CASE("statuses are a failure too, with the code where the body has one, and the id of the request") {
    Rig rig;
    const auto plan = rig.plan_create();
    struct Row {
        int status;
        std::string body;
        ErrorKind kind;
    };
    const std::vector<Row> rows = {
        {401, refusal(21119, "The API key is illegal."), ErrorKind::denied},
        {401, "no", ErrorKind::denied},
        {403, refusal(1, "no"), ErrorKind::denied},
        {404, "404 page not found", ErrorKind::not_found},
        {400, refusal(96029, "The backup type is invalid."), ErrorKind::refused},
        {413, "", ErrorKind::refused},
        {429, refusal(80020, "Too many requests."), ErrorKind::busy},
        {408, "", ErrorKind::unreachable},  // whether it was taken is open
        {500, refusal(1, "no"), ErrorKind::unreachable},
        {500, refusal(96012, "No permission."), ErrorKind::denied},
        {502, "<html></html>", ErrorKind::unreachable},
        {503, "", ErrorKind::unreachable},
        {504, "", ErrorKind::unreachable},
        {302, "", ErrorKind::not_understood},
        {200, "<html></html>", ErrorKind::not_understood},
        {200, "[1]", ErrorKind::not_understood},
        {200, R"({"code":"0"})", ErrorKind::not_understood},
        {200, R"({"code":0,"da)", ErrorKind::not_understood},
    };
    for (const auto& row : rows) {
        CAPTURE(row.status);
        CAPTURE(row.body);
        rig.server.fault_once("POST", "*/create", {.status = row.status, .body = row.body});
        const auto error = error_of([&] { rig.driver->run(rig.call, plan.steps[0], nullptr); });
        CHECK(describe(error.kind()).word == describe(row.kind).word);
        CHECK(context_of(error, "requestid").starts_with("req-"));
    }
    // Nothing was sent twice by the driver or by the wire.
    CHECK(rig.server.count("POST", "*/create") == rows.size());
}

TEST_CASE("a look that fails says why and is not repeated by the wire") {
    Rig rig;
    const auto outcome = rig.driver->run(rig.call, rig.plan_create().steps[0], nullptr);
    const auto look = [&] { return rig.driver->observe(rig.call, *outcome.job, Milliseconds{0}); };
    const std::vector<std::pair<Answer, ErrorKind>> rows = {
        {{.status = 401, .body = refusal(21119, "illegal")}, ErrorKind::denied},
        {{.status = 429}, ErrorKind::busy},
        {{.status = 500, .body = refusal(1, "no")}, ErrorKind::busy},
        {{.status = 507}, ErrorKind::busy},
        {{.status = 404, .body = "404 page not found"}, ErrorKind::not_understood},
        {{.body = refusal(1, "something went wrong")}, ErrorKind::busy},
        {{.status = 503}, ErrorKind::busy},
        {{.body = refusal(96013, "no")}, ErrorKind::denied},
        {{.body = R"({"code":0,"data":{"jobId":"job-1","status":"SUCCESSFUL"}})"}, ErrorKind::not_understood},
        {{.body = R"({"code":0,"data":{"status":7}})"}, ErrorKind::not_understood},
        {{.body = R"({"code":0,"data":{}})"}, ErrorKind::not_understood},
        {{.fault = Fault::close}, ErrorKind::unreachable},
        {{.fault = Fault::reset}, ErrorKind::unreachable},
        {{.body = R"({"code":0,"data":{"status":"SUCCESSFUL"}})", .fault = Fault::cut, .fault_at = 20},
         ErrorKind::unreachable},
        {{.body = "what", .fault = Fault::garbage}, ErrorKind::not_understood},
    };
    int row = 0;
    for (const auto& [answer, kind] : rows) {
        CAPTURE(++row);
        rig.open(std::string("zilliz://") + Rig::cluster);  // on a connection of its own
        const auto before = rig.server.count("GET", "/v2/jobs/*");
        rig.server.fault_once("GET", "/v2/jobs/*", answer);
        CHECK(describe(error_of(look).kind()).word == describe(kind).word);
        CHECK(rig.server.count("GET", "/v2/jobs/*") == before + 1);
    }
    CHECK(rig.follow(*outcome.job).phase == Phase::succeeded);
}

TEST_CASE("a look that hangs ends with the call") {
    Rig rig;
    const auto outcome = rig.driver->run(rig.call, rig.plan_create().steps[0], nullptr);
    rig.server.fault_once("GET", "/v2/jobs/*", {.fault = Fault::stall});
    std::stop_source stop;
    rig.call.stop = stop.get_token();
    const auto before = rig.server.http().requests().size();
    {
        const std::jthread person([&] {
            try {
                rig.server.http().wait_for_requests(before + 1);
            } catch (const std::runtime_error&) {
                // It never came, which is found below.
            }
            stop.request_stop();
        });
        CHECK_ERROR(ErrorKind::interrupted, "", rig.driver->observe(rig.call, *outcome.job, Milliseconds{0}));
    }
    CHECK(rig.server.count("GET", "/v2/jobs/*") == 1);
    rig.server.http().release();
}

TEST_CASE("a service to which there is no connection is unreachable, for a look and for a request") {
    Rig rig;
    const auto plan = rig.plan_create();
    const auto outcome = rig.driver->run(rig.call, plan.steps[0], nullptr);
    driver::Settings settings;
    settings.url = std::string("zilliz://") + Rig::cluster;
    settings.key = Secret("key-1");
    {
        // A port at which nobody listens any more.
        const test::HttpServer gone;
        settings.base_url = gone.base();
    }
    const auto driver = driver::zilliz_entry().open(std::move(settings));
    CHECK_ERROR(ErrorKind::unreachable, "refused", driver->observe(rig.call, *outcome.job, Milliseconds{0}));
    CHECK_ERROR(ErrorKind::unreachable, "refused", driver->run(rig.call, plan.steps[0], nullptr));
    CHECK_ERROR(ErrorKind::unreachable, "refused", driver->inspect(rig.call, {}));
}

TEST_CASE("reading is repeated through 429 with Retry-After and through 5xx") {
    Rig rig;
    rig.server.fault_once("GET", "/v2/clusters/*", {.status = 429, .headers = {{"Retry-After", "7"}}});
    rig.server.fault_once("GET", "/v2/clusters/*", {.status = 503});
    rig.server.fault_once("GET", "/v2/clusters/*", {.fault = Fault::close});
    CHECK(rig.driver->inspect(rig.call, {}).ready);
    CHECK(rig.server.count("GET", "/v2/clusters/*") == 4);
    CHECK(rig.clock.elapsed() >= std::chrono::seconds(7));
}

TEST_CASE("less than twenty requests a second go out") {
    Rig rig;
    const auto before = rig.clock.elapsed();
    constexpr int requests = 80;
    for (int i = 0; i < requests; ++i) rig.driver->inspect(rig.call, {});
    CHECK(rig.server.http().requests().size() == requests);
    const auto took = rig.clock.elapsed() - before;
    CHECK(took >= std::chrono::seconds(9));
    CHECK(took <= std::chrono::seconds(11));
}

TEST_CASE("no key is refused before any request, a wrong one by the service, and neither is shown") {
    Rig rig;
    CHECK_ERROR(ErrorKind::denied, "wants an API key", rig.open(std::string("zilliz://") + Rig::cluster, ""));
    rig.open(std::string("zilliz://") + Rig::cluster, "s3cret-key");
    const auto error = error_of([&] { rig.driver->inspect(rig.call, {}); });
    CHECK(error.kind() == ErrorKind::denied);
    CHECK(error.message().find("The API key is illegal. (code 21119)") != std::string::npos);
    CHECK(error.hint().find("project admin") != std::string::npos);
    CHECK(error.message().find("s3cret") == std::string::npos);
}

TEST_CASE("what was noted by somebody else is corrupt") {
    Rig rig;
    for (const auto* details : {"", "7", "{}", R"({"watch":"moon"})"})
        CHECK_ERROR(ErrorKind::corrupt, "cannot be read",
                    rig.driver->observe(rig.call, {.name = "b", .details = details}, Milliseconds{0}));
    CHECK_ERROR(ErrorKind::corrupt, "cannot be read",
                rig.driver->run(rig.call, {.id = "create", .details = "{}"}, nullptr));
}
