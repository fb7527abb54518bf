// SPDX-License-Identifier: Apache-2.0
// The main job on a real server: VBACKUP_TEST_WEAVIATE=http://127.0.0.1:8080, VBACKUP_TEST_WEAVIATE_BACKEND where it has
// several backup modules, VBACKUP_TEST_WEAVIATE_KEY where it wants a key. It touches only a collection of its own and leaves
// a small backup behind, since Weaviate deletes none.
#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "net/http.hpp"
#include "rig.hpp"

namespace {

using namespace vbackup;
using model::Phase;
using model::Verb;

std::string environment(const char* name) {
    const auto* value = std::getenv(name);
    return value ? value : "";
}

class Real {
public:
    Real() {
        driver::Settings settings;
        settings.url = environment("VBACKUP_TEST_WEAVIATE");
        settings.key = Secret(environment("VBACKUP_TEST_WEAVIATE_KEY"));
        if (const auto backend = environment("VBACKUP_TEST_WEAVIATE_BACKEND"); !backend.empty())
            options["backend"] = backend;
        net::Connection connection{.base = settings.url};
        if (!settings.key.empty())
            connection.secrets.emplace_back("Authorization", Secret("Bearer " + std::string(settings.key.reveal())));
        http = std::make_unique<net::Http>(connection);
        driver = driver::weaviate_entry().open(std::move(settings));
    }

    net::Response send(const std::string& method, const std::string& path, const std::string& body = {}) {
        net::Request request;
        request.method = method;
        request.path = path;
        request.body = body;
        return http->send(call, request);
    }
    void fill() {
        send("DELETE", "/v1/schema/VbackupContract");
        REQUIRE(
            send(
                "POST", "/v1/schema",
                R"({"class":"VbackupContract","vectorizer":"none","multiTenancyConfig":{"enabled":true},"properties":[{"name":"n","dataType":["int"]}]})")
                .ok());
        REQUIRE(send("POST", "/v1/schema/VbackupContract/tenants", R"([{"name":"ta"},{"name":"tb"}])").ok());
        nlohmann::json objects = nlohmann::json::array();
        for (int i = 0; i < 120; ++i)
            objects.push_back({{"class", "VbackupContract"},
                               {"tenant", i < 70 ? "ta" : "tb"},
                               {"properties", {{"n", i}}},
                               {"vector", {i, 1, 2}}});
        REQUIRE(send("POST", "/v1/batch/objects", nlohmann::json{{"objects", objects}}.dump()).ok());
    }
    model::Seen follow(const model::JobRef& job) {
        for (int look = 0; look < 600; ++look) {
            const auto seen = driver->observe(call, job, Milliseconds{0});
            if (model::is_final(seen.phase)) return seen;
            call.clock.sleep(Milliseconds{200}, {});
        }
        return {};
    }
    model::Plan plan(const model::Request& request) { return driver->plan(call, request, peek); }

    Tally tally;
    Call call{system_clock(), tally};
    driver::Peek peek = [](const model::Location&, const std::string&) { return std::nullopt; };
    model::Options options;
    std::unique_ptr<net::Http> http;
    std::unique_ptr<driver::Driver> driver;
};

}  // namespace

// Counted as skipped where VBACKUP_TEST_WEAVIATE names no server.
TEST_CASE("a real Weaviate is backed up, loses a collection, and gets it back with proof" *
          doctest::skip(environment("VBACKUP_TEST_WEAVIATE").empty())) {
    Real real;
    CHECK(driver::weaviate_entry().recognise(real.call, *real.http));
    real.fill();
    const model::Scope scope{.include = {"VbackupContract"}};
    const auto id = "vbackup-contract-" + compact_time(system_clock().wall());
    const auto before = real.driver->inspect(real.call, scope);
    REQUIRE(before.collections.size() == 1);
    CHECK(before.collections[0].count == 120);

    model::Request create{
        .verb = Verb::create, .id = id, .scope = scope, .options = real.options, .inspection = &before};
    const auto plan = real.plan(create);
    CHECK_FALSE(real.driver->done(real.call, plan.steps.at(0)).has_value());
    const auto job = real.driver->run(real.call, plan.steps.at(0), nullptr).job;
    REQUIRE(job);
    CHECK(real.driver->done(real.call, plan.steps[0]).has_value());
    CHECK_ERROR(ErrorKind::conflict, "already", real.plan(create));
    auto second = create;
    second.id = id + "-2";
    CHECK_ERROR(ErrorKind::busy, id, real.plan(second));
    CHECK(real.follow(*job).phase == Phase::succeeded);
    CHECK(real.plan(second).steps.size() == 1);
    const auto found =
        real.driver->list(real.call, {{"name", id}, {"backend", nlohmann::json::parse(job->details)["backend"]}});
    REQUIRE(found.size() == 1);
    CHECK(found[0].collections == std::vector<std::string>{"VbackupContract"});

    model::Manifest manifest{.id = id,
                             .server_version = before.version,
                             .nodes = before.nodes,
                             .collections = {{before.collections[0], before.collections[0].count}},
                             .jobs = {*job},
                             .driver_data = plan.details};
    model::Request cancel{.verb = Verb::cancel, .id = id, .manifest = &manifest};
    CHECK_ERROR(ErrorKind::refused, "has already succeeded", real.plan(cancel));
    model::Request restore{.verb = Verb::restore, .id = id, .scope = scope, .manifest = &manifest};
    CHECK_ERROR(ErrorKind::conflict, "VbackupContract", real.plan(restore));
    restore.overwrite = true;
    const auto back = real.plan(restore);
    REQUIRE(back.steps.size() == 2);
    real.driver->run(real.call, back.steps[0], nullptr);
    CHECK(real.driver->done(real.call, back.steps[0]).has_value());
    CHECK_FALSE(real.driver->prove(real.call, manifest, restore).good());
    CHECK_FALSE(real.driver->done(real.call, back.steps[1]).has_value());
    const auto restoring = real.driver->run(real.call, back.steps[1], nullptr).job;
    REQUIRE(restoring);
    CHECK(real.driver->done(real.call, back.steps[1]).has_value());
    CHECK(real.follow(*restoring).phase == Phase::succeeded);
    CHECK(real.driver->done(real.call, back.steps[1]).has_value());
    for (const auto& finding : real.driver->prove(real.call, manifest, restore).findings) {
        INFO(finding.what);
        CHECK(finding.good);
    }
    real.send("DELETE", "/v1/schema/VbackupContract");
}
