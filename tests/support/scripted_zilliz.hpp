// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "support/http_server.hpp"

namespace vbackup::test {

// A control plane of Zilliz Cloud (v2) in this process, as far as backups go, with the quirks that shared facts about it
// tell of (lib/driver/zilliz/README.md lists them): refusals come as HTTP 200 with a code, a few as HTTP 401; progress is a
// string; pages count from 1; a backup whose job failed vanishes from the list; one backup at a time; a password is told
// once. No real one was ever compared with it. Time is counted in looks: each GET of a job, a backup or a list moves all
// work on by one. Thread-safe.
class ScriptedZilliz {
public:
    using Collections = std::map<std::string, std::map<std::string, std::string>>;  // database, collection, LOADED|…

    struct Cluster {
        std::string name = "Dedicated-01";
        std::string project = "proj-20e13e974c7d659a83aaaa";
        std::string region = "aws-us-west-2";
        std::string plan = "Enterprise";       // Free, Serverless, Standard, Enterprise
        std::string deployment = "Dedicated";  // Free, Serverless, Dedicated
        std::string status = "RUNNING";
        int cu = 4;
        Collections collections = {};
    };
    struct Backup {
        std::string id, name, cluster, job;
        std::string type = "CLUSTER";
        std::string method = "MANUAL";
        std::string status = "AVAILABLE";
        Moment created{};
        std::string expires = {};
        std::uint64_t size = 1'048'576;
        std::vector<std::string> policies = {"LATEST", "ORIGINAL"};
        Collections collections = {};
        bool flat = false;  // described with a flat `collections`, as older answers were
        int looks = 0;      // until AVAILABLE, once its job has ended well
    };
    struct Script {
        std::string key = "key-1";
        std::map<std::string, Cluster> clusters = {};
        int looks = 3;     // at a job until it has ended
        int settling = 1;  // and then at a backup until it is AVAILABLE, or at a new cluster until it is RUNNING
        std::string ending = "SUCCESSFUL";
        std::string reason = {};                          // of a job that FAILED
        std::string progress = {};                        // what every job says instead of its progress
        std::map<std::string, std::string> failing = {};  // restores of these collections end so, with this reason
        bool ok_is_200 = false;   // success has the code 200 instead of 0, which the vendor's own client takes too
        bool job_at_top = false;  // a job's fields stand beside `code` instead of below `data`
        bool listed = true;       // a backup in the making is in the list (it always was so far)
        int page = 100;           // rows that a page has at most, whatever is asked for
        std::string goes = {};    // a backup that somebody deletes once a page of the list was given
        int most_per_second = 0;  // requests to one endpoint; more are answered 429. 0: any number
        std::vector<std::string> integrations = {"integ-1"};
        Moment now{Seconds(1'795'247'220)};  // 2026-11-21T07:47:00Z; a minute goes by with each backup
    };

    ScriptedZilliz();
    explicit ScriptedZilliz(Script script);
    ~ScriptedZilliz();
    ScriptedZilliz(const ScriptedZilliz&) = delete;
    ScriptedZilliz& operator=(const ScriptedZilliz&) = delete;

    std::string base() const;
    HttpServer& http();
    void change(const std::function<void(Script&)>& change);
    Script script() const;
    // The next request of that method whose path matches gets this instead; with `after` it takes effect all the same.
    void fault_once(std::string method, std::string glob, Answer answer, bool after = false);

    // As somebody at the console, or the policy, would.
    std::string add_backup(Backup backup);
    std::string begin_backup(const std::string& cluster, const std::string& method);
    void finish();                                                   // all work that is under way ends well
    void set_job(const std::string& id, const std::string& status);  // for good
    void forget_job(const std::string& id);
    void forget_backup(const std::string& id);
    std::vector<Backup> backups() const;
    std::string policy(const std::string& cluster) const;  // what was set last, as JSON; "" for none

    std::size_t count(std::string_view method, std::string_view glob) const;
    // The bodies of such requests, oldest first.
    std::vector<std::string> bodies(std::string_view method, std::string_view glob) const;

    struct State;

private:
    std::shared_ptr<State> state_;
};

}  // namespace vbackup::test
