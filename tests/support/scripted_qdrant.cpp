// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_qdrant.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "io/digest.hpp"

namespace vbackup::test {

namespace {

using json = nlohmann::ordered_json;
using Qd = ScriptedQdrant;
using namespace wire;
constexpr const char* peer = "8606914413529485";
constexpr const char* tiny_body = R"({"vectors":{"size":4,"distance":"Cosine"}})";
constexpr const char* tiny_schema = R"({"num":{"data_type":"integer"},"city":{"data_type":"keyword"}})";

std::string folder;  // tests/data

std::string file_bytes(const std::string& name) {
    std::ifstream file(folder + "/qdrant/" + name, std::ios::binary);
    if (!file) throw std::runtime_error("tests/data/qdrant/" + name + " is missing");
    return {std::istreambuf_iterator<char>(file), {}};
}

// May this request only read?
bool read_only(const Qd::State& state, const HttpRequest& request) {
    if (!state.wants_key) return false;
    const auto key = key_of(request);
    if (key == Qd::key) return false;
    if (key == Qd::read_only_key) return true;
    throw Refusal{{.status = 401, .body = "Invalid API key or JWT"}};
}

// Answers the requests of one moment; the state is locked.
class Play {
public:
    Play(Qd::State& state, const HttpRequest& request)
        : state_(state), request_(request), parts_(segments(request.path)) {}

    Answer answer() {
        const auto dated = [&](Answer answer) {
            if (!state_.date.empty()) answer.headers.push_back({"Date", state_.date});
            return answer;
        };
        if (request_.path == "/" && is("GET")) return dated(greeting(state_.version));
        if (request_.path == "/healthz" || request_.path == "/readyz")
            return as_text(200, request_.path == "/readyz" ? "all shards are ready" : "healthz check passed");
        reads_only_ = read_only(state_, request_);
        if (is("HEAD")) return {.status = 404};
        if (request_.path == "/cluster") return cluster();
        if (request_.path == "/telemetry") return telemetry();
        if (request_.path == "/metrics") return metrics();
        if (request_.path == "/aliases") return aliases();
        if (request_.path == "/collections") return collections();
        if (request_.path == "/collections/aliases" && is("POST")) return set_aliases();
        if (at(0) == "snapshots") return snapshots(state_.full, "full-snapshot-", 1, "", Qd::tiny());
        if (at(0) == "collections" && parts_.size() >= 2) return collection();
        return {.status = 404};
    }

private:
    bool is(const char* method) const { return request_.method == method; }
    std::string at(std::size_t index) const { return index < parts_.size() ? parts_[index] : ""; }

    void require_manage() const {
        if (reads_only_) throw Refusal{error(403, "Forbidden: Global manage access is required")};
    }

    Answer cluster() const {
        if (state_.peers == 0) return good(R"({"status":"disabled"})");
        json peers;
        for (std::size_t i = 0; i < state_.peers; ++i)
            peers[i == 0 ? std::string(peer) : fmt::format("{}", 1000 + i)] = {
                {"uri", fmt::format("http://127.0.0.1:{}/", 6335 + i)}};
        return good(json({{"status", "enabled"}, {"peer_id", json::parse(peer)}, {"peers", peers}}).dump());
    }

    Answer telemetry() {
        json snapshots = json::array();
        for (auto& [name, shown] : state_.creating) {
            snapshots.push_back({{"id", name},
                                 {"running_snapshots", shown > 0 ? 1 : 0},
                                 {"running_snapshot_recovery", state_.recoveries_shown > 0 ? 1 : 0},
                                 {"total_snapshot_creations", 1}});
            shown -= shown > 0 ? 1 : 0;
        }
        if (state_.recoveries_shown > 0) --state_.recoveries_shown;
        json collections = {{"number_of_collections", state_.collections.size()}, {"collections", json::array()}};
        if (state_.shows_work)
            collections["snapshots"] = query(request_, "details_level") >= "2" ? snapshots : json::array();
        return good(
            json({{"app", {{"name", "qdrant"}, {"version", state_.version}}}, {"collections", collections}}).dump());
    }

    Answer metrics() const {
        std::string body = "# TYPE collections_total gauge\ncollections_total 1\n";
        if (!state_.shows_work) return as_text(200, body);
        for (const auto& [name, shown] : state_.creating)
            body += fmt::format("# TYPE snapshot_creation_running gauge\nsnapshot_creation_running{{id=\"{}\"}} {}\n",
                                name, shown > 0 ? 1 : 0);
        return as_text(200, body);
    }

    Answer aliases() const {
        json all = json::array();
        for (const auto& [alias, name] : state_.aliases)
            all.push_back({{"alias_name", alias}, {"collection_name", name}});
        return good(json({{"aliases", all}}).dump());
    }

