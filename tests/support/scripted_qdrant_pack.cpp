// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_qdrant_pack.hpp"

#include <charconv>
#include <numeric>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vbackup::test::played {

namespace {

using json = nlohmann::ordered_json;
constexpr std::size_t block = 512;
constexpr std::size_t points_in_segment = 64;

std::size_t padded(std::size_t size) {
    return (size + block - 1) / block * block;
}

unsigned checksum(std::string_view header) {
    return std::accumulate(header.begin(), header.end(), 0U,
                           [](unsigned sum, char c) { return sum + static_cast<unsigned char>(c); });
}

void add(std::string& tar, const std::string& name, const std::string& text) {
    std::string header(block, '\0');
    const auto put = [&](std::size_t at, const std::string& field) { header.replace(at, field.size(), field); };
    put(0, name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", text.size()));
    put(136, "00000000000");
    put(148, "        ");
    put(156, "0");
    put(257, std::string("ustar\0"
                         "00",
                         8));
    put(148, fmt::format("{:06o}", checksum(header)) + '\0' + ' ');
    tar += header + text;
    tar.resize(padded(tar.size()));
}

void end(std::string& tar) {
    tar.resize(tar.size() + 2 * block);
}

void add_points(std::string& tar, const std::string& folder, const Points& points) {
    std::string text;
    std::size_t count = 0, segment = 0;
    const auto flush = [&] {
        add(tar, fmt::format("{}segments/{}.tar", folder, segment++), text);
        text.clear();
    };
    for (const auto& [id, point] : points) {
        text += fmt::format("{} {}\n", id, point);
        if (++count % points_in_segment == 0) flush();
    }
    flush();
    add(tar, folder + "newest_clocks.json", "{}");
    add(tar, folder + "shard_config.json", R"({"type":"ReplicaSet"})");
}

void read_points(const std::string& text, Points& points) {
    std::stringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::uint64_t id = 0;
        const auto end = std::from_chars(line.data(), line.data() + line.size(), id).ptr;
        if (end != line.data() && *end == ' ')
            points[id] = line.substr(static_cast<std::size_t>(end - line.data()) + 1);
    }
}

// "3/segments/0.tar" is of shard 3, "segments/0.tar" of the only one.
std::uint32_t shard_of(const std::string& name) {
    std::uint32_t id = 0;
    std::from_chars(name.data(), name.data() + name.size(), id);
    return id;
}

// The version at which the optimizer built its segments.
constexpr int built_version = 7;
constexpr const char* open_segment = "59c4dc92-be06-4b1f-b32c-c31bff3d31e4";
const std::string matrix = "vector_storage/matrix.dat", links = "vector_index/links_compressed.bin",
                  gone_file = "id_tracker.deleted", state_file = "segment.json", writes = "payload_storage/page_0.dat";

// A segment's files by their path.
using Files = std::map<std::string, std::string>;

std::string lines_of(const Points& points) {
    std::string text;
    for (const auto& [id, point] : points) text += fmt::format("{} {}\n", id, point);
    return text;
}

std::map<std::string, Files> segments_of(const Replica& replica) {
    std::map<std::string, Files> segments;
    Points rest = replica.points;
    for (const auto& [id, points] : replica.built) {
        Points gone;
        for (const auto& [point, text] : points) {
            const auto now = replica.points.find(point);
            if (now == replica.points.end() || now->second != text)
                gone[point] = "-";
            else
                rest.erase(point);
        }
        segments[id] = {{matrix, lines_of(points)},
                        {links, "links of " + id},
                        {gone_file, lines_of(gone)},
                        {state_file, json({{"version", 9}, {"initial_version", built_version}}).dump()}};
    }
    segments[open_segment] = {{writes, lines_of(rest)},
                              {state_file, json({{"version", 9}, {"initial_version", nullptr}}).dump()}};
    return segments;
}

json manifest_of_segment(const std::string& id, const Files& files) {
    json versions = json::object();
    for (const auto& [path, _] : files) {
        if (path == state_file) continue;  // always sent, and never listed
        versions[path] = path == matrix || path == links ? json(built_version) : path == writes ? json(9) : json();
    }
    return {{"segment_id", id}, {"segment_version", 9}, {"file_versions", versions}};
}

// The file's own version, or its segment's.
std::uint64_t version_in(const json& segment, const std::string& path) {
    const auto& version = segment.at("file_versions").at(path);
    return version.is_null() ? segment.at("segment_version").get<std::uint64_t>() : version.get<std::uint64_t>();
}

bool is_left_out(const json& old, const json& now, const std::string& path) {
    const bool known = old.is_object() && old.at("file_versions").contains(path);
    return known && now.at("file_versions").contains(path) && version_in(old, path) >= version_in(now, path);
}

void end_shard(std::string& tar) {
    add(tar, "newest_clocks.json", "{}");
    add(tar, "replica_state.json", R"({"is_local":true})");
    add(tar, "shard_config.json", R"({"type":"ReplicaSet"})");
    end(tar);
}

// Calls with the name and the bytes of each entry; false when it is no tar.
template <typename Take>
bool each_entry(const std::string& bytes, Take take_entry) {
    for (std::size_t at = 0; at + block <= bytes.size() && bytes[at] != '\0';) {
        const auto header = bytes.substr(at, block);
        if (header.compare(257, 5, "ustar") != 0) return false;
        std::size_t size = 0;
        std::from_chars(header.data() + 124, header.data() + 135, size, 8);
        if (at + block + padded(size) > bytes.size()) return false;
        take_entry(std::string(header.c_str()), bytes.substr(at + block, size));
        at += block + padded(size);
    }
    return bytes.size() >= block;
}

void take_segment(Unpacked& into, const std::string& id, const Files& files) {
    auto& points = into.shards[0];
    into.partial = into.partial || files.contains("segment_manifest.json");
    if (files.contains(gone_file)) {
        into.torn = into.torn || !files.contains(matrix) || !files.contains(links);
        if (into.torn) return;
        Points all, gone;
        read_points(files.at(matrix), all);
        read_points(files.at(gone_file), gone);
        into.built[0][id] = all;
        for (const auto& [point, _] : gone) all.erase(point);
        points.insert(all.begin(), all.end());
    } else if (files.contains(writes)) {
        read_points(files.at(writes), points);
    }
}

void take(Unpacked& into, const std::string& name, const std::string& text) {
    if (name == "config.json") {
        into.config = text;
        into.listed = json::parse(text).at("shards");
    } else if (name == "payload_index.json") {
        into.schema = text;
    } else if (name.find("segments/") != std::string::npos) {
        read_points(text, into.shards[shard_of(name)]);
    }
}

// "segments/ID.tar" that is a tar itself, or "segments/ID/files/PATH".
bool take_built(std::map<std::string, Files>& segments, const std::string& name, const std::string& text) {
    const std::string front = "segments/", middle = "/files/", inner = "snapshot/files/";
    if (!name.starts_with(front)) return false;
    if (name.ends_with(".tar") && text.size() > block && text.compare(257, 5, "ustar") == 0) {
        auto& files = segments[name.substr(front.size(), name.size() - front.size() - 4)];
        return each_entry(text, [&](const std::string& path, const std::string& bytes) {
            if (path.starts_with(inner)) files[path.substr(inner.size())] = bytes;
        });
    }
    const auto slash = name.find(middle);
    if (slash == std::string::npos) return false;
    segments[name.substr(front.size(), slash - front.size())][name.substr(slash + middle.size())] = text;
    return true;
}

}  // namespace

