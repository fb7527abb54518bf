// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/call.hpp"
#include "io/stream.hpp"
#include "model/found.hpp"
#include "model/manifest.hpp"
#include "model/plan.hpp"
#include "model/request.hpp"
#include "model/schedule.hpp"
#include "model/topology.hpp"

namespace vbackup::driver {

class Increments;

// Reads a small file below a location, so that a driver can tell its own folder from a stranger's. Empty: not there, or
// no store of ours reaches the place.
using Peek = std::function<std::optional<std::string>(const model::Location&, const std::string& name)>;

// The second, small interface: of databases that make backups by themselves. Throws as Driver does. Thread-safe.
class Schedules {
public:
    virtual ~Schedules() = default;

    // All schedules of the target.
    virtual std::vector<model::Schedule> list(Call& call, const model::Options& options) = 0;

    // Reads only. Makes or changes the schedule of that name. Error{unsupported} for a form that the server cannot hold,
    // saying which it takes. The steps go through Driver::done and Driver::run like any other.
    virtual model::Plan plan_set(Call& call, const model::Schedule& wish, const model::Options& options) = 0;

    // Reads only. Error{not_found} when there is none of that name.
    virtual model::Plan plan_remove(Call& call, const std::string& name, const model::Options& options) = 0;
};

// One open target. Translates words: what we mean into requests, what the server says into values. It plans, changes one
// thing, observes and proves; it never retries, sleeps, stores or prints. Thread-safe.
//
// Every function throws Error as described in base/error.hpp: unreachable, denied, not_understood for what the wire gave,
// refused, unsupported, conflict, busy, not_found, job_failed for what the server said.
class Driver {
public:
    virtual ~Driver() = default;

    // Reads only: product, version, nodes, health, the collections in scope with exact counts when the scope asks for them,
    // and what would stop a create. Error{not_found} when a name in `include` (one without wildcards) does not exist.
    virtual model::Inspection inspect(Call& call, const model::Scope& scope) = 0;

    // Backups and jobs that the server knows, also those whose answer was lost, newest first.
    virtual std::vector<model::Found> list(Call& call, const model::Options& options) = 0;

    // Reads only, and refuses everything that can be known beforehand. The steps of what was asked, in an order that is
    // good one after another; `after` says what else must wait.
    virtual model::Plan plan(Call& call, const model::Request& request, const Peek& peek) = 0;

    // Is it so already? Asked before a step is sent again, after a lost answer or in a later run. Empty: no, send it. An
    // outcome with a job: it was taken, wait for that job. An outcome without: it is done.
    virtual std::optional<model::Outcome> done(Call& call, const model::Step& step) = 0;

    // Sends exactly one change. `source` holds the file's bytes for a `send` step, else null. A lost answer throws
    // unreachable; the executor then asks `done`.
    virtual model::Outcome run(Call& call, const model::Step& step, io::Source* source) = 0;

    // One look at a job; may take up to `patience` when the server can push. Unreachable is thrown: the loop counts it.
    virtual model::Seen observe(Call& call, const model::JobRef& job, Milliseconds patience) = 0;

    // For `settle` steps: the same for a state of the target instead of a job.
    virtual model::Seen settled(Call& call, const model::Step& step) = 0;

    // What a finished job left, with sizes and digests as far as the server says: files that `open` can open, or one
    // location that a store may open.
    struct Files {
        std::vector<model::File> files;
        std::optional<model::Location> location;
    };
    virtual Files files(Call& call, const model::JobRef& job, const Peek& peek) = 0;

    // What is inside a file below a location, by its name there.
    virtual model::Format format(const std::string& name) const = 0;

    // The bytes of a file from `offset` on; Source::offset tells where it really began.
    virtual std::unique_ptr<io::Source> open(Call& call, const model::File& file, std::uint64_t offset) = 0;

    // After a restore: counts, coverage, aliases, configuration against the manifest, for the collections in scope under
    // their new names.
    virtual model::Proof prove(Call& call, const model::Manifest& manifest, const model::Request& request) = 0;

    // Where the target's URL alone does not tell it from all others, because it leaves open which machine answers: one that does,
    // for journal, locks and people. Empty otherwise.
    virtual std::string address() const { return {}; }

    // Null when the database keeps no schedules. Lives as long as the driver.
    virtual Schedules* schedules() { return nullptr; }

    // Null when a backup cannot leave out what an earlier one in the same store holds (driver/increments.hpp). Lives as long as
    // the driver.
    virtual Increments* increments() { return nullptr; }
};

}  // namespace vbackup::driver
