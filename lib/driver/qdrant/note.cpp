// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/note.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/url.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver::qdrant {

namespace {

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "2026-11-21-07-36-33"
bool is_timestamp(std::string_view text) {
    constexpr std::string_view shape = "0000-00-00-00-00-00";
    if (text.size() != shape.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (shape[i] == '-' ? text[i] != '-' : !is_digits(text.substr(i, 1))) return false;
    }
    return true;
}

bool take_front(std::string_view& text, std::string_view front) {
    if (!text.starts_with(front)) return false;
    text.remove_prefix(front.size());
    return true;
}

bool take_back(std::string_view& text, std::string_view back) {
    if (!text.ends_with(back)) return false;
    text.remove_suffix(back.size());
    return true;
}

}  // namespace

std::string_view word(Unit unit) {
    switch (unit) {
        case Unit::shard:
            return "shard";
        case Unit::collection:
            return "collection";
        case Unit::storage:
            return "storage";
    }
    return "";
}

std::optional<Unit> parse_unit(std::string_view word_) {
    for (const auto unit : {Unit::shard, Unit::collection, Unit::storage}) {
        if (word(unit) == word_) return unit;
    }
    return std::nullopt;
}

std::string Place::path() const {
    if (unit == Unit::storage) return "/snapshots";
    const auto base = "/collections/" + percent_encode(collection);
    return unit == Unit::collection ? base + "/snapshots" : base + "/shards/" + shard + "/snapshots";
}

std::string Place::text() const {
    if (unit == Unit::storage) return "the whole storage";
    if (unit == Unit::collection) return fmt::format("collection {}", collection);
    return fmt::format("shard {} of collection {}", shard, collection);
}

model::Part Place::part() const {
    return {.node = node, .shard = shard, .collection = collection};
}

bool Place::owns(std::string_view name) const {
    if (!take_back(name, ".snapshot") || name.size() < 19 || !is_timestamp(name.substr(name.size() - 19))) return false;
    name.remove_suffix(19);
    if (unit == Unit::storage) return name == "full-snapshot-";
    if (!take_front(name, collection + "-")) return false;
    if (unit == Unit::shard) return name == "shard-" + shard + "-";
    return take_back(name, "-") && is_digits(name);  // the peer's id
}

model::JsonText render(const Note& note) {
    nlohmann::ordered_json json = {{"unit", word(note.place.unit)}};
    const auto put = [&](const char* key, const std::string& value) {
        if (!value.empty()) json[key] = value;
    };
    put("action", note.action);
    put("collection", note.place.collection);
    put("shard", note.place.shard);
    put("node", note.place.node);
    put("name", note.name);
    put("body", note.body);
    put("key", note.key);
    put("sha256", note.sha256);
    put("source", note.source);
    put("base", note.base);
    if (!note.before.empty()) json["before"] = note.before;
    if (note.several) json["several"] = true;
    if (note.rank) json["rank"] = note.rank;
    if (note.shards) json["shards"] = note.shards;
    if (note.replicas) json["replicas"] = note.replicas;
    if (note.points) json["points"] = *note.points;
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Note parse_note(const model::JsonText& text) {
    try {
        const auto json = nlohmann::json::parse(model::shallow(text));
        Note note;
        note.action = json.value("action", "");
        const auto unit = parse_unit(json.at("unit").get<std::string>());
        if (!unit) throw Error(ErrorKind::corrupt, "the backup's notes for Qdrant name a unit that is not known");
        note.place = {*unit, json.value("collection", ""), json.value("shard", ""), json.value("node", "")};
        note.name = json.value("name", "");
        note.before = json.value("before", std::vector<std::string>{});
        note.several = json.value("several", false);
        note.body = json.value("body", "");
        note.key = json.value("key", "");
        note.rank = json.value("rank", 0U);
        note.shards = json.value("shards", 0U);
        note.replicas = json.value("replicas", 0U);
        note.sha256 = json.value("sha256", "");
        note.source = json.value("source", "");
        note.base = json.value("base", "");
        if (json.contains("points")) note.points = json.at("points").get<std::uint64_t>();
        return note;
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::corrupt, "the backup's notes for Qdrant are damaged");
    }
}

std::string safe_name(const std::string& collection) {
    // "." and ".." are made of good characters, yet they are paths.
    if (collection.find_first_not_of('.') == std::string::npos) return fmt::format("dots-{}", collection.size());
    return collection.find_first_of("/\\") == std::string::npos ? collection : percent_encode(collection);
}

std::string file_name(const Place& place) {
    if (place.unit == Unit::storage) return "data/storage.snapshot";
    const auto name = safe_name(place.collection);
    if (place.unit == Unit::collection && !place.node.empty())
        return fmt::format("data/{}/node-{}.snapshot", name, place.node);
    if (place.unit == Unit::collection) return fmt::format("data/{}.snapshot", name);
    return fmt::format("data/{}/shard-{}.snapshot", name, place.shard);
}

}  // namespace vbackup::driver::qdrant
