// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "net/http.hpp"
#include "rig.hpp"

namespace {

using namespace vbackup;
using test::Rig;

}  // namespace

TEST_CASE("inspect tells version, nodes, collections with exact counts, aliases") {
    auto script = Rig::two_collections();
    script.aliases = {{"Art", "Article"}};
    Rig rig(script);
    const auto now = rig.driver->inspect(rig.call, {});
    CHECK(now.product == "Weaviate");
    CHECK(now.version == "1.39.0");
    CHECK(now.ready);
    REQUIRE(now.nodes.size() == 1);
    CHECK(now.nodes[0].name == "node1");
    CHECK(now.nodes[0].healthy);
    REQUIRE(now.collections.size() == 2);
    CHECK(now.collections[0].name == "Article");
    CHECK(now.collections[0].count == 1000);
    CHECK(now.collections[0].aliases == std::vector<std::string>{"Art"});
    CHECK(now.collections[0].config.find("\"dataType\"") != std::string::npos);
    CHECK(now.collections[1].count == 8000);
    CHECK(now.obstacles.empty());
    CHECK(now.warnings.empty());
    CHECK(now.details.find("filesystem") != std::string::npos);
}

TEST_CASE("inspect takes patterns, refuses unknown names and both directions at once") {
    Rig rig;
    CHECK(rig.driver->inspect(rig.call, {.include = {"A*"}}).collections.size() == 1);
    CHECK(rig.driver->inspect(rig.call, {.exclude = {"A*"}}).collections.size() == 1);
    CHECK_ERROR(ErrorKind::not_found, "no collection Nope", rig.driver->inspect(rig.call, {.include = {"Nope"}}));
    rig.server.change([](auto& script) { script.aliases = {{"Art", "Article"}}; });
    CHECK(test::error_of([&] { rig.driver->inspect(rig.call, {.include = {"Art"}}); }).hint() ==
          "it is an alias of Article");
    const auto before = rig.server.http().requests().size();
    CHECK_ERROR(ErrorKind::usage, "not both",
                rig.driver->inspect(rig.call, {.include = {"Big"}, .exclude = {"Article"}}));
    CHECK(rig.server.http().requests().size() == before);
}

TEST_CASE("active tenants are counted one by one in few queries, others are not touched") {
    Rig rig(Rig::with_tenants());
    rig.server.change([](auto& script) {
        for (int i = 0; i < 250; ++i) script.collections["Mt"].tenants[fmt::format("x{}", i)] = {"HOT", 2};
    });
    const auto now = rig.driver->inspect(rig.call, {.include = {"Mt"}});
    REQUIRE(now.collections.size() == 1);
    CHECK_FALSE(now.collections[0].count.has_value());
    const auto tenants = nlohmann::json::parse(now.collections[0].details)["tenants"];
    CHECK(tenants["ta"]["count"] == 70);
    CHECK(tenants["tc"]["status"] == "COLD");
    CHECK_FALSE(tenants["tc"].contains("count"));
    REQUIRE(now.warnings.size() == 1);
    CHECK(now.warnings[0] == "1 of the 253 tenants of Mt are not active and were not counted");
    CHECK(rig.server.count("POST", "/v1/graphql") == 3);
    for (const auto& request : rig.server.http().requests())
        CHECK(request.body.find("\\\"tc\\\"") == std::string::npos);
    // With every tenant awake the sum is the collection's.
    rig.server.change([](auto& script) { script.collections["Mt"].tenants.erase("tc"); });
    CHECK(rig.driver->inspect(rig.call, {.include = {"Mt"}}).collections[0].count == 70 + 30 + 250 * 2);
}

TEST_CASE("a count that fails is no 0") {
    Rig rig(Rig::with_tenants());
    rig.server.change([](auto& script) { script.count_fails = true; });
    const auto now = rig.driver->inspect(rig.call, {});
    REQUIRE(now.collections.size() == 3);
    for (const auto& one : now.collections) CHECK_FALSE(one.count.has_value());
    CHECK(now.warnings.size() == 4);
    CHECK(now.warnings[0].find("collection Article could not be counted: shard is read-only") == 0);
    // Nor is a number of another type, or a refusal.
    for (const auto& answer : {test::Answer{.body = R"({"data":{"Aggregate":{"c0":[{"meta":{"count":"1000"}}]}}})"},
                               test::Answer{.body = R"({"data":{"Aggregate":{"c0":[{"meta":{"count":-1}}]}}})"},
                               test::Answer{.body = R"({"data":null})"},
                               test::Answer{.status = 403, .body = R"({"error":[{"message":"forbidden"}]})"}}) {
        rig.server.fault_once("POST", "/v1/graphql", answer);
        const auto again = rig.driver->inspect(rig.call, {.include = {"Article"}});
        CHECK_FALSE(again.collections.at(0).count.has_value());
        CHECK(again.warnings.size() == 1);
    }
}

