// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_qdrant_wire.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/digest.hpp"

namespace vbackup::test::wire {

namespace {

using json = nlohmann::ordered_json;
// What a server fills in where a PUT is silent; the sizes are those of the recorded collection `tiny`.
constexpr const char* fresh_config =
    R"({"params":{"shard_number":1,"replication_factor":1,"write_consistency_factor":1,"on_disk_payload":true},"hnsw_config":{"m":16,"ef_construct":100,"full_scan_threshold":10000,"max_indexing_threads":0,"on_disk":false},"optimizer_config":{"deleted_threshold":0.2,"vacuum_min_vector_number":1000,"default_segment_number":1,"max_segment_size":null,"memmap_threshold":null,"indexing_threshold":10000,"flush_interval_sec":5,"max_optimization_threads":null,"prevent_unoptimized":null},"wal_config":{"wal_capacity_mb":1,"wal_segments_ahead":0,"wal_retain_closed":1},"quantization_config":null})";

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

// The one part `snapshot` of a form.
Stored part_of(const HttpRequest& request) {
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

}  // namespace

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

std::string key_of(const HttpRequest& request) {
    const auto key = request.header("api-key"), bearer = request.header("authorization");
    if (!key.empty()) return std::string(key);
    if (bearer.starts_with("Bearer ")) return std::string(bearer.substr(7));
    throw Refusal{{.status = 401, .body = "Must provide an API key or an Authorization bearer token"}};
}

Answer greeting(const std::string& version) {
    return as_json(
        200,
        fmt::format(
            R"({{"title":"qdrant - vector search engine","version":"{}","commit":"74f3e85b9473c62560006c043e13737ce6b48412"}})",
            version));
}

std::string described(const Stored& one) {
    json body = {{"name", one.name}, {"creation_time", one.created}, {"size", one.bytes.size()}};
    if (!one.checksum.empty()) body["checksum"] = one.checksum;
    return body.dump();
}

std::string listed(std::vector<Stored>& stored) {
    std::string body;
    for (auto& one : stored) {
        if (one.looks-- > 0) continue;
        body += (body.empty() ? "" : ",") + described(one);
    }
    return "[" + body + "]";
}

Answer download(const Stored& one, const HttpRequest& request, bool s3) {
    Answer answer{.headers = {{"Content-Type", "application/octet-stream"}}};
    answer.body = one.bytes;
    if (s3) {
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

Stored uploaded(const HttpRequest& request) {
    auto file = part_of(request);
    const auto wanted = query(request, "checksum"), has = io::sha256(file.bytes);
    // The server mixes the two up, and so does this.
    if (!wanted.empty() && wanted != has)
        throw Refusal{error(400, fmt::format("Checksum mismatch: expected {}, actual {}", has, wanted))};
    return file;
}

std::string config_of(const std::string& text) {
    auto config = json::parse(fresh_config), body = json::parse(text);
    if (body.contains("optimizers_config")) config["optimizer_config"].update(body["optimizers_config"]);
    body.erase("optimizers_config");
    for (const auto* part : {"hnsw_config", "wal_config", "quantization_config", "strict_mode_config", "metadata"}) {
        if (!body.contains(part)) continue;
        if (config.contains(part) && config[part].is_object() && body[part].is_object())
            config[part].update(body[part]);
        else
            config[part] = body[part];
        body.erase(part);
    }
    config["params"].update(body);
    return config.dump();
}

std::string shown(const std::string& status, std::uint64_t points, const std::string& config,
                  const std::string& schema) {
    auto fields = json::parse(schema);
    for (auto& field : fields) field["points"] = points;
    return json({{"status", status},
                 {"optimizer_status", "ok"},
                 {"indexed_vectors_count", 0},
                 {"points_count", points},
                 {"segments_count", 1},
                 {"config", json::parse(config)},
                 {"payload_schema", fields},
                 {"update_queue", {{"length", 0}}}})
        .dump();
}

std::string with_index(const std::string& schema, const std::string& text) {
    const auto body = json::parse(text);
    const auto& field = body.at("field_schema");
    json one = {{"data_type", field.is_object() ? field.at("type") : field}};
    if (field.is_object()) one["params"] = field;
    auto all = json::parse(schema);
    all[body.at("field_name").get<std::string>()] = one;
    return all.dump();
}

}  // namespace vbackup::test::wire
