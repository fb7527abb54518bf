// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/note.hpp"

#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver::dragonfly {

namespace {

using nlohmann::json;

json to_json(const io::KeySummary& summary) {
    auto databases = json::array();
    for (const auto& [database, counts] : summary.databases) {
        json one{{"database", database}, {"keys", counts.keys}};
        if (counts.with_expiry > 0) one["with_expiry"] = counts.with_expiry;
        if (counts.perhaps_twice > 0) one["perhaps_twice"] = counts.perhaps_twice;
        if (counts.vanished > 0) one["vanished"] = counts.vanished;
        if (counts.largest > 0) one["largest"] = counts.largest;
        if (counts.version > 0) one["version"] = counts.version;
        if (counts.with_expiry > 0) one["expiring"] = counts.expiring;
        databases.push_back(std::move(one));
    }
    return {{"begun", summary.begun}, {"definitions", summary.definitions}, {"databases", std::move(databases)}};
}

io::KeySummary summary_of(const json& from) {
    io::KeySummary summary{.begun = from.at("begun").get<std::uint64_t>()};
    summary.definitions = from.at("definitions").get<std::uint64_t>();
    for (const auto& one : from.at("databases")) {
        auto& counts = summary.databases[one.at("database").get<std::uint32_t>()];
        counts.keys = one.at("keys").get<std::uint64_t>();
        counts.with_expiry = one.value("with_expiry", std::uint64_t{0});
        counts.perhaps_twice = one.value("perhaps_twice", std::uint64_t{0});
        counts.vanished = one.value("vanished", std::uint64_t{0});
        counts.largest = one.value("largest", std::uint64_t{0});
        counts.version = one.value("version", std::uint32_t{0});
        if (one.contains("expiring")) counts.expiring = one.at("expiring").get<io::KeyCounts::Expiring>();
    }
    return summary;
}

[[noreturn]] void foreign(const char* why) {
    throw Error(ErrorKind::corrupt, "the backup's notes of the driver make no sense: " + one_line(why, 200));
}

}  // namespace

model::JsonText render(const Note& note) {
    json to{{"action", note.action}};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) to[name] = value;
    };
    add("node", note.node);
    add("match", note.match);
    add("text", note.text);
    add("words", note.words);
    add("file", note.file);
    if (!note.databases.empty()) to["databases"] = note.databases;
    for (const auto& [from, into] : note.destinations) to["destinations"].push_back({from, into});
    for (const auto& [database, space] : note.spaces) to["spaces"].push_back({database, space.keys, space.expires});
    if (note.files > 0) to["files"] = note.files;
    if (!note.compress) to["compress"] = false;
    if (note.everything) to["everything"] = true;
    if (note.overwrite) to["overwrite"] = true;
    if (note.acl) to["acl"] = true;
    if (!note.before.empty()) to["before"] = note.before;
    if (note.counted) to["counted"] = to_json(*note.counted);
    for (const auto& [database, count] : note.sent) to["sent"].push_back({database, count});
    for (const auto& [name, left] : note.files_left) to["files_left"].push_back({name, left.size, left.written});
    add("machine", note.machine);
    return to.dump();
}

Note parse_note(const model::JsonText& text) {
    try {
        const auto from = json::parse(model::shallow(text));
        Note note;
        note.action = from.at("action").get<std::string>();
        note.node = from.value("node", "");
        note.match = from.value("match", "");
        note.text = from.value("text", "");
        note.words = from.value("words", "");
        note.file = from.value("file", "");
        note.databases = from.value("databases", std::vector<std::uint32_t>{});
        for (const auto& one : from.value("destinations", json::array()))
            note.destinations.emplace(one.at(0).get<std::uint32_t>(), one.at(1).get<std::uint32_t>());
        for (const auto& one : from.value("spaces", json::array()))
            note.spaces[one.at(0).get<std::uint32_t>()] = {one.at(1).get<std::uint64_t>(),
                                                           one.at(2).get<std::uint64_t>()};
        note.files = from.value("files", std::uint64_t{0});
        note.compress = from.value("compress", true);
        note.everything = from.value("everything", false);
        note.overwrite = from.value("overwrite", false);
        note.acl = from.value("acl", false);
        note.before = from.value("before", std::map<std::string, std::string>{});
        if (from.contains("counted")) note.counted = summary_of(from.at("counted"));
        for (const auto& one : from.value("sent", json::array()))
            note.sent[one.at(0).get<std::uint32_t>()] = one.at(1).get<std::uint64_t>();
        for (const auto& one : from.value("files_left", json::array()))
            note.files_left[one.at(0).get<std::string>()] = {one.at(1).get<std::uint64_t>(),
                                                             one.at(2).get<std::int64_t>()};
        note.machine = from.value("machine", "");
        return note;
    } catch (const json::exception& error) {
        foreign(error.what());
    }
}

model::JsonText render(const About& about) {
    json to = json::object();
    if (!about.indexes.empty()) to["indexes"] = about.indexes;
    if (!about.functions.empty()) to["functions"] = about.functions;
    if (!about.users.empty()) to["users"] = about.users;
    if (!about.match.empty()) to["match"] = about.match;
    if (about.whole) to["whole"] = true;
    return to.dump();
}

About parse_about(const model::JsonText& text) {
    if (text.empty()) return {};
    try {
        const auto from = json::parse(model::shallow(text));
        const auto names = [&](const char* field) { return from.value(field, std::vector<std::string>{}); };
        return {names("indexes"), names("functions"), names("users"), from.value("match", ""),
                from.value("whole", false)};
    } catch (const json::exception& error) {
        foreign(error.what());
    }
}

}  // namespace vbackup::driver::dragonfly