TEST_CASE("inspect names what would stop a create") {
    auto script = Rig::two_collections();
    script.nodes = {"node1", "node2", "node3"};
    script.down = {"node2"};
    Rig rig(script);
    auto now = rig.driver->inspect(rig.call, {});
    REQUIRE(now.obstacles.size() == 2);
    CHECK(now.obstacles[0] == "node node2 is UNAVAILABLE");
    CHECK(now.obstacles[1].find("only the filesystem module is on") == 0);
    rig.server.change([](auto& one) {
        one.down = {};
        one.modules = {};
        one.mode = "WriteOnly";
        one.nodes = {"node1"};
    });
    now = rig.driver->inspect(rig.call, {});
    REQUIRE(now.obstacles.size() == 2);
    CHECK(now.obstacles[0].find("WriteOnly") != std::string::npos);
    CHECK(now.obstacles[1].find("no backup module") != std::string::npos);
    rig.server.change([](auto& one) { one.mode = "ReadOnly"; });
    CHECK(rig.driver->inspect(rig.call, {}).warnings.at(0) == "node node1 is in the mode ReadOnly");
}

TEST_CASE("an older server is not asked for aliases") {
    auto script = Rig::two_collections();
    script.version = "1.31.5";
    Rig rig(script);
    CHECK(rig.driver->inspect(rig.call, {}).version == "1.31.5");
    CHECK(rig.server.count("GET", "/v1/aliases") == 0);
}

TEST_CASE("the key goes as a bearer token; without it and with a wrong one access is denied") {
    auto script = Rig::two_collections();
    script.keys = {{"root-key", "root"}, {"view-key", "viewer"}};
    Rig rig(script, "root-key");
    CHECK(rig.driver->inspect(rig.call, {}).collections.size() == 2);
    rig.open(rig.server.base());
    CHECK_ERROR(ErrorKind::denied, "anonymous access not enabled", rig.driver->inspect(rig.call, {}));
    rig.open(rig.server.base(), "wrong");
    const auto error = test::error_of([&] { rig.driver->inspect(rig.call, {}); });
    CHECK(error.kind() == ErrorKind::denied);
    CHECK(error.message().find("wrong") == std::string::npos);
}

TEST_CASE("Weaviate is told from other servers, with and without a key") {
    Rig rig;
    const auto recognise = driver::weaviate_entry().recognise;
    const auto is_it = [&] { return recognise(rig.call, net::Http({.base = rig.server.base()})); };
    CHECK(is_it());
    rig.server.change([](auto& script) { script.keys = {{"k", "root"}}; });
    CHECK(is_it());
    for (const auto& answer :
         {test::Answer{.body = R"({"title":"qdrant - vector search engine","version":"1.19.0"})"},
          test::Answer{.body = "<html></html>"}, test::Answer{.status = 401, .body = "Must provide an API key"},
          test::Answer{.body = R"({"version":7,"hostname":"h"})"}, test::Answer{.body = "[]"},
          test::Answer{.status = 404}, test::Answer{.status = 401, .body = R"({"code":401})"}}) {
        rig.server.fault_once("GET", "/v1/meta", answer);
        CHECK_FALSE(is_it());
    }
}

TEST_CASE("answers that make no sense are not understood") {
    Rig rig;
    const std::pair<const char*, const char*> cases[] = {{"/v1/meta", "<html><body>Welcome</body></html>"},
                                                         {"/v1/meta", R"({"version":{}})"},
                                                         {"/v1/meta", R"({"version":"latest"})"},
                                                         {"/v1/nodes", R"({"nodes":[]})"},
                                                         {"/v1/nodes", R"({"nodes":[{"name":1}]})"},
                                                         {"/v1/nodes", "{}"},
                                                         {"/v1/schema", R"({"classes":"none"})"},
                                                         {"/v1/schema", R"({"classes":[7]})"},
                                                         {"/v1/schema", "[]"},
                                                         {"/v1/aliases", R"({"aliases":{}})"},
                                                         {"/v1/schema", R"({"classes":)"}};
    for (const auto& [path, body] : cases) {
        INFO(path, " ", body);
        rig.server.fault_once("GET", path, {.body = body});
        CHECK_ERROR(ErrorKind::not_understood, "", rig.driver->inspect(rig.call, {}));
    }
}
