// SPDX-License-Identifier: Apache-2.0
// zilliz_server LOOKS: the scripted control plane of Zilliz Cloud as a program on the loopback interface, for
// tests/e2e/zilliz.sh. A job ends at the look at it whose number is LOOKS. Prints NAME=VALUE lines and an empty line; GET
// /state shows what it holds; ends with its standard input.
#include <cstdio>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "support/scripted_zilliz.hpp"

using nlohmann::json;
using vbackup::test::Answer;
using vbackup::test::HttpRequest;
using vbackup::test::ScriptedZilliz;

namespace {

constexpr const char* cluster = "in01-5b1c77aa90de321";

json state_of(const ScriptedZilliz& server) {
    json state{{"backups", json::array()}, {"clusters", json::object()}, {"policy", server.policy(cluster)}};
    for (const auto& backup : server.backups())
        state["backups"].push_back({{"id", backup.id}, {"method", backup.method}, {"status", backup.status}});
    for (const auto& [id, one] : server.script().clusters)
        state["clusters"][id] = {{"name", one.name}, {"status", one.status}, {"collections", one.collections}};
    state["creates"] = server.count("POST", "*/backups/create");
    return state;
}

}  // namespace

int main(int count, char** words) {
    ScriptedZilliz::Script script;
    script.key = "key-of-the-scenario";
    script.now = std::chrono::system_clock::now();
    script.looks = count > 1 ? std::atoi(words[1]) : 3;
    script.most_per_second = 20;
    script.clusters[cluster].collections = {{"default", {{"articles", "LOADED"}, {"images", "UNLOADED"}}},
                                            {"shop", {{"goods", "LOADED"}}}};
    ScriptedZilliz server(script);
    server.add_backup(
        {.name = "Dedicated-01_auto", .cluster = cluster, .method = "AUTO", .expires = "2099-01-01T00:00:00Z"});
    server.http().on("GET", "/state", [&](const HttpRequest&) { return Answer{.body = state_of(server).dump()}; });
    fmt::print("URL={}\nCLUSTER={}\nKEY={}\n\n", server.base(), cluster, script.key);
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
}
