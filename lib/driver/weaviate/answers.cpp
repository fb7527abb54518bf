// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/answers.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "model/shallow.hpp"
#include "net/answers.hpp"

namespace vbackup::driver::weaviate {

namespace {

using nlohmann::json;

[[noreturn]] void not_understood(std::string_view what, std::string_view body) {
    throw Error(ErrorKind::not_understood, fmt::format("Weaviate's {} makes no sense: {}", what, one_line(body, 160)),
                "is there a proxy in between, or another server at this address?");
}

// The body as JSON of the wanted kind.
json parse(const net::Response& response, json::value_t kind, std::string_view what) {
    require_ok(response, what);
    auto value = json::parse(model::shallow(response.body), nullptr, false);
    if (value.type() != kind) not_understood(what, response.body);
    return value;
}

// A text that may be left out; anything else than a text there is not understood.
std::string text(const json& object, const char* key, std::string_view what) {
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return {};
    if (!found->is_string()) not_understood(what, object.dump(-1, ' ', false, json::error_handler_t::replace));
    return found->get<std::string>();
}

std::string needed_text(const json& object, const char* key, std::string_view what) {
    auto result = object.is_object() ? text(object, key, what) : std::string{};
    if (result.empty()) not_understood(what, object.dump(-1, ' ', false, json::error_handler_t::replace));
    return result;
}

std::vector<std::string> texts(const json& object, const char* key, std::string_view what) {
    std::vector<std::string> result;
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return result;
    if (!found->is_array()) not_understood(what, object.dump(-1, ' ', false, json::error_handler_t::replace));
    for (const auto& one : *found) {
        if (!one.is_string()) not_understood(what, object.dump(-1, ' ', false, json::error_handler_t::replace));
        result.push_back(one.get<std::string>());
    }
    std::sort(result.begin(), result.end());
    return result;
}

// Go's zero time stands for "not yet".
bool is_zero_date(std::string_view text) {
    return text.starts_with("0001-01-01");
}

std::optional<Moment> moment(const std::string& text) {
    return text.empty() || is_zero_date(text) ? std::nullopt : parse_time(text);
}

// Sizes come as a fraction of GiB.
std::optional<std::uint64_t> bytes(const json& object) {
    const auto found = object.find("size");
    if (found == object.end() || !found->is_number()) return std::nullopt;
    const auto size = std::round(found->get<double>() * 1024 * 1024 * 1024);
    return size > 0 && size < 9e18 ? std::optional(static_cast<std::uint64_t>(size)) : std::nullopt;
}

// Without what Go prints for an error that is none: `check if backup "b" exists at "…": %!w(<nil>)`.
std::string without_nothing(std::string words) {
    constexpr std::string_view nothing = "%!w(<nil>)";
    for (auto at = words.find(nothing); at != std::string::npos; at = words.find(nothing)) {
        words.erase(at, nothing.size());
        const auto end = std::string_view(words).substr(0, at).find_last_not_of(": ");
        const auto from = end == std::string_view::npos ? 0 : end + 1;
        words.erase(from, at - from);
    }
    return words;
}

Status status_of(const json& object, std::string_view what) {
    Status status;
    status.id = needed_text(object, "id", what);
    status.word = needed_text(object, "status", what);
    status.why = without_nothing(text(object, "error", what));
    status.path = text(object, "path", what);
    status.started = moment(text(object, "startedAt", what));
    const auto completed = text(object, "completedAt", what);
    status.completed = moment(completed);
    status.without_end = is_zero_date(completed);
    status.size = bytes(object);
    status.base = text(object, "incremental_base_backup_id", what);
    status.collections = texts(object, "classes", what);
    return status;
}

std::uint32_t small_number(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : 0;
}

const json& member(const json& object, const char* key) {
    static const json none = json::object();
    const auto found = object.find(key);
    return found != object.end() && found->is_object() ? *found : none;
}

std::string root_of(std::string_view backend, const json& module) {
    const auto joined = [&](const char* scheme, const char* key) {
        const auto bucket = text(module, key, "module description");
        const auto prefix = text(module, "rootName", "module description");
        if (bucket.empty()) return std::string{};
        return fmt::format("{}{}{}{}", scheme, bucket, prefix.empty() ? "" : "/", prefix);
    };
    if (backend == "filesystem") {
        const auto path = text(module, "backupsPath", "module description");
        return path.empty() ? path : "file://" + path;
    }
    if (backend == "s3") return joined("s3://", "bucketName");
    if (backend == "gcs") return joined("gs://", "bucketName");
    if (backend == "azure") return joined("azure://", "containerName");
    return {};
}

// Words of a 422 or a 500 that say more than its number. The vendor changed the numbers between versions and nodes, the
// words never.
std::optional<ErrorKind> kind_of(std::string_view words) {
    constexpr std::array<std::pair<std::string_view, ErrorKind>, 14> meanings = {{
        {"already in progress", ErrorKind::busy},
        {"already succeeded", ErrorKind::refused},
        {"already exists at", ErrorKind::conflict},
        {"check if backup", ErrorKind::conflict},  // the text for an id that was cancelled
        {"did you enable the right module", ErrorKind::unsupported},
        {"could not fetch base backup", ErrorKind::not_found},
        {"doesn't exist", ErrorKind::not_found},
        {"does not exist", ErrorKind::not_found},
        {"allowed characters are", ErrorKind::usage},
        {"no available classes", ErrorKind::refused},
        {"higher version", ErrorKind::refused},
        {"not viable for backing up a node cluster", ErrorKind::refused},
        {"cannot both contain", ErrorKind::usage},
        {"cannot resolve hostname", ErrorKind::refused},  // a node is down, and nothing was begun on any
    }};
    for (const auto& [phrase, kind] : meanings) {
        if (words.find(phrase) != std::string_view::npos) return kind;
    }
    return std::nullopt;
}

std::string hint_of(ErrorKind kind, std::string_view words) {
    if (kind == ErrorKind::busy) return "wait until it has ended, or cancel it with `vbackup cancel`";
    constexpr std::array<std::pair<std::string_view, std::string_view>, 8> hints = {{
        {"already exists at", "choose another --id; Weaviate never takes one again"},
        {"check if backup", "choose another --id; Weaviate never takes one again, not even of a cancelled backup"},
        {"did you enable the right module", "add it to the server's ENABLE_MODULES, or choose another with -o backend"},
        {"could not fetch base backup", "bring the base back first, or leave out -o base"},
        {"higher version", "update the server first"},
        {"not viable for backing up a node cluster", "enable backup-s3, backup-gcs or backup-azure on the server"},
        {"bucket does not exist", "create the bucket, or name another with -o bucket"},
        {"no space left", "make room where the server keeps its data and its backups"},
    }};
    for (const auto& [phrase, hint] : hints) {
        if (words.find(phrase) != std::string_view::npos) return std::string(hint);
    }
    if (words.find("no available classes") != std::string_view::npos)
        return "is there no collection, or may the key not see any? it needs manage_backups and read_collections";
    if (words.find("connection refused") != std::string_view::npos ||
        words.find("cannot resolve") != std::string_view::npos)
        return "a node of the cluster is down: `vbackup check` shows which";
    return {};
}

}  // namespace

model::Phase phase_of(std::string_view word) {
    using model::Phase;
    constexpr std::array<std::pair<std::string_view, Phase>, 9> phases = {{
        {"STARTED", Phase::queued},
        {"TRANSFERRING", Phase::running},
        {"TRANSFERRED", Phase::running},
        {"FINALIZING", Phase::running},
        {"CANCELLING", Phase::cancelling},
        {"CANCELED", Phase::cancelled},
        {"CANCELLED", Phase::cancelled},
        {"SUCCESS", Phase::succeeded},
        {"FAILED", Phase::failed},
    }};
    const auto found = std::find_if(phases.begin(), phases.end(), [&](const auto& one) { return one.first == word; });
    return found == phases.end() ? Phase::unknown : found->second;
}

bool is_active(std::string_view word) {
    const auto phase = phase_of(word);
    return phase == model::Phase::queued || phase == model::Phase::running || phase == model::Phase::cancelling;
}

std::string words_of(const net::Response& response) {
    const auto body = json::parse(model::shallow(response.body), nullptr, false);
    if (!body.is_object()) return {};
    if (const auto message = body.find("message"); message != body.end() && message->is_string())
        return one_line(without_nothing(message->get<std::string>()));
    const auto errors = body.find("error");
    if (errors == body.end() || !errors->is_array()) return {};
    std::string words;
    for (const auto& one : *errors) {
        if (!one.is_object() || !one.contains("message") || !one["message"].is_string()) continue;
        words += (words.empty() ? "" : "; ") + one["message"].get<std::string>();
    }
    return one_line(without_nothing(words));
}

void throw_answer(const net::Response& response, std::string_view what) {
    const auto words = words_of(response);
    const bool speaks =
        response.status == 400 || response.status == 404 || response.status == 422 || response.status == 500;
    if (speaks && !words.empty()) {
        // 400 and the codes 602, 606 and 608 come from the check of the request against the server's own description.
        const auto fallback = response.status == 404   ? ErrorKind::not_found
                              : response.status == 500 ? ErrorKind::failed
                                                       : ErrorKind::refused;
        auto kind = kind_of(words).value_or(fallback);
        if (words.ends_with("was not found") && words.starts_with("path ")) kind = ErrorKind::unsupported;
        throw Error(kind, fmt::format("Weaviate refused to {}: {}", what, words), hint_of(kind, words));
    }
    if (response.status == 405 && !words.empty())
        throw Error(ErrorKind::unsupported, fmt::format("this Weaviate cannot {}: {}", what, words),
                    "update the server");
    net::throw_for_status(response, what, words);
}

void require_ok(const net::Response& response, std::string_view what) {
    if (!response.ok()) throw_answer(response, what);
}

Server parse_server(const net::Response& response) {
    const auto meta = parse(response, json::value_t::object, "Weaviate's description of itself");
    Server server;
    server.text = needed_text(meta, "version", "Weaviate's description of itself");
    const auto version = parse_version(server.text);
    if (!version) not_understood("version", server.text);
    server.version = *version;
    const std::string prefix = "backup-";
    for (const auto& [name, module] : member(meta, "modules").items()) {
        if (!name.starts_with(prefix)) continue;
        const auto backend = name.substr(prefix.size());
        server.backends.push_back({backend, module.is_object() ? root_of(backend, module) : std::string{}});
    }
    return server;
}

std::vector<NodeState> parse_nodes(const net::Response& response) {
    constexpr std::string_view what = "list of nodes";
    const auto body = parse(response, json::value_t::object, what);
    const auto list = body.find("nodes");
    if (list == body.end() || !list->is_array() || list->empty()) not_understood(what, response.body);
    std::vector<NodeState> nodes;
    for (const auto& one : *list) {
        NodeState state;
        state.node.name = needed_text(one, "name", what);
        state.node.state = needed_text(one, "status", what);
        state.node.version = text(one, "version", what);
        state.node.healthy = state.node.state == "HEALTHY";
        state.mode = text(one, "operationalMode", what);
        nodes.push_back(std::move(state));
    }
    std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.node.name < b.node.name; });
    return nodes;
}

