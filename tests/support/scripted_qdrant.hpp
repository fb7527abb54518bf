// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/http_server.hpp"
#include "support/scripted_qdrant_wire.hpp"

namespace vbackup::test {

// A Qdrant 1.19.0 of one node that is only played: it answers as transcripts/qdrant recorded a real one, with the recorded
// tests/data/qdrant/tiny.snapshot behind every collection snapshot and tiny-shard.snapshot behind every shard's. It differs
// from the recording in dates, times, snapshot sizes and digests, etags, and in what a test sets in its state.
class ScriptedQdrant {
public:
    static constexpr const char* key = "test-key-123";
    static constexpr const char* read_only_key = "ro-key-456";

    using Stored = wire::Stored;
    struct Shard {
        std::uint32_t id = 0;
        std::string key;  // JSON
        std::string state = "Active";
        std::vector<Stored> snapshots = {};
    };
    struct Collection {
        std::string config;         // JSON, as GET shows it
        std::string schema = "{}";  // JSON, without `points`
        std::string status = "green";
        std::uint64_t points = 0;
        std::vector<Shard> shards = {};
        std::vector<Stored> snapshots = {};
        std::size_t remote = 0;  // replicas on nodes that are not there
    };
    struct State {
        std::string version = "1.19.0";
        std::size_t peers = 0;  // 0: no cluster mode
        bool wants_key = true;
        bool shows_work = true;  // /telemetry and /metrics tell what is at work
        bool knows_wait = true;  // false: wait=false is ignored, as old servers do
        bool s3 = false;         // no checksum, no ETag, no ranges
        bool url_recovery = true;
        int looks_until_made = 1;  // a snapshot is listed after that many lists that do not show it
        bool makes = true;         // false: snapshots are taken and never made
        int recoveries_shown = 0;  // how often telemetry shows a recovery after one began
        std::map<std::string, Collection> collections;
        std::map<std::string, std::string> aliases;
        std::vector<Stored> full;
        std::map<std::string, int> creating;  // collection → shown as at work
        std::string snapshots_directory = "/srv/test/qd1/node0/snapshots";
        std::string date;                  // of the Date header, which `/` has when this is set
        int second = 0;                    // of the names it gives: each snapshot is made in another second
        std::vector<std::string> uploads;  // bytes of the files that came in
    };

    // Holds one collection `tiny` with 50 points, as in transcripts/qdrant/single-10-tiny.txt.
    // `data` is the folder tests/data (TEST_DATA in tests).
    explicit ScriptedQdrant(const std::string& data);

    std::string base() const { return server_.base(); }
    HttpServer& server() { return server_; }
    // Runs `change` on the state; returns what it returns.
    template <typename Change>
    auto with(Change change) {
        const std::scoped_lock lock(mutex_);
        return change(state_);
    }
    // The next request of that method whose path matches (`*` is any run) gets this answer and does nothing.
    void once(std::string method, std::string path, Answer answer) {
        const std::scoped_lock lock(mutex_);
        rules_.push_back({std::move(method), std::move(path), std::move(answer), false});
    }
    // The next such request is done, but its answer is lost.
    void lose_answer(std::string method, std::string path, Fault fault = Fault::reset) {
        const std::scoped_lock lock(mutex_);
        rules_.push_back({std::move(method), std::move(path), {.fault = fault}, true});
    }
    // How many requests of that method had a target that matches.
    std::size_t count(const std::string& method, const std::string& pattern) const;

    // From the folder that the first server was given.
    static std::string tiny();        // bytes of tiny.snapshot
    static std::string tiny_shard();  // bytes of tiny-shard.snapshot

private:
    struct Rule {
        std::string method, path;
        Answer answer;
        bool acts;  // the request is done before
    };
    Answer answer(const HttpRequest& request);

    std::mutex mutex_;
    State state_;
    std::vector<Rule> rules_;
    HttpServer server_;  // last: its threads end before what they use
};

}  // namespace vbackup::test
