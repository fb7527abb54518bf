// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/resp_server.hpp"

namespace vbackup::test {

// A Dragonfly 1.40 that is only played, as contracts.md B.2 tells of it, since no real one can be had: `+OK` to BGSAVE, one
// save at a time, the fields of INFO, `-LOADING`, DFLY LOAD, search indexes as FT.INFO shows them. With `product` it is a
// Redis 7 instead. Keys are strings; what DUMP gives is what Redis gives for them. Time is counted in looks at INFO: a save
// ends at the look whose number is `looks`. DFLY LOAD clears everything before it looks for the file, and answers at the
// end; until then only those commands are worked on that the sources let through (f8eca6d, CO::LOADING). Thread-safe.
class ScriptedDragonfly {
public:
    struct Value {
        std::string text;
        std::uint64_t expiry = 0;  // ms since 1970; 0: none
        bool operator==(const Value&) const = default;
    };
    using Database = std::map<std::string, Value>;
    struct State {
        std::string product = "dragonfly";  // or "redis"
        std::map<std::uint32_t, Database> databases;
        std::map<std::string, std::string> indexes;  // name, and what FT.INFO answers as it goes out
        std::vector<std::string> users;              // lines of ACL LIST
        std::string password, user;
        std::vector<std::string> denied;  // commands that the user may not give
        std::vector<std::string> unknown;
        bool loading = false;
        int loads_for = 0;           // looks at INFO until a DFLY LOAD, or a start anew, has ended; 0: at once
        int loads_left = 0;          // of these; 0 while `loading`: it never ends
        std::string load_error;      // what it answers then; half of the keys are there
        bool loads_nothing = false;  // it answers OK, and no key is there
        std::string load_path;       // of the snapshot that is loaded; empty: what it had when it was started anew
        bool replica = false;
        std::string cluster_nodes;                       // what CLUSTER NODES answers; empty: no cluster
        std::function<bool(std::string_view key)> owns;  // in a cluster: whose key it is; false is answered by `moved`
        std::string moved;                               // "MOVED 1 127.0.0.1:7001"
        std::uint64_t now = 1'795'247'220'000;           // ms; the fake clock's
        std::uint64_t uptime = 1000;
        std::string run_id = "4711";  // of a Redis
        std::uint64_t changes = 0;
        std::uint32_t last_database = 15;
        std::uint16_t gives = 9;                 // the format of what DUMP gives
        std::uint16_t takes = 12;                // the highest that RESTORE takes
        std::string most_at_once = "536870912";  // proto-max-bulk-len
        std::size_t page = 3;                    // keys in one answer of SCAN
        bool scans_twice = false;                // SCAN names every key a second time
        int looks = 2;                           // at INFO until a save has ended
        std::uint64_t save_took = 0;             // s, as INFO says it
        bool save_fails = false;
        bool save_stalls = false;
        std::string folder = "/data";  // of its snapshots
        // What a save has left.
        int looks_left = 0;
        bool saving = false;
        std::string saving_as;
        std::uint64_t last_success = 0, last_failed = 0;
        std::string last_file, last_error;
        std::map<std::string, std::map<std::uint32_t, Database>> snapshots;  // by the path of their summary
        std::function<void(const RespCommand&)> before;                      // called before each command is worked on
        std::function<std::optional<RespAnswer>(const RespCommand&)> fault;  // instead of an answer
    };

    ScriptedDragonfly();
    ScriptedDragonfly(const ScriptedDragonfly&) = delete;
    ScriptedDragonfly& operator=(const ScriptedDragonfly&) = delete;

    std::string url() const;  // "dragonfly://127.0.0.1:40123"
    RespServer& wire() { return *server_; }
    // Under its lock.
    template <typename Work>
    auto with(const Work& work) {
        const std::scoped_lock lock(mutex_);
        return work(state_);
    }
    void set(std::uint32_t database, const std::string& key, std::string text, std::uint64_t expiry = 0);
    std::map<std::uint32_t, Database> databases();

    // A crash: all connections end, and it loads what it has for `looks` at INFO. Not from within the server.
    void start_anew(int looks);

    // What DUMP gives for a string, with its version and checksum.
    static std::string dump(std::string_view text, std::uint16_t format = 9);
    static std::optional<std::string> undump(std::string_view payload);

private:
    RespAnswer answer(RespSession& session, const RespCommand& command);
    bool may(const RespSession& session, const std::string& name) const;
    std::string work(RespSession& session, const RespCommand& command);
    std::string keys(RespSession& session, const std::string& name, const RespCommand& command);
    std::string search(const std::string& name, const RespCommand& command);
    std::string transaction(RespSession& session, const std::string& name, const RespCommand& command);
    std::string info();
    std::string scan(const RespSession& session, const RespCommand& command);
    std::string restore(const RespSession& session, const RespCommand& command);
    std::string save(const RespCommand& command);
    RespAnswer load(const RespCommand& command);
    void end_save();
    void end_load();
    Value* find(const RespSession& session, const std::string& key);

    std::mutex mutex_;
    State state_;
    std::promise<std::string> loaded_;
    std::unique_ptr<RespServer> server_;
};

}  // namespace vbackup::test