std::vector<model::Collection> parse_schema(const net::Response& response) {
    constexpr std::string_view what = "list of collections";
    const auto body = parse(response, json::value_t::object, what);
    const auto list = body.find("classes");
    if (list == body.end() || !(list->is_array() || list->is_null())) not_understood(what, response.body);
    std::vector<model::Collection> collections;
    for (const auto& one : *list) {
        model::Collection collection;
        collection.name = needed_text(one, "class", what);
        collection.shards = small_number(member(one, "shardingConfig"), "actualCount");
        collection.replicas = small_number(member(one, "replicationConfig"), "factor");
        collection.config = one.dump(-1, ' ', false, json::error_handler_t::replace);
        const auto& tenancy = member(one, "multiTenancyConfig");
        if (tenancy.contains("enabled") && tenancy["enabled"] == true) collection.details = R"({"tenants":{}})";
        collections.push_back(std::move(collection));
    }
    std::sort(collections.begin(), collections.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return collections;
}

Aliases parse_aliases(const net::Response& response) {
    constexpr std::string_view what = "list of aliases";
    const auto body = parse(response, json::value_t::object, what);
    Aliases aliases;
    const auto list = body.find("aliases");
    if (list == body.end() || list->is_null()) return aliases;
    if (!list->is_array()) not_understood(what, response.body);
    for (const auto& one : *list)
        aliases.emplace_back(needed_text(one, "alias", what), needed_text(one, "class", what));
    std::sort(aliases.begin(), aliases.end());
    return aliases;
}

std::vector<Tenant> parse_tenants(const net::Response& response) {
    constexpr std::string_view what = "list of tenants";
    std::vector<Tenant> tenants;
    for (const auto& one : parse(response, json::value_t::array, what)) {
        auto status = one.is_object() ? text(one, "activityStatus", what) : std::string{};
        tenants.push_back({needed_text(one, "name", what), status.empty() ? "HOT" : status});
    }
    std::sort(tenants.begin(), tenants.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return tenants;
}

std::vector<Counted> parse_counts(const net::Response& response, std::size_t asked) {
    constexpr std::string_view what = "count";
    const auto body = parse(response, json::value_t::object, what);
    std::vector<Counted> counts(asked);
    const auto& numbers = member(member(body, "data"), "Aggregate");
    for (std::size_t index = 0; index < asked; ++index) {
        const auto list = numbers.find(fmt::format("c{}", index));
        if (list == numbers.end() || !list->is_array() || list->size() != 1 || !list->front().is_object()) continue;
        const auto& meta = member(list->front(), "meta");
        if (meta.contains("count") && meta["count"].is_number_unsigned())
            counts[index].count = meta["count"].get<std::uint64_t>();
    }
    // An error names the alias it is about in `path`; without one it is about the whole query.
    const auto errors = body.find("errors");
    if (errors == body.end() || !errors->is_array()) return counts;
    for (const auto& one : *errors) {
        const auto message = one.is_object() ? one_line(text(one, "message", what), 160) : std::string{};
        const auto path = one.is_object() && one.contains("path") ? one["path"] : json();
        for (std::size_t index = 0; index < asked; ++index) {
            const bool meant = !path.is_array() || path.size() < 2 || path[1] == fmt::format("c{}", index);
            if (meant && !counts[index].count) counts[index].why = message;
        }
    }
    return counts;
}

Status parse_status(const net::Response& response, std::string_view id) {
    constexpr std::string_view what = "status";
    auto status = status_of(parse(response, json::value_t::object, what), what);
    if (status.id != id) not_understood(what, response.body);
    return status;
}

std::vector<Status> parse_list(const net::Response& response) {
    constexpr std::string_view what = "list of backups";
    std::vector<Status> list;
    for (const auto& one : parse(response, json::value_t::array, what)) list.push_back(status_of(one, what));
    return list;
}

Taken parse_taken(const net::Response& response, std::string_view id) {
    constexpr std::string_view what = "answer to the request";
    const auto body = parse(response, json::value_t::object, what);
    if (const auto words = words_of(response); !words.empty() && !body.contains("status")) {
        const auto kind = kind_of(words).value_or(ErrorKind::job_failed);
        throw Error(kind, fmt::format("Weaviate refused: {}", words), hint_of(kind, words));
    }
    const auto status = status_of(body, what);
    if (status.id != id) not_understood(what, response.body);
    if (!status.why.empty() || phase_of(status.word) == model::Phase::failed)
        throw Error(ErrorKind::job_failed,
                    fmt::format("Weaviate says {} at once: {}", status.word, one_line(status.why)));
    if (phase_of(status.word) == model::Phase::unknown) not_understood(what, response.body);
    return {status.path, status.collections};
}

std::optional<Descriptor> parse_descriptor(std::string_view content) {
    const auto body = json::parse(model::shallow(content), nullptr, false);
    if (!body.is_object() || !body.contains("id") || !body["id"].is_string()) return std::nullopt;
    Descriptor descriptor{
        .id = body["id"].get<std::string>(), .started = {}, .base = {}, .nodes = {}, .collections = {}};
    const auto started = body.find("startedAt");
    if (started != body.end() && started->is_string()) descriptor.started = parse_time(started->get<std::string>());
    const auto base = body.find("baseBackupId");
    if (base != body.end() && base->is_string()) descriptor.base = base->get<std::string>();
    for (const auto& [name, node] : member(body, "nodes").items()) {
        descriptor.nodes.push_back(name);
        if (!node.is_object()) continue;
        for (const auto& one : texts(node, "classes", "backup_config.json")) descriptor.collections.push_back(one);
    }
    std::sort(descriptor.collections.begin(), descriptor.collections.end());
    const auto end = std::unique(descriptor.collections.begin(), descriptor.collections.end());
    descriptor.collections.erase(end, descriptor.collections.end());
    return descriptor;
}

bool is_weaviate_meta(const net::Response& response) {
    const auto meta = response.status == 200 ? json::parse(model::shallow(response.body), nullptr, false) : json();
    return meta.is_object() && meta.contains("version") && meta["version"].is_string() && meta.contains("hostname") &&
           meta["hostname"].is_string() && (!meta.contains("modules") || meta["modules"].is_object());
}

bool is_weaviate_refusal(const net::Response& response) {
    if (response.status != 401) return false;
    const auto body = json::parse(model::shallow(response.body), nullptr, false);
    return body.is_object() && body.contains("code") && body["code"] == 401 && body.contains("message") &&
           body["message"].is_string();
}

}  // namespace vbackup::driver::weaviate