    Answer collections() const {
        json all = json::array();
        for (const auto& [name, _] : state_.collections) all.push_back({{"name", name}});
        return good(json({{"collections", all}}).dump());
    }

    Answer set_aliases() {
        require_manage();
        const auto body = json::parse(request_.body);
        for (const auto& action : body.at("actions")) {
            if (action.contains("delete_alias")) {
                state_.aliases.erase(action.at("delete_alias").at("alias_name").get<std::string>());
                continue;
            }
            const auto name = action.at("create_alias").at("collection_name").get<std::string>();
            const auto alias = action.at("create_alias").at("alias_name").get<std::string>();
            if (!state_.collections.contains(name))
                return error(404, fmt::format("Not found: Collection `{}` doesn't exist!", name));
            if (state_.collections.contains(alias))
                return error(409, fmt::format("Wrong input: Collection `{}` already exists!", alias));
            state_.aliases[alias] = name;
        }
        return good("true");
    }

    // An alias works wherever a collection's name stands.
    std::string name() const {
        const auto alias = state_.aliases.find(at(1));
        return alias == state_.aliases.end() ? at(1) : alias->second;
    }

    Qd::Collection& there() {
        const auto found = state_.collections.find(name());
        if (found == state_.collections.end())
            throw Refusal{error(404, fmt::format("Not found: Collection `{}` doesn't exist!", at(1)))};
        return found->second;
    }

    Answer collection() {
        if (parts_.size() == 2) return whole_collection();
        if (at(2) == "exists") return good(fmt::format(R"({{"exists":{}}})", state_.collections.contains(name())));
        if (at(2) == "cluster") return shards();
        if (at(2) == "points" && at(3) == "count" && is("POST"))
            return good(fmt::format(R"({{"count":{}}})", there().points));
        if (at(2) == "points" && is("POST") && at(3) == "scroll") return scroll();
        if (at(2) == "points" && is("POST") && parts_.size() == 3) return retrieve();
        if (at(2) == "index" && is("PUT")) return make_index();
        if (at(2) == "shards" && parts_.size() == 3) return make_key();
        if (at(2) == "shards") return shard();
        if (at(2) == "aliases") return aliases();
        if (at(2) != "snapshots") return {.status = 404};
        if (at(3) == "upload" && is("POST")) return upload_collection();
        if (at(3) == "recover" && is("PUT")) return recover_collection();
        // A POST with wait=false is taken for whatever name; the failure is in the log.
        if (is("POST") && query(request_, "wait") == "false" && !state_.collections.contains(name())) return accepted();
        if (is("GET") && parts_.size() == 4 && !state_.collections.contains(name()))
            return as_text(404, fmt::format("Not found: Collection `{}` doesn't exist!", at(1)));
        return snapshots(there().snapshots, fmt::format("{}-{}-", name(), peer), 3, name(), Qd::tiny());
    }

    // The points are 0, 1, 2 and so on.
    static json point(std::uint64_t id, const json& body) {
        json one = {{"id", id}};
        if (body.value("with_payload", json(true)) != false) one["payload"] = {{"num", id}, {"city", "Bern"}};
        if (body.value("with_vector", json(false)) != false) one["vector"] = {0.5, 0.5, 0.5, 0.5};
        return one;
    }

    Answer scroll() {
        const auto body = json::parse(request_.body);
        const auto all = there().points, limit = body.value("limit", std::uint64_t{10});
        auto id = body.contains("offset") && body.at("offset").is_number() ? body.at("offset").get<std::uint64_t>() : 0;
        json points = json::array();
        for (; id < all && points.size() < limit; ++id) points.push_back(point(id, body));
        return good(json({{"points", points}, {"next_page_offset", id < all ? json(id) : json()}}).dump());
    }

    Answer retrieve() {
        const auto body = json::parse(request_.body);
        json points = json::array();
        for (const auto& id : body.at("ids")) {
            if (id.get<std::uint64_t>() < there().points) points.push_back(point(id.get<std::uint64_t>(), body));
        }
        return good(points.dump());
    }

    Answer whole_collection() {
        if (is("GET")) return info();
        require_manage();
        if (is("DELETE")) {
            std::erase_if(state_.aliases, [&](const auto& one) { return one.second == at(1); });
            return good(state_.collections.erase(at(1)) > 0 ? "true" : "false");
        }
        const auto body = json::parse(request_.body);
        if (is("PATCH")) {
            auto config = json::parse(there().config);
            config.merge_patch(body);
            there().config = config.dump();
            return good("true");
        }
        if (state_.collections.contains(at(1)))
            return error(409, fmt::format("Wrong input: Collection `{}` already exists!", at(1)));
        state_.collections[at(1)] = made(body);
        return good("true");
    }

