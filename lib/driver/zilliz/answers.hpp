// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/secret.hpp"
#include "model/plan.hpp"
#include "net/http.hpp"

// What the control plane says, as values. A success is a 2xx whose `code` is 0 or 200; everything else is an Error that
// holds the server's words and its `requestid`. Nothing is believed: an answer of another shape is Error{not_understood}.
namespace vbackup::driver::zilliz {

// A collection inside a backup.
struct Member {
    std::string database;
    std::string name;
    std::string state;  // LOADED or UNLOADED at the time of the backup; empty when it does not say
};

struct Backup {
    std::string id;      // "backup4_1f0c2d7be9a1342"
    std::string name;    // "Dedicated-01_backup4", given by the server
    std::string type;    // CLUSTER, COLLECTION
    std::string method;  // MANUAL, AUTO
    std::string word;    // its status
    std::string cluster, cluster_name, project, region;
    std::optional<std::uint64_t> size;  // bytes; unknown while it is in the making
    std::optional<Moment> created, expires;
    std::vector<std::string> policies;  // versions in which a new cluster can be made of it: LATEST, ORIGINAL
    std::vector<Member> members;        // only where one backup was asked for
};

struct Job {
    std::string id, type, word, why;
    std::optional<std::uint64_t> percent;
};

struct Cluster {
    std::string id, name, project, region, plan, deployment, word, address;
    std::uint32_t cu = 0;  // size in compute units; 0 when it does not say
};

struct Copy {
    std::string region;
    int days = 0;
    bool operator==(const Copy&) const = default;
};

// The one backup policy of a cluster.
struct Policy {
    bool enabled = false;
    std::string word;       // ENABLED, DISABLED
    std::string frequency;  // "1,3,5", Monday is 1
    std::string window;     // "02:00-04:00" UTC
    int days = 0;           // 1 to 30
    std::vector<Copy> copies;
};

// What a POST was taken as. Only what the route answers with is filled in.
struct Taken {
    std::string backup, name, job, cluster, user;
    Secret password;
    std::string request;  // the id of the request
};

template <typename Row>
struct Page {
    std::uint64_t count = 0;  // of all pages
    std::string request;      // the id of the request that brought it
    std::vector<Row> rows;
};

// Total functions: a word that they do not know is Phase::unknown.
model::Phase phase_of_job(std::string_view word);
model::Phase phase_of_backup(std::string_view word);
model::Phase phase_of_cluster(std::string_view word);  // succeeded: it runs

// Throws what the answer says went wrong, if anything did. `what` says what was tried.
void require_ok(const net::Response& response, std::string_view what);
// A refusal in the server's own words, of either channel.
bool is_refusal(const net::Response& response);

Page<Backup> parse_backups(const net::Response& response);
Backup parse_backup(const net::Response& response);
Page<Cluster> parse_clusters(const net::Response& response);
Cluster parse_cluster(const net::Response& response);
Job parse_job(const net::Response& response);
Policy parse_policy(const net::Response& response);
// Never repeats the answer in an error: it may hold a password.
Taken parse_taken(const net::Response& response, std::string_view what);

}  // namespace vbackup::driver::zilliz
