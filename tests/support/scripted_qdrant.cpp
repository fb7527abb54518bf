// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_qdrant.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "io/digest.hpp"

namespace vbackup::test {

namespace {

using json = nlohmann::ordered_json;
using Qd = ScriptedQdrant;
constexpr const char* peer = "8606914413529485";
constexpr const char* tiny_config =
    R"({"params":{"vectors":{"size":4,"distance":"Cosine"},"shard_number":1,"replication_factor":1,"write_consistency_factor":1,"on_disk_payload":true},"hnsw_config":{"m":16,"ef_construct":100,"full_scan_threshold":10000,"max_indexing_threads":0,"on_disk":false},"optimizer_config":{"deleted_threshold":0.2,"vacuum_min_vector_number":1000,"default_segment_number":1,"max_segment_size":null,"memmap_threshold":null,"indexing_threshold":10000,"flush_interval_sec":5,"max_optimization_threads":null,"prevent_unoptimized":null},"wal_config":{"wal_capacity_mb":1,"wal_segments_ahead":0,"wal_retain_closed":1},"quantization_config":null})";
constexpr const char* tiny_schema = R"({"num":{"data_type":"integer"},"city":{"data_type":"keyword"}})";

// What tests throw at a route that is refused: an answer instead of a value.
struct Refusal {
    Answer answer;
};

Answer as_json(int status, const std::string& body) {
    return {.status = status, .body = body, .headers = {{"Content-Type", "application/json"}}};
}
Answer as_text(int status, const std::string& body) {
    return {.status = status, .body = body, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}};
}
Answer good(const std::string& result) {
    return as_json(200, fmt::format(R"({{"result":{},"status":"ok","time":0.001}})", result));
}
Answer accepted() {
    return as_json(202, R"({"status":"accepted","time":0.000011467})");
}
Answer error(int status, const std::string& text) {
    return as_json(status, fmt::format(R"({{"status":{{"error":{}}},"time":0.001}})", json(text).dump()));
}

std::string folder;  // tests/data

std::string file_bytes(const std::string& name) {
    std::ifstream file(folder + "/qdrant/" + name, std::ios::binary);
    if (!file) throw std::runtime_error("tests/data/qdrant/" + name + " is missing");
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned value = 0;
        if (text[i] == '%' && i + 2 < text.size() &&
            std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
            out += static_cast<char>(value);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::vector<std::string> segments(const std::string& path) {
    std::vector<std::string> parts;
    std::stringstream stream(path);
    for (std::string part; std::getline(stream, part, '/');) {
        if (!part.empty()) parts.push_back(decoded(part));
    }
    return parts;
}

std::string query(const HttpRequest& request, const std::string& name) {
    std::stringstream stream(request.query);
    for (std::string pair; std::getline(stream, pair, '&');) {
        if (pair.starts_with(name + "=")) return decoded(std::string_view(pair).substr(name.size() + 1));
    }
    return {};
}

std::optional<bool> read_only(const Qd::State& state, const HttpRequest& request) {
    if (!state.wants_key) return false;
    std::string_view key = request.header("api-key");
    const auto bearer = request.header("authorization");
    if (key.empty() && bearer.starts_with("Bearer ")) key = bearer.substr(7);
    if (key.empty()) throw Refusal{{.status = 401, .body = "Must provide an API key or an Authorization bearer token"}};
    if (key == Qd::key) return false;
    if (key == Qd::read_only_key) return true;
    throw Refusal{{.status = 401, .body = "Invalid API key or JWT"}};
}

std::string described(const Qd::Stored& one) {
    json body = {{"name", one.name}, {"creation_time", "2026-11-21T07:36:33"}, {"size", one.bytes.size()}};
    if (!one.checksum.empty()) body["checksum"] = one.checksum;
    return body.dump();
}

std::string listed(std::vector<Qd::Stored>& stored) {
    std::string body;
    for (auto& one : stored) {
        if (one.looks-- > 0) continue;
        body += (body.empty() ? "" : ",") + described(one);
    }
    return "[" + body + "]";
}

Answer download(const Qd::State& state, const Qd::Stored& one, const HttpRequest& request) {
    Answer answer{.headers = {{"Content-Type", "application/octet-stream"}}};
    answer.body = one.bytes;
    if (state.s3) {
        answer.chunked = true;
        return answer;
    }
    const auto etag = fmt::format("\"51096d:{:x}:6b014a01:1f310534\"", one.bytes.size());
    answer.headers.insert(answer.headers.end(),
                          {{"ETag", etag},
                           {"Accept-Ranges", "bytes"},
                           {"Last-Modified", "Sat, 21 Nov 2026 07:36:33 GMT"},
                           {"Content-Disposition", fmt::format("attachment; filename=\"{}\"", one.name)}});
    const auto match = request.header("if-match");
    if (!match.empty() && match != etag) answer.status = 412;
    if (request.header("if-none-match") == etag) answer.status = 304;
    if (answer.status != 200) answer.body.clear();
    std::string_view range = request.header("range");
    if (range.empty() || answer.status == 304) return answer;
    // Only the first of several ranges counts; a suffix counts from the end.
    range = range.substr(0, range.find(','));
    std::uint64_t first = 0, last = one.bytes.size() - 1;
    const bool suffix = range.starts_with("bytes=-");
    const auto digits = range.substr(suffix ? 7 : std::min<std::size_t>(6, range.size()));
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), first);
    bool valid = range.starts_with("bytes=") && parsed.ec == std::errc();
    if (valid && suffix)
        first = one.bytes.size() - std::min<std::uint64_t>(first, one.bytes.size());
    else if (valid && parsed.ptr + 1 < digits.data() + digits.size())
        valid = std::from_chars(parsed.ptr + 1, digits.data() + digits.size(), last).ec == std::errc();
    if (!valid || first >= one.bytes.size()) {
        if (answer.status == 412) return answer;
        answer.status = 416;
        answer.body.clear();
        answer.headers.emplace_back("Content-Range", fmt::format("bytes */{}", one.bytes.size()));
        return answer;
    }
    last = std::min<std::uint64_t>(last, one.bytes.size() - 1);
    answer.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", first, last, one.bytes.size()));
    if (answer.status == 412) return answer;
    answer.status = 206;
    answer.body = one.bytes.substr(first, last - first + 1);
    return answer;
}

// The one part `snapshot` of a form.
Qd::Stored uploaded(const HttpRequest& request) {
    const std::string type(request.header("content-type"));
    if (!type.starts_with("multipart/"))
        throw Refusal{as_text(415, "Parsed Content-Type did not have 'multipart' top-level media type")};
    const auto boundary = "--" + type.substr(type.find("boundary=") + 9);
    const auto head_end = request.body.find("\r\n\r\n");
    const auto end = request.body.rfind("\r\n" + boundary + "--");
    const auto head = request.body.substr(0, head_end);
    if (head_end == std::string::npos || end == std::string::npos ||
        head.find("name=\"snapshot\"") == std::string::npos)
        throw Refusal{as_text(400, "Required field is missing: snapshot")};
    const auto name_at = head.find("filename=\"") + 10;
    auto name = head.substr(name_at, head.find('"', name_at) - name_at);
    if (const auto slash = name.rfind('/'); slash != std::string::npos) name = name.substr(slash + 1);
    return {.name = name, .bytes = request.body.substr(head_end + 4, end - head_end - 4), .checksum = {}};
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
        if (request_.path == "/" && is("GET"))
            return dated(as_json(
                200,
                fmt::format(
                    R"({{"title":"qdrant - vector search engine","version":"{}","commit":"74f3e85b9473c62560006c043e13737ce6b48412"}})",
                    state_.version)));
        if (request_.path == "/healthz" || request_.path == "/readyz")
            return as_text(200, request_.path == "/readyz" ? "all shards are ready" : "healthz check passed");
        reads_only_ = *read_only(state_, request_);
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
    static Qd::Collection made(json body) {
        json config = json::parse(tiny_config);
        for (const auto* part :
             {"hnsw_config", "wal_config", "quantization_config", "strict_mode_config", "metadata"}) {
            if (body.contains(part)) config[part] = body[part];
            body.erase(part);
        }
        if (body.contains("optimizers_config")) config["optimizer_config"].update(body["optimizers_config"]);
        body.erase("optimizers_config");
        config["params"] = body;
        Qd::Collection collection{.config = config.dump()};
        if (body.value("sharding_method", "auto") == "custom") return collection;
        for (std::uint32_t id = 0; id < body.value("shard_number", 1U); ++id) collection.shards.push_back({.id = id});
        return collection;
    }

    Answer info() {
        const auto& collection = there();
        auto schema = json::parse(collection.schema);
        for (auto& field : schema) field["points"] = collection.points;
        return good(json({{"status", collection.status},
                          {"optimizer_status", "ok"},
                          {"indexed_vectors_count", 0},
                          {"points_count", collection.points},
                          {"segments_count", 1},
                          {"config", json::parse(collection.config)},
                          {"payload_schema", schema},
                          {"update_queue", {{"length", 0}}}})
                        .dump());
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
        const auto body = json::parse(request_.body);
        auto schema = json::parse(there().schema);
        const auto& field = body.at("field_schema");
        json one = {{"data_type", field.is_object() ? field.at("type") : field}};
        if (field.is_object()) one["params"] = field;
        schema[body.at("field_name").get<std::string>()] = one;
        there().schema = schema.dump();
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
        if (is("GET")) return found == stored.end() ? as_text(404, none) : download(state_, *found, request_);
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
        return {.config = tiny_config, .schema = tiny_schema, .points = 50, .shards = {{.id = 0}}};
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
        const auto wanted = query(request_, "checksum"), has = io::sha256(file.bytes);
        // The server mixes the two up, and so does this.
        if (!wanted.empty() && wanted != has)
            throw Refusal{error(400, fmt::format("Checksum mismatch: expected {}, actual {}", has, wanted))};
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
    state_.collections["tiny"] = {.config = tiny_config, .schema = tiny_schema, .points = 50, .shards = {{.id = 0}}};
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
