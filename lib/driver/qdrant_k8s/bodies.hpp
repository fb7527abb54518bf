// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "driver/qdrant_k8s/objects.hpp"
#include "model/json.hpp"
#include "model/plan.hpp"

// What is sent, and what jobs and steps of ours remember.
namespace vbackup::driver::qdrant_k8s {

// What an object's end means to whoever asked for it.
enum class Wanted : std::uint8_t {
    result,    // the object is made, and its work is to succeed
    gone,      // it is to go away: a removal
    cancelled  // the same, of an object at work: a cancellation
};

// An object, enough to ask for it again from another machine.
struct Job {
    Kind kind = Kind::snapshot;
    Wanted wanted = Wanted::result;
    std::string space, name, uid;
    // Of a restore: the cluster that it is about, which is waited for afterwards.
    std::string cluster, cluster_space;
};
model::JobRef to_ref(const Job& job);
// Throws Error{corrupt} for details that this driver did not write.
Job to_job(const model::JobRef& ref);

// What a step of ours needs: one request about one object.
struct StepData {
    std::string method;  // "POST", "PATCH", "DELETE"
    Job job;
    std::string id;        // of the backup, as in the object's annotation
    model::JsonText body;  // of POST and PATCH
};
model::JsonText render(const StepData& data);
StepData parse_step(const model::Step& step);

// The labels that every object of a cluster must have.
struct Owner {
    std::string cluster_id, customer_id;
};

struct SnapshotWish {
    std::string name, space;
    Owner owner;
    std::int64_t seconds = 0;  // since 1970
    std::string retention;     // "72h", or empty: kept
    std::string id, description;
    int nodes = 0;  // of the cluster for sure; 0: not known
};
// Error{usage} for a description that is no UTF-8.
model::JsonText snapshot_body(const SnapshotWish& wish);

struct RestoreWish {
    std::string name, space;
    Owner owner;
    std::string source, source_space;
    std::string destination, destination_space;
    bool creates = false;
    std::string id;
};
model::JsonText restore_body(const RestoreWish& wish);

struct ScheduleWish {
    std::string name, space;
    Owner owner;
    std::string short_id, cron, retention;
};
model::JsonText schedule_body(const ScheduleWish& wish);
// The part of it that changes one that is there.
model::JsonText schedule_patch(const ScheduleWish& wish);

// The body under another name, for a second try.
model::JsonText renamed(const model::JsonText& body, const std::string& name, std::int64_t seconds);

// The same as YAML, as kubectl and GitOps tools take it; fields in the order of the body.
std::string as_yaml(const model::JsonText& body);

}  // namespace vbackup::driver::qdrant_k8s
