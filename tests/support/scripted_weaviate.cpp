// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_weaviate.hpp"

#include <fmt/format.h>

#include <regex>
#include <sstream>

#include "base/text.hpp"
#include "support/scripted_weaviate_state.hpp"

namespace vbackup::test {

namespace {

std::string decode(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '%' && at + 2 < text.size()) {
            result += static_cast<char>(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16));
            at += 2;
        } else {
            result += text[at] == '+' ? ' ' : text[at];
        }
    }
    return result;
}

std::map<std::string, std::string> parameters(const std::string& query) {
    std::map<std::string, std::string> result;
    std::stringstream stream(query);
    for (std::string pair; std::getline(stream, pair, '&');) {
        const auto sign = pair.find('=');
        result[pair.substr(0, sign)] = sign == std::string::npos ? "" : decode(pair.substr(sign + 1));
    }
    return result;
}

Names split_path(const std::string& path) {
    Names parts;
    std::stringstream stream(path);
    for (std::string part; std::getline(stream, part, '/');) {
        if (!part.empty()) parts.push_back(decode(part));
    }
    return parts;
}

const std::regex alias_pattern(R"~((?:(\w+):)?(\w+)(?:\(tenant:"([^"]*)"\))?\{meta\{count\}\})~");

}  // namespace

json ScriptedWeaviate::State::config_of(const std::string& name) const {
    const auto& collection = script.collections.at(name);
    return {{"class", name},
            {"multiTenancyConfig",
             {{"autoTenantActivation", false}, {"autoTenantCreation", false}, {"enabled", collection.multi_tenant}}},
            {"properties",
             json::array({{{"dataType", {"text"}}, {"name", "title"}}, {{"dataType", {"int"}}, {"name", "n"}}})},
            {"replicationConfig", {{"asyncEnabled", false}, {"factor", 1}}},
            {"shardingConfig", {{"actualCount", collection.multi_tenant ? 0 : 1}, {"desiredCount", 1}}},
            {"vectorizer", "none"}};
}

Answer ScriptedWeaviate::State::meta() const {
    json modules = json::object();
    for (const auto& name : script.modules) {
        if (name == "filesystem")
            modules["backup-filesystem"] = {{"backupsPath", script.root}};
        else if (name == "azure")
            modules["backup-azure"] = {{"containerName", script.bucket}};
        else
            modules["backup-" + name] = {{"bucketName", script.bucket}};
    }
    modules["text2vec-aws"] = {{"name", "AWS Module"}};
    return say(200, {{"grpcMaxMessageSize", 104858000},
                     {"hostname", http.base()},
                     {"modules", modules},
                     {"version", script.version}});
}

Answer ScriptedWeaviate::State::nodes() const {
    json all = json::array();
    for (const auto& name : script.nodes) {
        if (std::find(script.down.begin(), script.down.end(), name) != script.down.end()) {
            all.push_back({{"name", name}, {"shards", nullptr}, {"status", "UNAVAILABLE"}});
        } else {
            all.push_back({{"batchStats", {{"queueLength", 0}, {"ratePerSecond", 0}}},
                           {"name", name},
                           {"operationalMode", script.mode},
                           {"shards", nullptr},
                           {"stats", {{"objectCount", 0}, {"shardCount", 0}}},
                           {"status", "HEALTHY"},
                           {"version", script.version}});
        }
    }
    return say(200, {{"nodes", all}});
}

Answer ScriptedWeaviate::State::schema(const HttpRequest& request, const Names& parts) {
    if (parts.size() == 2) {
        json classes = json::array();
        for (const auto& name : class_names()) classes.push_back(config_of(name));
        return say(200, {{"classes", classes}});
    }
    const auto& name = parts[2];
    if (request.method == "DELETE" && parts.size() == 3) {
        // Aliases outlive their collection, and what is not there is deleted with success.
        script.collections.erase(name);
        return empty(200);
    }
    if (!script.collections.contains(name)) return empty(404);
    if (parts.size() == 3) return say(200, config_of(name));
    json tenants = json::array();
    for (const auto& [tenant, state] : script.collections[name].tenants)
        tenants.push_back({{"activityStatus", state.status}, {"name", tenant}});
    return say(200, tenants);
}