    // From the shape that PUT takes to the one that GET shows.
    static Qd::Collection made(const json& body) {
        Qd::Collection collection{.config = config_of(body.dump())};
        if (body.value("sharding_method", "auto") == "custom") return collection;
        for (std::uint32_t id = 0; id < body.value("shard_number", 1U); ++id) collection.shards.push_back({.id = id});
        return collection;
    }

    Answer info() {
        const auto& collection = there();
        return good(shown(collection.status, collection.points, collection.config, collection.schema));
    }

    Answer shards() {
        const auto& collection = there();
        json local = json::array(), remote = json::array();
        for (const auto& shard : collection.shards) {
            json one = {{"shard_id", shard.id}};
            if (!shard.key.empty()) one["shard_key"] = json::parse(shard.key);
            one["points_count"] = collection.points / collection.shards.size();
            one["state"] = shard.state;
            local.push_back(one);
        }
        for (std::size_t i = 0; i < collection.remote; ++i)
            remote.push_back({{"shard_id", i}, {"peer_id", 1001}, {"state", "Active"}});
        return good(json({{"peer_id", json::parse(peer)},
                          {"shard_count", collection.shards.size()},
                          {"local_shards", local},
                          {"remote_shards", remote},
                          {"shard_transfers", json::array()}})
                        .dump());
    }

    Answer make_index() {
        require_manage();
        there().schema = with_index(there().schema, request_.body);
        return good(R"({"operation_id":7,"status":"completed"})");
    }

    Answer make_key() {
        require_manage();
        const auto body = json::parse(request_.body);
        auto& all = there().shards;
        for (std::uint32_t i = 0; i < body.value("shards_number", 1U); ++i) {
            const auto next = all.empty() ? 1U : all.back().id + 1;
            all.push_back({.id = next, .key = body.at("shard_key").dump()});
        }
        return good("true");
    }

    Answer shard() {
        auto& collection = there();
        const auto found = std::find_if(collection.shards.begin(), collection.shards.end(),
                                        [&](const auto& one) { return std::to_string(one.id) == at(3); });
        const auto none = fmt::format("Not found: shard {} not found", at(3));
        if (at(4) == "snapshot")
            return reads_only_ ? as_text(403, "Forbidden: Global manage access is required") : as_text(404, none);
        if (found == collection.shards.end()) return error(404, none);
        if (at(5) == "upload" && is("POST")) return upload_shard(collection);
        if (at(5) == "recover" && is("PUT")) return recover_shard(collection, *found);
        return snapshots(found->snapshots, fmt::format("{}-shard-{}-", name(), at(3)), 5, name(), Qd::tiny_shard());
    }

    Answer snapshots(std::vector<Qd::Stored>& stored, const std::string& prefix, std::size_t depth,
                     const std::string& owner, const std::string& bytes) {
        if (parts_.size() > depth) return one_snapshot(stored, at(depth));
        if (is("GET")) return good(listed(stored));
        if (!is("POST")) return {.status = 404};
        const auto wait = query(request_, "wait");
        if (!wait.empty() && wait != "true" && wait != "false")
            return error(400, "Deserialize error in query parameters: provided string was not `true` or `false`");
        // Without waiting the rights are looked at when the answer has gone: a read-only key is told nothing.
        const bool later = wait == "false" && state_.knows_wait;
        if (reads_only_ && later) return accepted();
        require_manage();
        const auto name =
            fmt::format("{}2026-11-21-08-{:02}-{:02}.snapshot", prefix, state_.second / 60, state_.second % 60);
        ++state_.second;
        Qd::Stored one{.name = name, .bytes = bytes, .checksum = state_.s3 ? "" : io::sha256(bytes)};
        if (later) one.looks = state_.looks_until_made;
        state_.creating[owner] = later ? state_.looks_until_made : 0;
        // Two snapshots begun in one second have one name, and are one file.
        if (state_.makes) {
            std::erase_if(stored, [&](const auto& other) { return other.name == name; });
            stored.push_back(one);
        }
        return later ? accepted() : good(described(one));
    }

    Answer one_snapshot(std::vector<Qd::Stored>& stored, const std::string& wanted) {
        const auto found =
            std::find_if(stored.begin(), stored.end(), [&](const auto& one) { return one.name == wanted; });
        const auto none = fmt::format("Not found: Snapshot {} not found", wanted);
        if (is("GET")) return found == stored.end() ? as_text(404, none) : download(*found, request_, state_.s3);
        if (!is("DELETE")) return {.status = 404};
        require_manage();
        if (found == stored.end()) return error(404, none);
        stored.erase(found);
        return good("true");
    }

    // What a snapshot's bytes put into a collection, or why they do not.
    Qd::Collection unpacked(const std::string& bytes) const {
        if (bytes != Qd::tiny())
            throw Refusal{
                error(500, "Service internal error: File IO error: Malformed tar archive, reached unknown entry")};
        return {.config = config_of(tiny_body), .schema = tiny_schema, .points = 50, .shards = {{.id = 0}}};
    }

