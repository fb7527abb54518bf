// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"
#include "model/json.hpp"

namespace vbackup::model {

// What a step, a file or a job is about. Empty: all of it, or not said.
struct Part {
    std::string node;
    std::string shard;
    std::string collection;
    std::string text() const;  // "collection Article, shard 0, node node1"; "" when empty
};

// Work that a server does on its own time, enough to ask for it again from another machine.
struct JobRef {
    std::string name;  // the server's own name of it: a backup id, a snapshot's name; may be empty until it is known
    Part part;
    JsonText details;  // the driver's own: backend, bucket, path, names listed before the POST
};

// One thing to do. `kind` says who does it:
enum class StepKind : std::uint8_t {
    change,  // one request that changes the database; may begin a job that is then waited for
    send,    // one request that sends a file of the backup to the database; may begin a job
    settle,  // nothing is sent; waits until the driver sees the state the step names
    fetch,   // the story brings home the files of the job that step `of` began (or of the manifest's jobs)
    place,   // the story copies the backup's files to a location that the server reads
    erase,   // the story removes what lies at a location
};
std::string_view word(StepKind kind);
std::optional<StepKind> parse_step_kind(std::string_view word);  // empty for a word that nobody knows

// A place as the server sees it, which a store may be able to open.
struct Location {
    std::string url;         // "file:///var/backups/b1", "s3://bucket/prefix/b1"
    std::string descriptor;  // name of a small file below it that tells whose folder it is: "backup_config.json"
};

struct Step {
    std::string id;  // unique in its plan: "create", "snapshot:Article:0"
    StepKind kind = StepKind::change;
    Part part;
    std::string what;                // for --dry-run and progress: "back up 2 collections to s3://bucket/prefix"
    std::vector<std::string> after;  // ids of steps that must have ended well before this one
    std::string of;                  // the step whose job this one deals with: fetches its files, removes its leftovers
    std::optional<JobRef> job;  // that job; set by the executor for `of`, by the plan for the job of an earlier run
    std::string file;           // send: name of the file in the backup
    std::optional<Location> location;  // place, erase
    bool destroys = false;             // data of the target or of a backup is lost by it: needs a yes
    std::string reveals;  // "the password of …": its answer tells a secret once, which needs a place to go
    bool tidy = false;    // runs after the backup is committed; its failure is a warning
    JsonText details;     // the driver's own
    // What would be sent, as a file for other tools to apply, with a line end at its end; --dry-run prints it. Not kept.
    std::string document;
};

struct Plan {
    std::vector<Step> steps;
    std::vector<std::string> notes;  // said to the person before it begins: what it does not cover, what it costs
    std::vector<std::string> bases;  // create: ids of earlier backups that this one cannot be restored without
    JsonText details;                // the driver's own, goes into the manifest's `driver_data`
};

// What a step's request brought. `job` is empty when the change was complete with the answer.
struct Outcome {
    std::optional<JobRef> job;
    std::optional<Secret> secret;  // shown or saved once, never kept
};

enum class Phase : std::uint8_t { queued, running, cancelling, succeeded, failed, cancelled, gone, unknown };
std::string_view word(Phase phase);
std::optional<Phase> parse_phase(std::string_view word);  // empty for a word that nobody knows
bool is_final(Phase phase);                               // succeeded, failed, cancelled, gone

// One look at a job.
struct Seen {
    Phase phase = Phase::unknown;
    std::string said;                          // the server's own word: "TRANSFERRING"
    std::string why;                           // the server's reason when failed or cancelled
    std::optional<std::uint64_t> done, total;  // progress in whatever unit the server counts, where it shows one
    std::string mark;                          // changes whenever there was progress; empty where the server shows none
    std::optional<JobRef> next;                // succeeded, and this job is to be waited for now
    bool again = false;                        // settle, failed: sending the steps before it once more may mend it
    std::string where;                         // URL of the place where the server keeps the result, where it says so
};

}  // namespace vbackup::model
