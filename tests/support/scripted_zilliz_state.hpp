// SPDX-License-Identifier: Apache-2.0
#pragma once

// The inside of the scripted control plane, shared by its two files; tests include scripted_zilliz.hpp.

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/scripted_zilliz.hpp"

namespace vbackup::test {

struct ScriptedZilliz::State {
    using json = nlohmann::json;
    using Parts = std::vector<std::string>;
    using Parameters = std::map<std::string, std::string>;

    struct Job {
        std::string id, type, status = "PENDING", reason, ending;
        std::string started, ended;
        int looks = 0, all = 0;
        bool fixed = false;
        std::function<void(bool good)> end;
    };
    struct Once {
        std::string method, glob;
        Answer answer;
        bool after;
    };

    mutable std::mutex mutex;
    Script script;
    std::map<std::string, Job> jobs;
    std::vector<Backup> backups;  // oldest first
    std::map<std::string, json> policies;
    std::map<std::string, int> starting;  // new clusters, with the looks until they run
    std::deque<Once> faults;
    std::map<std::string, std::deque<std::chrono::steady_clock::time_point>> recent;
    int number = 0, answers = 0;

    Answer serve(const HttpRequest& request);
    Answer answer(const HttpRequest& request);
    Answer cluster_routes(const HttpRequest& request, const Parts& parts, const Parameters& asked);
    Answer backup_routes(const HttpRequest& request, const std::string& cluster, const Parts& parts);
    Answer one_backup(const HttpRequest& request, const std::string& cluster, const Parts& parts);
    Answer list(const Parameters& asked);
    Answer clusters(const Parameters& asked);
    Answer describe(const Backup& backup);
    Answer job(const std::string& id);
    Answer create(const std::string& cluster, const json& body);
    Answer restore_cluster(const Backup& backup, const json& body);
    Answer restore_collection(const Backup& backup, const json& body);
    Answer export_backup(const Backup& backup, const json& body);
    Answer set_policy(const std::string& cluster, const json& body);
    Answer get_policy(const std::string& cluster);

    // A page of these, or what is wrong with the page asked for.
    Answer page(const json& all, const Parameters& asked, const char* name);
    Answer good(const json& data, bool top = false) const;
    Answer bad(int code, const std::string& words, int status = 200) const;
    json row(const Backup& backup) const;
    json row(const std::string& id, const Cluster& cluster) const;
    std::string begin(const std::string& type, const std::string& ending, const std::string& reason,
                      std::function<void(bool)> end);
    void tick();
    void end(Job& job);
    std::string next(const char* prefix);
    std::string begin_backup(const std::string& cluster, Backup backup);
    Backup* find(const std::string& cluster, const std::string& id);
    Backup* under_way(const std::string& cluster);
    bool too_many(const HttpRequest& request);

    HttpServer http;  // last, so that nobody asks any more when the rest goes
};

}  // namespace vbackup::test
