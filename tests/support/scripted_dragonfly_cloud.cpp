// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_dragonfly_cloud.hpp"

#include <nlohmann/json.hpp>

namespace vbackup::test {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* first_config = R"({"name":"embeddings","network_id":"",
 "location":{"provider":"aws","region":"us-east-1","availability_zones":["use1-az1"]},
 "tier":{"max_memory_bytes":6442450944,"performance_tier":"standard","replicas":1,"newer_than_us":{"a":[1,2.5,null]}},
 "cluster":{"enabled":false},
 "dragonfly":{"cache_mode":false,"tls":false,"bullmq":false,"sidekiq":false,"memcached":false,"acl_rules":[]},
 "backup_policy":{"enabled":true,"retention":7,"every_hour":false,"every_day":true,"hours":[3],"window_minutes":45},
 "restore":{"backup_id":"","loaded":false},
 "maintenance_window":{"weekday":0,"hour":4,"duration_hours":2},
 "disable_passkey":false,"byoc":{},"nobody_knows_this":18446744073709551615})";

}  // namespace

ScriptedDragonflyCloud::ScriptedDragonflyCloud(ScriptedDragonfly& data) : data_(data) {
    state_.config = Json::parse(first_config).dump();
    const auto path = std::string("/v1/datastores/") + id;
    const auto let_in = [](const HttpRequest& request) {
        return request.header("authorization") == std::string("Bearer ") + key;
    };
    const Answer stranger{.status = 401, .body = R"({"error":"unauthorized"})"};
    http_.on("GET", path,
             Responder([=, this](const HttpRequest& request) { return let_in(request) ? get() : stranger; }));
    http_.on("PUT", path, Responder([=, this](const HttpRequest& request) {
                 return let_in(request) ? put(request.body) : stranger;
             }));
}

std::string ScriptedDragonflyCloud::shown() {
    const auto password = data_.with([](auto& state) { return state.password; });
    return Json{{"datastore_id", id},
                {"status", state_.status},
                {"created_at", 1785542400},
                {"password", password},
                {"addr", data_.wire().address()},
                {"dashboard", {{"url", "https://grafana.example/d/1"}}},
                {"config", Json::parse(state_.config)}}
        .dump();
}

Answer ScriptedDragonflyCloud::get() {
    const std::scoped_lock lock(mutex_);
    if (state_.updates > 0 && state_.status == "updating" && --state_.updates == 0) state_.status = "active";
    if (state_.begins_left > 0 && --state_.begins_left == 0) {
        state_.status = "restoring";
        state_.looks_left = state_.looks;
        state_.loads = true;
    }
    if (state_.loads && state_.status == "active" && !state_.never_loads) {
        auto config = Json::parse(state_.config);
        config["restore"]["loaded"] = true;
        state_.config = config.dump();
        state_.loads = false;
    }
    if (state_.status == "restoring" && --state_.looks_left <= 0) {
        state_.status = "active";
        data_.with([&](auto& data) {
            data.databases.clear();
            data.databases[0][state_.loaded_key] = {"1", 0};
        });
    }
    return {.body = shown(), .headers = {{"Content-Type", "application/json"}}};
}

Answer ScriptedDragonflyCloud::put(const std::string& body) {
    const std::scoped_lock lock(mutex_);
    auto config = Json::parse(body, nullptr, false);
    if (!config.is_object() || !config.contains("name"))
        return {.status = 400, .body = R"({"error":"invalid datastore config"})"};
    const auto before = Json::parse(state_.config);
    const bool asks = !config["restore"].value("backup_id", "").empty() && !config["restore"].value("loaded", false);
    if (state_.keeps_loaded && asks) {
        config["restore"]["loaded"] = true;
        state_.config = config.dump();
        state_.begins_left = state_.begins_after;
        if (state_.updates > 0) state_.status = "updating";
        return {.body = shown(), .headers = {{"Content-Type", "application/json"}}};
    }
    if (state_.forgets) config.erase("nobody_knows_this");
    if (!state_.lies) state_.config = config.dump();
    const auto backup = config["restore"].value("backup_id", "");
    if (!backup.empty() && !config["restore"].value("loaded", false) && before["restore"] != config["restore"]) {
        state_.status = "restoring";
        state_.looks_left = state_.looks;
        state_.loads = true;
    }
    return {.body = shown(), .headers = {{"Content-Type", "application/json"}}};
}

}  // namespace vbackup::test