Answer ScriptedWeaviate::State::graphql(const HttpRequest& request) const {
    const auto query = json::parse(request.body).at("query").get<std::string>();
    if (script.count_fails)
        return say(
            200, {{"data", {{"Aggregate", nullptr}}}, {"errors", json::array({{{"message", "shard is read-only"}}})}});
    json counts = json::object();
    json errors = json::array();
    for (std::sregex_iterator it(query.begin(), query.end(), alias_pattern), end; it != end; ++it) {
        const std::string name = (*it)[2], tenant = (*it)[3];
        const std::string alias = (*it)[1].matched ? (*it)[1].str() : name;
        const auto found = script.collections.find(name);
        if (found == script.collections.end())
            return say(
                200, {{"errors",
                       json::array({{{"message",
                                      fmt::format("Cannot query field \"{}\" on type \"AggregateObjectsObj\".", name)},
                                     {"path", nullptr}}})}});
        const auto& collection = found->second;
        if (collection.multi_tenant &&
            (!collection.tenants.contains(tenant) || collection.tenants.at(tenant).status != "HOT")) {
            counts[alias] = nullptr;
            errors.push_back(
                {{"message", fmt::format("tenant not active: '{}'", tenant)}, {"path", {"Aggregate", alias}}});
            continue;
        }
        const auto count = collection.multi_tenant ? collection.tenants.at(tenant).count : collection.count;
        counts[alias] = json::array({{{"meta", {{"count", count}}}}});
    }
    json body{{"data", {{"Aggregate", counts}}}};
    if (!errors.empty()) body["errors"] = errors;
    return say(200, body);
}

Answer ScriptedWeaviate::State::backup_routes(const HttpRequest& request, const Names& parts, const std::string& user) {
    if (parts.size() == 2) return framework(404, 404, "path " + request.path + " was not found");
    const auto& backend = parts[2];
    auto asked = parameters(request.query);
    if (parts.size() == 3 && request.method == "POST") return create(backend, request.body, user);
    if (parts.size() == 3 && request.method == "GET") return list(backend, asked["order"], user);
    if (parts.size() < 4)
        return framework(405, 405, fmt::format("method {} is not allowed, but [GET,POST] are", request.method));
    const Key key{backend, asked["bucket"], asked["path"], parts[3]};
    const bool restoring = parts.size() == 5 && parts[4] == "restore";
    if (restoring && request.method == "POST") return restore(key, request.body, user);
    auto& works = restoring ? restores : backups;
    if (request.method == "GET") return status(works, key, user);
    if (request.method == "DELETE") return cancel(works, key, user);
    auto answer = framework(405, 405, fmt::format("method {} is not allowed, but [DELETE,GET] are", request.method));
    answer.headers.emplace_back("Allow", "DELETE,GET");
    return answer;
}

Answer ScriptedWeaviate::State::answer(const HttpRequest& request) {
    const auto parts = split_path(request.path);
    if (parts.size() == 3 && parts[1] == ".well-known") return empty(200);
    std::string user;
    if (!script.keys.empty()) {
        const std::string given(request.header("Authorization"));
        const auto key = script.keys.find(given.starts_with("Bearer ") ? given.substr(7) : "");
        if (given.empty())
            return {.status = 401,
                    .body =
                        "{\"code\":401,\"message\": \"anonymous access not enabled. Please authenticate through one of "
                        "the available methods: [API-keys]\" }",
                    .headers = {{"Content-Type", "text/plain; charset=utf-8"}}};
        if (key == script.keys.end()) return framework(401, 401, "unauthorized: invalid api key");
        user = key->second;
    }
    if (parts.size() < 2 || parts[0] != "v1") return framework(404, 404, "path " + request.path + " was not found");
    if (parts[1] == "meta") return meta();
    if (parts[1] == "nodes") return nodes();
    if (parts[1] == "schema") return schema(request, parts);
    if (parts[1] == "graphql") return graphql(request);
    if (parts[1] == "backups") return backup_routes(request, parts, user);
    if (parts[1] == "aliases") {
        json all = json::array();
        for (const auto& [alias, target] : script.aliases) all.push_back({{"alias", alias}, {"class", target}});
        return say(200, {{"aliases", all}});
    }
    return framework(404, 404, "path " + request.path + " was not found");
}

