// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/points.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "io/digest.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver::qdrant {

namespace {

using nlohmann::json;

net::Request ask(const Points& points, std::string_view rest, json body) {
    if (!points.key.empty()) body["shard_key"] = json::parse(model::shallow(points.key));
    return {.method = "POST", .path = below(points.collection, rest), .body = body.dump()};
}

// The strict mode of a collection refuses what would be slow: 400 "… disabled" or "… exceeded".
bool is_refused_by_strict_mode(const net::Response& response) {
    if (response.status != 400) return false;
    const auto said = words(response);
    return said.find("disabled") != std::string::npos || said.find("imit exceeded") != std::string::npos;
}

template <typename Read>
auto read_answer(const net::Response& response, const std::string& what, Read read) {
    require_good(response, what);
    try {
        return read(json::parse(model::shallow(response.body)).at("result"));
    } catch (const json::exception& error) {
        throw Error(ErrorKind::not_understood,
                    fmt::format("cannot {}: the answer makes no sense ({})", what, one_line(error.what(), 200)),
                    "is that address really a Qdrant?");
    }
}

// nlohmann's objects are sorted by key, and numbers come as the same server writes the same bits.
Sample read_point(const json& point, const model::JsonText& key) {
    const json content = {{"payload", point.value("payload", json())}, {"vector", point.value("vector", json())}};
    return {.id = point.at("id").dump(), .key = key, .digest = io::sha256(content.dump())};
}

std::vector<Sample> read_points(const json& points, const model::JsonText& key) {
    std::vector<Sample> samples;
    for (const auto& point : points) samples.push_back(read_point(point, key));
    return samples;
}

}  // namespace

std::optional<std::uint64_t> count(Call& call, const Client& client, const Points& points) {
    auto request = ask(points, "/points/count", {{"exact", true}});
    // An exact count reads every point id: minutes on a large collection, and not a byte comes before.
    request.silence = std::chrono::minutes(30);
    const auto response = client.http().send(call, request);
    if (is_refused_by_strict_mode(response)) return std::nullopt;
    return read_answer(response, fmt::format("count the points of collection {}", points.collection),
                       [](const json& result) { return result.at("count").get<std::uint64_t>(); });
}

std::vector<Sample> first_points(Call& call, const Client& client, const Points& points, std::size_t limit) {
    const auto request =
        ask(points, "/points/scroll", {{"limit", limit}, {"with_payload", true}, {"with_vector", true}});
    const auto response = client.http().send(call, request);
    if (is_refused_by_strict_mode(response)) return {};
    return read_answer(response, fmt::format("look at points of collection {}", points.collection),
                       [&](const json& result) { return read_points(result.at("points"), points.key); });
}

std::vector<Sample> points_now(Call& call, const Client& client, const std::string& collection,
                               const std::vector<Sample>& wanted) {
    std::map<model::JsonText, json> ids;
    for (const auto& sample : wanted) {
        auto& group = ids[sample.key];
        if (group.is_null()) group = json::array();
        group.push_back(json::parse(model::shallow(sample.id)));
    }
    std::vector<Sample> all;
    for (const auto& [key, group] : ids) {
        const auto request =
            ask({collection, key}, "/points", {{"ids", group}, {"with_payload", true}, {"with_vector", true}});
        const auto now =
            read_answer(client.http().send(call, request), fmt::format("look at points of collection {}", collection),
                        [&, &key = key](const json& result) { return read_points(result, key); });
        all.insert(all.end(), now.begin(), now.end());
    }
    return all;
}

}  // namespace vbackup::driver::qdrant
