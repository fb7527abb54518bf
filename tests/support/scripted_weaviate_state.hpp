// SPDX-License-Identifier: Apache-2.0
#pragma once

// The inside of the scripted Weaviate, shared by its two files; tests include scripted_weaviate.hpp.

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/scripted_weaviate.hpp"

namespace vbackup::test::scripted {

using nlohmann::json;
using Names = std::vector<std::string>;

inline constexpr std::string_view zero_date = "0001-01-01T00:00:00.000Z";

// The server writes JSON without escaping and a line feed after it.
inline Answer say(int status, const json& body) {
    return {.status = status,
            .body = body.dump() + "\n",
            .headers = {{"Content-Type", "application/json"}, {"Vary", "Origin"}}};
}
inline Answer empty(int status) {
    return {.status = status, .headers = {{"Vary", "Origin"}}};
}
// Errors of its handlers, and of the framework below them.
inline Answer error(int status, const std::string& words) {
    return say(status, {{"error", json::array({{{"message", words}}})}});
}
inline Answer framework(int status, int code, const std::string& words) {
    return say(status, {{"code", code}, {"message", words}});
}

struct Key {
    std::string backend, bucket, path, id;
    auto operator<=>(const Key&) const = default;
};

// A backup or a restore in storage; while `looks` is not used up and it is held in memory, it is active.
struct Work {
    std::string status = "STARTED";
    std::string why;
    Names classes;
    std::string started, completed = std::string(zero_date);
    std::string base;
    int looks = 0;
    bool cancelled = false;
    bool held = false;
    bool restores = false;
    std::map<std::string, ScriptedWeaviate::Collection> contents;
    std::map<std::string, std::string> aliases;
};

}  // namespace vbackup::test::scripted

namespace vbackup::test {

using namespace scripted;

struct ScriptedWeaviate::State {
    mutable std::mutex mutex;
    Script script;
    std::map<Key, Work> backups, restores;
    struct Once {
        std::string method, glob;
        Answer answer;
        bool after;
    };
    std::deque<Once> faults;
    int clock = 0;

    Answer serve(const HttpRequest& request);
    Answer answer(const HttpRequest& request);
    Answer meta() const;
    Answer nodes() const;
    Answer schema(const HttpRequest& request, const Names& parts);
    Answer graphql(const HttpRequest& request) const;
    Answer backup_routes(const HttpRequest& request, const Names& parts, const std::string& user);
    Answer create(const std::string& backend, const std::string& body, const std::string& user);
    Answer restore(const Key& where, const std::string& text, const std::string& user);
    Answer list(const std::string& backend, const std::string& order, const std::string& user) const;
    Answer status(std::map<Key, Work>& works, const Key& key, const std::string& user);
    Answer cancel(std::map<Key, Work>& works, const Key& key, const std::string& user);

    // Each moment that is written down is a second after the one before.
    std::string now() {
        ++clock;
        return fmt::format("2026-11-21T07:{:02}:{:02}.867Z", clock / 60 % 60, clock % 60);
    }
    std::string home(const Key& key) const;
    std::string missing(const Key& key, const std::string& file) const;
    void advance(const Key& key, Work& work);
    void finish_restore(const Key& key, Work& work);
    json config_of(const std::string& name) const;
    std::string descriptor_of(const Key& key, const Work& work) const;
    void write_files(const Key& key, const Work& work) const;
    bool is_on(const std::string& backend) const {
        return std::find(script.modules.begin(), script.modules.end(), backend) != script.modules.end();
    }
    Names class_names() const {
        Names names;
        for (const auto& [name, collection] : script.collections) names.push_back(name);
        return names;
    }

    HttpServer http;  // last, so that nobody asks any more when the rest goes
};

}  // namespace vbackup::test