Answer ScriptedWeaviate::State::serve(const HttpRequest& request) {
    const std::scoped_lock lock(mutex);
    const auto fault = std::find_if(faults.begin(), faults.end(), [&](const Once& one) {
        return one.method == request.method && glob_match(one.glob, request.path);
    });
    if (fault == faults.end()) return answer(request);
    auto instead = fault->answer;
    const bool after = fault->after;
    faults.erase(fault);
    if (after) answer(request);
    return instead;
}

ScriptedWeaviate::ScriptedWeaviate() : ScriptedWeaviate(Script{}) {}

ScriptedWeaviate::ScriptedWeaviate(Script script) : state_(std::make_shared<State>()) {
    state_->script = std::move(script);
    for (const auto* method : {"GET", "POST", "PUT", "DELETE"})
        state_->http.on(method, "*",
                        [state = state_.get()](const HttpRequest& request) { return state->serve(request); });
}

ScriptedWeaviate::~ScriptedWeaviate() = default;

std::string ScriptedWeaviate::base() const {
    return state_->http.base();
}

HttpServer& ScriptedWeaviate::http() {
    return state_->http;
}

void ScriptedWeaviate::change(const std::function<void(Script&)>& change) {
    const std::scoped_lock lock(state_->mutex);
    change(state_->script);
}

ScriptedWeaviate::Script ScriptedWeaviate::script() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->script;
}

void ScriptedWeaviate::fault_once(std::string method, std::string glob, Answer answer, bool after) {
    const std::scoped_lock lock(state_->mutex);
    state_->faults.push_back({std::move(method), std::move(glob), std::move(answer), after});
}

void ScriptedWeaviate::crash() {
    const std::scoped_lock lock(state_->mutex);
    for (auto* works : {&state_->backups, &state_->restores}) {
        for (auto& [key, work] : *works) work.held = false;
    }
}

std::size_t ScriptedWeaviate::under_way() const {
    const std::scoped_lock lock(state_->mutex);
    std::size_t all = 0;
    for (const auto* works : {&state_->backups, &state_->restores}) {
        for (const auto& [key, work] : *works) all += work.held ? 1 : 0;
    }
    return all;
}

void ScriptedWeaviate::finish() {
    const std::scoped_lock lock(state_->mutex);
    for (auto* works : {&state_->backups, &state_->restores}) {
        for (auto& [key, work] : *works) {
            work.looks = 0;
            state_->advance(key, work);
        }
    }
}

std::optional<std::string> ScriptedWeaviate::descriptor(const std::string& id) const {
    const std::scoped_lock lock(state_->mutex);
    const auto found = state_->backups.find({"filesystem", "", "", id});
    if (found == state_->backups.end()) return std::nullopt;
    return state_->descriptor_of(found->first, found->second);
}

void ScriptedWeaviate::forget(const std::string& id) {
    const std::scoped_lock lock(state_->mutex);
    std::erase_if(state_->backups, [&](const auto& one) { return one.first.id == id; });
    std::erase_if(state_->restores, [&](const auto& one) { return one.first.id == id; });
}

std::size_t ScriptedWeaviate::count(std::string_view method, std::string_view glob) const {
    std::size_t count = 0;
    for (const auto& request : state_->http.requests())
        count += request.method == method && glob_match(glob, request.path) ? 1U : 0U;
    return count;
}

}  // namespace vbackup::test
