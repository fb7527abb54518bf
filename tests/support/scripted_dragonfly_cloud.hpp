// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

#include "support/http_server.hpp"
#include "support/scripted_dragonfly.hpp"

namespace vbackup::test {

// The published API of Dragonfly Cloud as contracts.md B.1 tells of it, with one data store whose own endpoint is a scripted
// Dragonfly. PUT replaces the configuration by what it was sent, as the real one does; a restore clears the data store and is
// `restoring` for some looks, then `active`, and one look later loaded. Other routes, those of backups above all, are 404.
// Thread-safe.
class ScriptedDragonflyCloud {
public:
    static constexpr const char* key = "dfc-key-123";
    static constexpr const char* id = "dst_9k2v0xw1e";

    struct State {
        std::string status = "active";
        std::string config;  // JSON
        int looks = 2;       // until a restore is active
        int looks_left = 0;
        bool loads = false;         // a restore is under way and not loaded
        bool keeps_loaded = false;  // a restore is taken, and its `loaded` stays true until it begins
        int updates = 0;            // looks for which it is `updating` then, before it is `active` as before
        int begins_after = 0;       // looks
        int begins_left = 0;
        bool never_loads = false;  // active for good, and never loaded
        bool forgets = false;      // drops fields that are not in the published SDK, as a careless server would
        bool lies = false;         // takes a PUT and changes nothing
        std::string loaded_key = "from the cloud";
    };

    explicit ScriptedDragonflyCloud(ScriptedDragonfly& data);

    HttpServer& http() { return http_; }
    std::string base() const { return http_.base(); }
    template <typename Work>
    auto with(const Work& work) {
        const std::scoped_lock lock(mutex_);
        return work(state_);
    }
    std::string config() {
        return with([](State& state) { return state.config; });
    }

private:
    Answer get();
    Answer put(const std::string& body);
    std::string shown();

    ScriptedDragonfly& data_;
    std::mutex mutex_;
    State state_;
    HttpServer http_;
};

}  // namespace vbackup::test
