// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "support/scripted_qdrant_node.hpp"

namespace vbackup::test::played {

namespace {

using json = nlohmann::ordered_json;
using namespace wire;

// The keys that a request asks for, as JSON; none for all.
std::vector<std::string> keys_asked(const json& body) {
    std::vector<std::string> keys;
    if (!body.contains("shard_key") || body.at("shard_key").is_null()) return keys;
    const auto& asked = body.at("shard_key");
    for (const auto& key : asked.is_array() ? asked : json::array({asked})) keys.push_back(key.dump());
    return keys;
}

// All that could be asked were, in vain.
Answer nothing_readable(const State& state, const Shard& shard, std::size_t node) {
    std::string tries;
    std::size_t count = 0;
    for (auto replica = shard.replicas.rbegin(); replica != shard.replicas.rend(); ++replica) {
        if (replica->second.state != "Active") continue;
        ++count;
        tries += fmt::format(
            "\n  Service internal error: Tonic status error: code: 'The service is currently unavailable', "
            "message: \"Failed to connect to {}, error: transport error\"",
            state.nodes[replica->first].uri);
    }
    if (count == 0)
        return error(500,
                     fmt::format("Service internal error: The replica set for shard {} on peer {} does not have enough "
                                 "active replicas",
                                 shard.id, state.nodes[node].peer));
    return error(500, fmt::format("Service internal error: {0} of {0} read operations failed:{1}", count, tries));
}

struct Point {
    const Shard& shard;
    const std::string& text;
};

// What a node sees of one shard.
struct Seen {
    const Shard& shard;
    const Points& points;
};

// Of all shards, or of those of the keys that are asked for.
std::vector<Seen> seen(const Asked& asked, const json& body) {
    const auto& shards = asked.collection().shards;
    const auto keys = keys_asked(body);
    for (const auto& key : keys) {
        if (std::none_of(shards.begin(), shards.end(), [&](const auto& shard) { return shard.key == key; }))
            throw Refusal{error(400, fmt::format("Bad request: Shard key {} not found", key))};
    }
    std::vector<Seen> all;
    for (const auto& shard : shards) {
        if (!keys.empty() && std::find(keys.begin(), keys.end(), shard.key) == keys.end()) continue;
        const auto* points = readable(asked.state, shard, asked.node);
        if (points == nullptr) throw Refusal{nothing_readable(asked.state, shard, asked.node)};
        all.push_back({shard, *points});
    }
    return all;
}

// A point counts under each of its keys.
Answer count(const Asked& asked, const json& body) {
    std::size_t all = 0;
    for (const auto& one : seen(asked, body)) all += one.points.size();
    return good(fmt::format(R"({{"count":{}}})", all));
}

json shown(std::uint64_t id, const Point& one, const json& body) {
    const auto point = json::parse(one.text, nullptr, false);
    if (point.is_discarded()) throw Refusal{error(500, "Service internal error: Failed to read payload")};
    json shown = {{"id", id}};
    if (body.value("with_payload", json(true)) != false) shown["payload"] = point.value("payload", json::object());
    if (body.value("with_vector", json(false)) != false) shown["vector"] = point.value("vector", json::object());
    if (!one.shard.key.empty()) shown["shard_key"] = json::parse(one.shard.key);
    return shown;
}

// Of points with one id only one shows.
Answer scroll(const Asked& asked, const json& body) {
    const auto limit = body.value("limit", std::size_t{10});
    const auto from =
        body.contains("offset") && body.at("offset").is_number() ? body.at("offset").get<std::uint64_t>() : 0;
    std::map<std::uint64_t, Point> page;
    for (const auto& [shard, all] : seen(asked, body)) {
        std::size_t taken = 0;
        for (auto one = all.lower_bound(from); one != all.end() && taken <= limit; ++one, ++taken)
            page.emplace(one->first, Point{shard, one->second});
    }
    json points = json::array(), next;
    for (const auto& [id, point] : page) {
        if (points.size() == limit) {
            next = id;
            break;
        }
        points.push_back(shown(id, point, body));
    }
    return good(json({{"points", points}, {"next_page_offset", next}}).dump());
}

Answer retrieve(const Asked& asked, const json& body) {
    const auto all = seen(asked, body);
    json points = json::array();
    for (const auto& id : body.at("ids")) {
        for (const auto& [shard, there] : all) {
            const auto found = there.find(id.get<std::uint64_t>());
            if (found == there.end()) continue;
            points.push_back(shown(found->first, {shard, found->second}, body));
            break;
        }
    }
    return good(points.dump());
}

}  // namespace

Answer points(const Asked& asked) {
    if (!asked.is("POST")) return {.status = 404};
    const auto body = json::parse(asked.request.body);
    if (asked.at(3) == "count") return count(asked, body);
    if (asked.at(3) == "scroll") return scroll(asked, body);
    return asked.parts.size() == 3 ? retrieve(asked, body) : Answer{.status = 404};
}

}  // namespace vbackup::test::played