    void put_back(const std::string& bytes) {
        auto fresh = unpacked(bytes);
        state_.creating.try_emplace(at(1), 0);
        const auto old = state_.collections.find(name());
        if (old == state_.collections.end()) {
            state_.collections[at(1)] = fresh;
            return;
        }
        old->second.points = fresh.points;
    }

    Qd::Stored take_upload() {
        if (reads_only_) throw Refusal{as_text(403, "Forbidden: Global manage access is required")};
        auto file = uploaded(request_);
        state_.uploads.push_back(file.bytes);
        return file;
    }

    Answer upload_collection() {
        const auto file = take_upload();
        put_back(file.bytes);
        state_.collections[name()].snapshots.push_back(file);
        return query(request_, "wait") == "false" ? accepted() : good("true");
    }

    Answer upload_shard(Qd::Collection& collection) {
        if (take_upload().bytes != Qd::tiny_shard())
            return error(500,
                         "Service internal error: Can't restore snapshot in local mode with missing data at shard: "
                         "/srv/test/qd1/node0/storage/tmp/tiny-shard-0iYptxh");
        state_.creating.try_emplace(name(), 0);
        collection.points += 50;
        return good("null");
    }

    Answer recover_shard(Qd::Collection& collection, const Qd::Shard& shard) {
        require_manage();
        const auto location = json::parse(request_.body).at("location").get<std::string>();
        if (location.starts_with("file:"))
            return error(
                400,
                fmt::format("Wrong input: Invalid snapshot URL {}: URLs with file scheme are not supported", location));
        const auto wanted = location.substr(location.rfind('/') + 1);
        const bool there =
            location.starts_with("http") || std::any_of(shard.snapshots.begin(), shard.snapshots.end(),
                                                        [&](const auto& one) { return one.name == wanted; });
        if (!there) return error(404, fmt::format("Not found: Snapshot {} not found", wanted));
        collection.points = 50 * collection.shards.size();
        return good("true");
    }

    Answer recover_collection() {
        require_manage();
        const auto body = json::parse(request_.body);
        const auto location = body.at("location").get<std::string>();
        if (location.starts_with("http") && !state_.url_recovery)
            return error(403, "Forbidden: Snapshot recovery from remote URLs is disabled in the configuration");
        if (location.starts_with("file://") && !location.substr(7).starts_with(state_.snapshots_directory + "/"))
            return error(403, fmt::format("Forbidden: Snapshot file path must be inside the snapshots directory \"{}\"",
                                          state_.snapshots_directory));
        const auto has = io::sha256(Qd::tiny());
        if (body.contains("checksum") && body.at("checksum") != has)
            return error(400, fmt::format("Wrong input: Snapshot checksum mismatch: expected {}, got {}",
                                          body.at("checksum").get<std::string>(), has));
        if (query(request_, "wait") == "false") return accepted();
        put_back(Qd::tiny());
        return good("true");
    }

    Qd::State& state_;
    const HttpRequest& request_;
    std::vector<std::string> parts_;
    bool reads_only_ = false;
};

}  // namespace

std::string ScriptedQdrant::tiny() {
    static const auto bytes = file_bytes("tiny.snapshot");
    return bytes;
}

std::string ScriptedQdrant::tiny_shard() {
    static const auto bytes = file_bytes("tiny-shard.snapshot");
    return bytes;
}

ScriptedQdrant::ScriptedQdrant(const std::string& data) {
    if (folder.empty()) folder = data;
    state_.collections["tiny"] = {
        .config = config_of(tiny_body), .schema = tiny_schema, .points = 50, .shards = {{.id = 0}}};
    for (const auto* method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
        server_.on(method, "*", [this](const HttpRequest& request) { return answer(request); });
}

std::size_t ScriptedQdrant::count(const std::string& method, const std::string& pattern) const {
    const auto all = server_.requests();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& one) {
        return one.method == method && glob_match(pattern, one.target);
    }));
}

Answer ScriptedQdrant::answer(const HttpRequest& request) {
    const std::scoped_lock lock(mutex_);
    const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const auto& one) {
        return one.method == request.method && glob_match(one.path, request.path);
    });
    std::optional<Rule> now;
    if (rule != rules_.end()) {
        now = *rule;
        rules_.erase(rule);
        if (!now->acts) return now->answer;
    }
    Answer answer;
    try {
        answer = Play(state_, request).answer();
    } catch (const Refusal& refusal) {
        answer = refusal.answer;
    } catch (const nlohmann::json::exception& bad) {
        answer = error(400, fmt::format("Format error in JSON body: {}", bad.what()));
    }
    return now ? now->answer : answer;
}

}  // namespace vbackup::test
