// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/zilliz/answers.hpp"
#include "driver/zilliz/options.hpp"
#include "model/json.hpp"
#include "model/plan.hpp"
#include "net/http.hpp"

// What is asked of the control plane: paths, bodies, the routes themselves, and what jobs and steps of ours remember.
namespace vbackup::driver::zilliz {

// What is looked at next of a piece of work.
enum class Watch : std::uint8_t { job, backup, cluster };

// A piece of work, enough to ask for it again from another machine.
struct Work {
    Watch watch = Watch::backup;
    std::string job;            // "job-…"; empty when nothing told it: the answer was lost, or somebody else began it
    std::string cluster;        // of the backup; for a new cluster, that one
    std::string backup;         // its id
    std::string name;           // its name
    std::string what;           // for people: "articles restored as articles_2 in in01-…"
    std::optional<Watch> then;  // what must be good besides, once the job has ended well
};
model::JobRef to_ref(const Work& work);
// Throws Error{corrupt} for details that this driver did not write.
Work to_work(const model::JobRef& ref);

enum class Deed : std::uint8_t { create, slot, remove, restore_collection, restore_cluster, export_backup, policy };

// What a step of ours needs.
struct StepData {
    Deed deed = Deed::create;
    std::string cluster;  // whose backup, or whose policy
    std::string backup;
    std::string body;
    std::vector<std::string> known;  // create: ids of the backups that were there when it was planned
    std::string planned;             // create: when that was
    std::string type;                // create: CLUSTER, COLLECTION
    std::vector<Name> members;       // create: the collections
    std::string what;                // restore: for the finding
    std::string name, project;       // restore_cluster: of the new one
};
model::JsonText render(const StepData& data);
StepData parse_step(const model::Step& step);

std::string create_body(const std::vector<Name>& members, const std::vector<std::string>& copy_to);
std::string restore_collection_body(const std::string& to_cluster, const Name& from, const Name& to, bool loaded);
std::string restore_all_body(const std::string& to_cluster);
struct NewCluster {
    std::string project, name;
    int cu = 0;
    bool keep = true;     // collections are loaded as they were; else none is
    std::string version;  // LATEST, ORIGINAL; empty: the server's choice
};
std::string restore_cluster_body(const NewCluster& wish);
std::string export_body(const std::string& integration, const std::string& directory);
std::string policy_body(const Policy& policy);

// What the list of backups is asked for; empty is any.
struct Filter {
    std::string cluster, project, method, type, start, end;
};

// The routes. Thread-safe. With `poll` a look that failed is repeated by whoever looks, so the wire does not; and it fails for
// good only when the service itself says something that says no (refusals.hpp).
class Routes {
public:
    explicit Routes(const net::Http& http) : http_(http) {}

    Cluster cluster(Call& call, const std::string& id, bool poll = false) const;
    std::vector<Cluster> clusters(Call& call) const;
    // All pages, as the server orders them, each once.
    std::vector<Backup> backups(Call& call, const Filter& filter, bool poll = false) const;
    // Empty: there is none. Which code says so is not documented, so a refusal that could mean it is believed only when the
    // list does not show the backup either.
    std::optional<Backup> backup(Call& call, const std::string& cluster, const std::string& id,
                                 bool poll = false) const;
    // Empty: no such job. Always a poll.
    std::optional<Job> job(Call& call, const std::string& id) const;
    Policy policy(Call& call, const std::string& cluster) const;

    // One request that changes something; never repeated. Error{unreachable} where the answer leaves open whether it was taken.
    Taken post(Call& call, const StepData& data, std::string_view what) const;
    // The same in two halves, for who wants to know how the answer was refused.
    net::Response send(Call& call, const StepData& data) const;
    static Taken taken(const net::Response& response, std::string_view what);
    void remove(Call& call, const StepData& data) const;

private:
    net::Response get(Call& call, const std::string& path, bool repeat = true) const;
    const net::Http& http_;
};

}  // namespace vbackup::driver::zilliz
