// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/http_server.hpp"

namespace vbackup::test {

// A Weaviate 1.39.0 in this process, as far as backups go. It answers as the recordings in tests/data/weaviate do, quirks
// included (tests/contract/weaviate/recording_test.cpp compares them): the zero date while a job runs, 204 for a cancel of
// anything, both error shapes, a custom path that lists do not show, a restore that fails late because a collection
// exists. Time is counted in looks: a job ends at the look at its status whose number is `looks`. It differs from the real
// one in times, in sizes, and in the Go internals at the end of some 404s. Thread-safe.
class ScriptedWeaviate {
public:
    struct Tenant {
        std::string status = "HOT";
        std::uint64_t count = 0;
    };
    struct Collection {
        std::uint64_t count = 0;
        std::map<std::string, Tenant> tenants = {};
        bool multi_tenant = false;
    };
    struct Script {
        std::string version = "1.39.0";
        std::vector<std::string> nodes = {"node1"};
        std::vector<std::string> down = {};  // nodes that are UNAVAILABLE
        std::string mode = "ReadWrite";
        std::vector<std::string> modules = {"filesystem"};
        std::string root = "/var/lib/weaviate/backups";  // of the filesystem module
        bool write_files = false;                        // backups really lie below root, which must be of this machine
        std::filesystem::path chunk = {};  // what each of their chunks then holds: tests/data/weaviate/chunk-1
        std::string bucket = "weaviate";   // of the s3 module; "other" does not exist
        std::map<std::string, Collection> collections = {};
        std::map<std::string, std::string> aliases = {};
        std::map<std::string, std::string> keys = {};  // key to user; "root" and others may all, "viewer" only look
        int looks = 2;                                 // at a job's status until it has ended
        std::string ending = "SUCCESS";                // of backups
        std::string ending_why = {};
        std::string restore_fails =
            {};  // why restores end FAILED, with their first collection there; empty: they do not
        bool count_fails = false;
    };

    ScriptedWeaviate();
    explicit ScriptedWeaviate(Script script);
    ~ScriptedWeaviate();
    ScriptedWeaviate(const ScriptedWeaviate&) = delete;
    ScriptedWeaviate& operator=(const ScriptedWeaviate&) = delete;

    std::string base() const;
    HttpServer& http();
    // Changes what it is from now on.
    void change(const std::function<void(Script&)>& change);
    Script script() const;

    // The next request of that method whose path matches the glob is answered like this instead; once for each call. With
    // `after` it is worked on first and only its answer is lost.
    void fault_once(std::string method, std::string glob, Answer answer, bool after = false);
    // Like kill -9 and a start: what ran is in memory no more, and its status stays in storage as it was.
    void crash();
    // Backups and restores that it is at.
    std::size_t under_way() const;
    // What runs ends now.
    void finish();
    // backup_config.json of a backup at the default place; empty for none.
    std::optional<std::string> descriptor(const std::string& id) const;
    // Removes a backup's files behind the server's back.
    void forget(const std::string& id);
    // How many requests of that method and path glob came in.
    std::size_t count(std::string_view method, std::string_view glob) const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace vbackup::test