std::string pack_collection(const Collection& collection, std::size_t node) {
    std::string tar;
    json keys = json::array();
    for (const auto& shard : collection.shards) {
        const auto folder = fmt::format("{}/", shard.id);
        const auto own = shard.replicas.find(node);
        if (own != shard.replicas.end()) add_points(tar, folder, own->second.points);
        add(tar, folder + "replica_state.json",
            json({{"is_local", own != shard.replicas.end()}, {"this_peer_id", node}}).dump());
        if (!shard.key.empty()) keys.push_back({{"key", json::parse(shard.key)}, {"shard_ids", {shard.id}}});
    }
    add(tar, "version.info", "0.4.2");
    auto config = json::parse(collection.config);
    config["shards"] = collection.shards.size();
    add(tar, "config.json", config.dump());
    if (!keys.empty()) add(tar, "shard_key_mapping.json", keys.dump());
    add(tar, "payload_index.json", collection.schema);
    end(tar);
    return tar;
}

std::string pack_shard(const Points& points) {
    std::string tar;
    add_points(tar, "", points);
    add(tar, "replica_state.json", R"({"is_local":true})");
    end(tar);
    return tar;
}

std::string pack_shard(const Replica& replica) {
    if (replica.built.empty()) return pack_shard(replica.points);
    std::string tar;
    for (const auto& [id, files] : segments_of(replica)) {
        std::string inner;
        for (const auto& [path, text] : files) add(inner, "snapshot/files/" + path, text);
        add(tar, fmt::format("segments/{}.tar", id), inner);
    }
    end_shard(tar);
    return tar;
}

std::string manifest_of(const Replica& replica) {
    json all = json::object();
    for (const auto& [id, files] : segments_of(replica)) all[id] = manifest_of_segment(id, files);
    return all.dump();
}

std::string pack_partial(const Replica& replica, const std::string& manifest) {
    const auto old = json::parse(manifest);
    std::string tar;
    for (const auto& [id, files] : segments_of(replica)) {
        const auto folder = fmt::format("segments/{}/files/", id);
        const auto now = manifest_of_segment(id, files);
        add(tar, folder + "segment_manifest.json", now.dump());
        for (const auto& [path, text] : files) {
            if (!is_left_out(old.value(id, json()), now, path)) add(tar, folder + path, text);
        }
    }
    end_shard(tar);
    return tar;
}

std::optional<Unpacked> unpack(const std::string& bytes) {
    Unpacked found;
    std::map<std::string, Files> segments;
    const bool whole = each_entry(bytes, [&](const std::string& name, const std::string& text) {
        if (!take_built(segments, name, text)) take(found, name, text);
    });
    for (const auto& [id, files] : segments) take_segment(found, id, files);
    return whole ? std::optional(found) : std::nullopt;
}

}  // namespace vbackup::test::played
