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

std::optional<Unpacked> unpack(const std::string& bytes) {
    Unpacked found;
    for (std::size_t at = 0; at + block <= bytes.size() && bytes[at] != '\0';) {
        const auto header = bytes.substr(at, block);
        if (header.compare(257, 5, "ustar") != 0) return std::nullopt;
        std::size_t size = 0;
        std::from_chars(header.data() + 124, header.data() + 135, size, 8);
        if (at + block + padded(size) > bytes.size()) return std::nullopt;
        take(found, header.c_str(), bytes.substr(at + block, size));
        at += block + padded(size);
    }
    if (bytes.size() < block) return std::nullopt;
    return found;
}

}  // namespace vbackup::test::played
