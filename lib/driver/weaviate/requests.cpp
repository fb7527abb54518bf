// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/requests.hpp"

#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "driver/weaviate/options.hpp"

namespace vbackup::driver::weaviate {

namespace {

using nlohmann::json;

// Starting a job asks every node first, and a count reads every shard: both may be silent for long.
constexpr Milliseconds long_silence{300'000};
// A place where nothing lies; see Routes::holds.
constexpr std::string_view nowhere = "vbackup-asks-whether-this-runs";

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json read(const model::JsonText& text, std::string_view what) {
    auto value = json::parse(text, nullptr, false);
    if (!value.is_object())
        throw Error(ErrorKind::corrupt, fmt::format("what was noted of the {} cannot be read", what));
    return value;
}

void put(json& object, const char* key, const std::string& value) {
    if (!value.empty()) object[key] = value;
}

// Milliseconds of the system clock, so that nothing of a start is lost.
json to_json(const std::optional<Moment>& moment) {
    if (!moment) return nullptr;
    return std::chrono::duration_cast<Milliseconds>(moment->time_since_epoch()).count();
}

std::optional<Moment> to_moment(const json& value) {
    if (!value.is_number_integer()) return std::nullopt;
    return moment_at(Milliseconds(value.get<std::int64_t>()));
}

json to_json(const Place& place) {
    json object = json::object();
    object["backend"] = place.backend;
    put(object, "bucket", place.bucket);
    put(object, "path", place.path);
    put(object, "endpoint", place.endpoint);
    return object;
}

Place to_place(const json& object) {
    return {object.value("backend", ""), object.value("bucket", ""), object.value("path", ""),
            object.value("endpoint", "")};
}

json to_json(const Job& job) {
    auto object = to_json(job.place);
    object["kind"] = job.work == Work::backup ? "backup" : "restore";
    put(object, "location", job.location);
    object["started"] = to_json(job.started);
    object["classes"] = job.collections;
    return object;
}

Job to_job(const std::string& id, const json& object) {
    Job job{.id = id,
            .work = object.value("kind", "") == "restore" ? Work::restore : Work::backup,
            .place = to_place(object),
            .location = object.value("location", ""),
            .started = {},
            .collections = {}};
    if (object.contains("started")) job.started = to_moment(object["started"]);
    job.collections = object.value("classes", std::vector<std::string>{});
    return job;
}

// "?bucket=…&path=…", in lower case although the body's keys are not.
std::string query_of(const Place& place) {
    std::string query;
    if (!place.bucket.empty()) query += "&bucket=" + percent_encode(place.bucket);
    if (!place.path.empty()) query += "&path=" + percent_encode(place.path);
    if (!query.empty()) query.front() = '?';
    return query;
}

std::string path_of(const Job& job, const Place& place) {
    return fmt::format("/v1/backups/{}/{}{}{}", percent_encode(place.backend), percent_encode(job.id),
                       job.work == Work::restore ? "/restore" : "", query_of(place));
}

json config_of(const model::Options& options, const Place& place) {
    json config = json::object();
    put(config, "Endpoint", place.endpoint);
    put(config, "Bucket", place.bucket);
    put(config, "Path", place.path);
    if (is_set(options, "cpu-percentage")) config["CPUPercentage"] = number(options, "cpu-percentage", 1, 80);
    return config;
}

std::string what_of(const Job& job) {
    return fmt::format("{} {}", job.work == Work::backup ? "backup" : "restore", job.id);
}

}  // namespace

model::JobRef to_ref(const Job& job) {
    return {.name = job.id, .part = {}, .details = dump(to_json(job))};
}

Job to_job(const model::JobRef& ref) {
    try {
        return to_job(ref.name, read(ref.details, "job"));
    } catch (const json::exception&) {
        throw Error(ErrorKind::corrupt, "what was noted of the job cannot be read", {}, {{"job", ref.name}});
    }
}

bool same_start(const std::optional<Moment>& a, const std::optional<Moment>& b) {
    if (!a || !b) return true;
    return std::chrono::abs(*a - *b) <= Seconds(1);
}

model::JsonText render(const StepData& data) {
    json headers = json::object();
    for (const auto& [name, value] : data.headers) headers[name] = value;
    return dump({{"id", data.job.id},
                 {"job", to_json(data.job)},
                 {"method", data.method},
                 {"body", data.body},
                 {"headers", headers},
                 {"collections", data.collections},
                 {"word", data.word},
                 {"why", data.why},
                 {"placed", data.placed}});
}

StepData parse_step(const model::Step& step) {
    try {
        const auto object = read(step.details, "step " + step.id);
        StepData data{.job = to_job(object.at("id").get<std::string>(), object.at("job")),
                      .method = object.at("method"),
                      .body = object.at("body"),
                      .headers = {},
                      .collections = object.at("collections"),
                      .word = object.at("word"),
                      .why = object.at("why"),
                      .placed = object.at("placed")};
        for (const auto& [name, value] : object.at("headers").items()) data.headers.emplace_back(name, value);
        return data;
    } catch (const json::exception&) {
        throw Error(ErrorKind::corrupt, fmt::format("what was noted of the step {} cannot be read", step.id));
    }
}

std::string create_body(const std::string& id, const std::vector<std::string>& collections,
                        const model::Options& options) {
    json body{{"id", id}, {"include", collections}};
    auto config =
        config_of(options, {{}, value(options, "bucket"), value(options, "path"), value(options, "endpoint")});
    if (is_set(options, "chunk-size")) config["ChunkSize"] = number(options, "chunk-size", 2, 512);
    put(config, "CompressionLevel", value(options, "compression"));
    if (!config.empty()) body["config"] = config;
    put(body, "incremental_base_backup_id", value(options, "base"));
    if (is_set(options, "include-users")) body["includeUsers"] = words(value(options, "include-users"));
    if (is_set(options, "include-roles")) body["includeRoles"] = words(value(options, "include-roles"));
    return dump(body);
}

std::string restore_body(const std::vector<std::string>& collections, const model::Options& options,
                         const Place& place) {
    // The server wants a body, even an empty one.
    json body = json::object();
    if (!collections.empty()) body["include"] = collections;
    auto config = config_of(options, place);
    put(config, "rolesOptions", value(options, "roles"));
    put(config, "usersOptions", value(options, "users"));
    if (!config.empty()) body["config"] = config;
    for (const auto& [from, to] : node_mapping(options)) body["node_mapping"][from] = to;
    if (is_set(options, "overwrite-alias")) body["overwriteAlias"] = value(options, "overwrite-alias") == "true";
    return dump(body);
}

net::Headers azure_headers(const model::Options& options) {
    net::Headers headers;
    if (is_set(options, "azure-block-size"))
        headers.emplace_back("X-Azure-Block-Size", value(options, "azure-block-size"));
    if (is_set(options, "azure-concurrency"))
        headers.emplace_back("X-Azure-Concurrency", value(options, "azure-concurrency"));
    return headers;
}

std::string location_of(const std::string& path) {
    return path.starts_with('/') ? "file://" + path : path;
}

model::JsonText render_tenants(const std::vector<TenantCount>& tenants) {
    json all = json::object();
    for (const auto& tenant : tenants) {
        all[tenant.name] = {{"status", tenant.status}};
        if (tenant.count) all[tenant.name]["count"] = *tenant.count;
    }
    json object = json::object();
    object["tenants"] = all;
    return dump(object);
}

std::vector<TenantCount> parse_tenant_details(const model::JsonText& details) {
    std::vector<TenantCount> tenants;
    const auto object = json::parse(details, nullptr, false);
    if (!object.is_object() || !object.contains("tenants") || !object["tenants"].is_object()) return tenants;
    for (const auto& [name, one] : object["tenants"].items()) {
        if (!one.is_object() || !one.contains("status") || !one["status"].is_string()) continue;
        TenantCount tenant{name, one["status"].get<std::string>(), std::nullopt};
        if (one.contains("count") && one["count"].is_number_unsigned())
            tenant.count = one["count"].get<std::uint64_t>();
        tenants.push_back(std::move(tenant));
    }
    return tenants;
}

model::JsonText render_modules(const std::vector<Backend>& backends) {
    json all = json::object();
    for (const auto& backend : backends) all[backend.name] = backend.root;
    json object = json::object();
    object["backends"] = all;
    return dump(object);
}

model::JsonText render(const Notes& notes) {
    auto object = to_json(notes.place);
    put(object, "base", notes.base);
    object["skipped_tenants"] = notes.skipped;
    return dump(object);
}

Notes parse_notes(const model::JsonText& text) {
    const auto object = json::parse(text, nullptr, false);
    if (!object.is_object()) return {};
    try {
        return {to_place(object), object.value("base", ""),
                object.value("skipped_tenants", std::vector<std::string>{})};
    } catch (const json::exception&) {
        throw Error(ErrorKind::corrupt, "what the manifest says about Weaviate cannot be read");
    }
}

net::Response Routes::get(Call& call, const std::string& path, bool repeat) const {
    net::Request request;
    request.path = path;
    return http_.send(call, request, repeat);
}

Server Routes::server(Call& call) const {
    return parse_server(get(call, "/v1/meta"));
}

std::vector<NodeState> Routes::nodes(Call& call) const {
    return parse_nodes(get(call, "/v1/nodes?output=verbose"));
}

std::vector<model::Collection> Routes::schema(Call& call) const {
    return parse_schema(get(call, "/v1/schema"));
}

Aliases Routes::aliases(Call& call) const {
    return parse_aliases(get(call, "/v1/aliases"));
}

std::vector<Tenant> Routes::tenants(Call& call, const std::string& collection) const {
    return parse_tenants(get(call, fmt::format("/v1/schema/{}/tenants", percent_encode(collection))));
}

std::vector<Counted> Routes::counts(Call& call, const std::string& query, std::size_t asked) const {
    net::Request request;
    request.method = "POST";
    request.path = "/v1/graphql";
    json body = json::object();
    body["query"] = query;
    request.body = dump(body);
    request.silence = long_silence;
    return parse_counts(http_.send(call, request), asked);
}

std::vector<Status> Routes::list(Call& call, const std::string& backend, std::string_view order) const {
    auto path = "/v1/backups/" + percent_encode(backend);
    if (!order.empty()) path += fmt::format("?order={}", order);
    return parse_list(get(call, path));
}

std::optional<Status> Routes::status(Call& call, const Job& job, bool poll) const {
    const auto response = get(call, path_of(job, job.place), !poll);
    const auto words = words_of(response);
    if (response.status == 404 && !words.empty() && !words.starts_with("path ")) return std::nullopt;
    // Storage or a leader that is away for a moment says nothing about the job.
    if (poll && response.status == 500)
        throw Error(ErrorKind::busy, fmt::format("Weaviate cannot tell the status of {} now: {}", what_of(job), words));
    require_ok(response, "tell the status of " + what_of(job));
    return parse_status(response, job.id);
}

bool Routes::holds(Call& call, const Job& job) const {
    auto place = job.place;
    place.path = nowhere;
    const auto response = get(call, path_of(job, place));
    return response.ok() && is_active(parse_status(response, job.id).word);
}

Taken Routes::begin(Call& call, const StepData& data) const {
    net::Request request;
    request.method = "POST";
    request.path = data.job.work == Work::backup ? "/v1/backups/" + percent_encode(data.job.place.backend)
                                                 : path_of(data.job, {data.job.place.backend, {}, {}, {}});
    request.headers = data.headers;
    request.body = data.body;
    request.silence = long_silence;
    const auto response = http_.send(call, request);
    require_ok(response, "begin " + what_of(data.job));
    return parse_taken(response, data.job.id);
}

void Routes::cancel(Call& call, const Job& job) const {
    net::Request request;
    request.method = "DELETE";
    request.path = path_of(job, job.place);
    require_ok(http_.send(call, request), "cancel " + what_of(job));
}

void Routes::delete_collection(Call& call, const std::string& name) const {
    net::Request request;
    request.method = "DELETE";
    request.path = "/v1/schema/" + percent_encode(name);
    request.silence = long_silence;
    require_ok(http_.send(call, request), "delete collection " + name);
}

}  // namespace vbackup::driver::weaviate
