// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/scripted_qdrant_wire.hpp"

// What a played Qdrant cluster is, without any HTTP: what all nodes agree on, what lies on each, and how replicas come into step.
// Facts: contracts.md Q.3 to Q.10, transcripts/qdrant/cluster-*.txt and trace-restore-*.txt, and exchanges with a real
// 1.19.0 of three nodes on 21 November 2026. Nodes are numbered from 0.
namespace vbackup::test::played {

using wire::Stored;

// id → {"payload":…,"vector":…} as JSON.
using Points = std::map<std::uint64_t, std::string>;

// What an optimizer made of points once and for all, by the segment's id.
using Built = std::map<std::string, Points>;

struct Replica {
    std::string state = "Active";
    Points points = {};
    Built built = {};  // some of them as they were; what has changed since lies in a segment that takes writes
};

struct Shard {
    std::uint32_t id = 0;
    std::string key = {};                          // JSON; "" for none
    std::map<std::size_t, Replica> replicas = {};  // by node
};

struct Transfer {
    std::uint32_t shard = 0;
    std::size_t from = 0, to = 0;
    std::string method = "wal_delta";
    bool stays = false;  // goes on for ever; otherwise each step of time brings it on
};

struct Collection {
    std::string config;         // JSON, as GET shows it
    std::string schema = "{}";  // JSON, without `points`
    std::string status = "green";
    std::vector<Shard> shards = {};
    std::vector<Transfer> transfers = {};
    std::vector<std::string> resharding = {};  // JSON objects
};

struct Node {
    std::uint64_t peer = 0;
    std::string uri = {};   // p2p
    std::string rest = {};  // where its server listens
    std::string version = "1.19.0";
    bool alive = true;
    bool disk_full = false;
    std::optional<std::size_t> dies_in_download = {};  // after that many bytes of the next one
    bool dies_in_upload = false;                       // of the next one, which has no effect
    // By what they are of: "c" for a collection, "c/0" for a shard, "" for everything.
    std::map<std::string, std::vector<Stored>> stored = {};
};

// What a key may do.
struct Rights {
    bool reads = false, manages = false;           // everywhere
    std::map<std::string, bool> collections = {};  // there at least; true: changes it too
};

// A change that consensus does not confirm in time: 500, and it comes later, or never.
struct Timeout {
    std::string method, path;  // `*` is any run
    bool comes = true;
};

struct State {
    bool enabled = true;  // false: a node of its own, without cluster mode
    std::vector<Node> nodes;
    std::map<std::string, Collection> collections;
    std::map<std::string, std::string> aliases;
    std::map<std::string, Rights> keys;  // none: nobody is asked for one

    // Switches.
    std::vector<Timeout> timeouts;        // each is used once
    bool knows_cluster_telemetry = true;  // from 1.17
    bool s3 = false;                      // no checksum, no ETag, no ranges
    bool truncates_streams = false;       // a shard's stream ends in a normal final chunk after half of it
    bool knows_partial = true;            // partial snapshots, from 1.13
    std::size_t built = 0;                // segments that optimizers made
    bool recoveries_hang = false;         // no transfer is ever begun
    int words_lost = 0;                   // uploads after which other replicas are never told that they are out of step
    bool at_once = false;      // uploads that make a collection are 409 but for the first, until somebody looked
    int looks_until_made = 1;  // a snapshot begun without waiting is listed after that many lists without it
    int lag = 1;               // steps until what an upload told consensus shows
    int second_lasts = 0;      // steps for which the clock stands: what is begun meanwhile has one name
    std::string snapshots_directory = "/srv/test/snapshots";

    // What the clock shows, from 08:00 on 21 November 2026. It moves on with every step and every snapshot.
    int second = 0;
    // What consensus will apply after that many steps.
    std::vector<std::pair<int, std::function<void(State&)>>> pending;
    std::size_t placements = 0;          // how many collections and keys were placed: each begins at another node
    std::set<std::string> asked;         // by whom and what, since the last step
    std::set<std::string> uploaded_new;  // collections that an upload made, and at whose shards nobody has looked since
};

// The state's clock: "2026-11-21T08:01:07", and as a Date header has it.
std::string moment(const State& state);
std::string http_date(const State& state);

// The name behind an alias, or the name itself.
std::string real_name(const State& state, const std::string& name);
bool has_quorum(const State& state);

// Makes a collection from the body of a PUT (JSON), its shards spread over the nodes; a key's shards.
void create_collection(State& state, const std::string& name, const std::string& body);
void create_key(State& state, const std::string& name, const std::string& body);

// Each replica's optimizer puts what it has into one segment.
void optimize(State& state, const std::string& name);

// The points of a shard as a node reads them: its own where its replica is Active, otherwise those of the first Active
// replica that can be reached; null when there is none.
const Points* readable(const State& state, const Shard& shard, std::size_t node);

// Time passes as the server is looked at: one step whenever a node is asked what it was asked before in this step.
void look(State& state, std::size_t node, const std::string& what);
void step(State& state);
// A change that consensus applies after so many steps; 0: at once.
void schedule(State& state, int steps, std::function<void(State&)> change);
// Applies at once what consensus would show later.
void catch_up(State& state);

// What an upload of a shard, or of a collection's shards that the snapshot has, does to all replicas (Q.10).
void recover_shard(State& state, const std::string& name, std::uint32_t shard, std::size_t node, const Points& points,
                   const std::string& priority);
void recover_collection(State& state, const std::string& name, std::size_t node,
                        const std::map<std::uint32_t, Points>& shards, const std::string& priority);

}  // namespace vbackup::test::played
