// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "model/json.hpp"
#include "model/plan.hpp"

// The objects of qdrant.io/v1, as values (contracts.md, C.2 to C.6). Nothing is believed: what has another shape is
// Error{not_understood}; fields that are not known are skipped.
namespace vbackup::driver::qdrant_k8s {

enum class Kind : std::uint8_t { cluster, snapshot, schedule, restore };

struct KindWords {
    std::string_view kind, plural;
};
KindWords words_of(Kind kind);
// "snapshot" for details that we write ourselves.
std::string_view word(Kind kind);
std::optional<Kind> parse_kind(std::string_view word);

struct Meta {
    std::string name, space, uid;
    std::string version;  // resourceVersion
    std::optional<Moment> created;
    bool deleting = false;                      // deleted, and held back by a finalizer
    std::map<std::string, std::string> labels;  // cluster-id and customer-id are the ones that count
    std::string our_id;                         // our annotation: the id of the backup it was made for
};

inline constexpr std::string_view id_annotation = "vbackup/id";
inline constexpr std::string_view description_annotation = "vbackup/description";
inline constexpr std::string_view nodes_annotation = "vbackup/nodes";

struct Volume {
    std::string name;                 // of the volume snapshot
    std::optional<bool> ready;        // readyToUse; empty: not said
    std::string error;                // what the storage said; empty for none
    std::vector<std::string> events;  // "SnapshotContentCreationFailed: quota (3 times)"
};

struct Snapshot {
    Meta meta;
    std::string cluster_id, schedule, retention;
    std::string phase;  // Running, Skipped, Failed, Succeeded, or empty before the operator took it up
    std::optional<Moment> retain_until;
    std::optional<Milliseconds> took;
    std::vector<Volume> volumes;
    std::optional<int> nodes;  // our annotation: how many the cluster had for sure
};

struct Restore {
    Meta meta;
    std::string source, source_space, destination, destination_space;
    bool creates = false;
    std::string phase, message;
};

struct Cluster {
    Meta meta;
    std::string id;
    std::string version;  // the one that runs; where that is not said, the one that is wished for
    int size = 0;
    std::string phase, reason;
    std::optional<int> available;
    std::vector<int> indexes;  // of the nodes that are there; may have gaps
};

struct Scheduled {
    Meta meta;
    std::string cluster_id, short_id, cron, retention;
    std::string phase, message;
    std::optional<Moment> next;
};

Snapshot parse_snapshot(const model::JsonText& text);
Restore parse_restore(const model::JsonText& text);
Cluster parse_cluster(const model::JsonText& text);
Scheduled parse_scheduled(const model::JsonText& text);

// One page of a list; `next` is what continues it.
struct Page {
    std::vector<model::JsonText> items;
    std::string next;
};
Page parse_page(const model::JsonText& text);

// One line of a watch. For ERROR the code of its Status.
struct Event {
    std::string type;
    model::JsonText object;
    std::string version;
    int code = 0;
};
// Empty for a line that is none.
std::optional<Event> parse_event(const std::string& line);

// "1d3h5m10s", "45s". Empty for anything else.
std::optional<Milliseconds> parse_took(std::string_view text);
// "72h" as a time. Empty for anything else.
std::optional<Milliseconds> parse_retention(std::string_view text);
// In whole hours, as this API holds it: "72h". Error{usage} for what is no whole hour.
std::string render_retention(Milliseconds retention);

// The nodes of a cluster by their indexes, and which of them are there: as many as it should have. Indexes of those that are not there are guessed, the lowest ones first; without any index all are as the cluster.
std::map<int, bool> nodes_of(const Cluster& cluster, bool healthy);

// How many of them are there, as the operator counts. Where it does not: all of a Healthy cluster, otherwise none for sure.
int available_of(const Cluster& cluster);
// How many surely have a volume, for as long as nobody changes the cluster's size; 0: that is not known, as while it scales.
int nodes_to_expect(const Cluster& cluster);

// How each of them looks to whoever waits for it. What is being deleted is cancelling, whatever the operator said of it, unless
// it had failed.
// Succeeded: the operator says so, and nothing in the volumes contradicts it: none that is not ready or has an error, no fewer
// than the cluster had nodes for sure, where that is known.
model::Seen seen_of(const Snapshot& snapshot);
// A restore that succeeded is followed by its cluster, which the caller puts into `next`.
model::Seen seen_of(const Restore& restore);
// Succeeded: Healthy with all its nodes.
model::Seen seen_of(const Cluster& cluster);
// Why a snapshot or its volumes failed, in one line; empty when nothing says so.
std::string failure_of(const Snapshot& snapshot);

}  // namespace vbackup::driver::qdrant_k8s
