// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/command/job.hpp"
#include "cli/output/metrics.hpp"

namespace vbackup::cli {

// A backup to be made.
struct Wish {
    std::string target;  // as typed
    std::string store;   // of --to; empty: what the configuration says
    bool dry_run = false;
    // With the target open: what is asked for. The id, where it is empty, is made from target and time.
    std::function<backup::CreateOptions(const Scene& scene)> options;
    // What else must be seen before the backup counts as good; throws where it is not. Empty: nothing.
    std::function<void(const Answer& made)> prove = {};
    // What is done once it is good; what it throws becomes the answer's problem. Empty: nothing.
    std::function<void()> then = {};
};

// Makes it as `deed` does, with what the configuration wants around it. Before: the check at ping_url is told, and the hook
// `before` runs, whose failure ends it (Error{refused}) before anything was changed. After a good backup the hook `after` runs;
// its failure is the answer's problem (Error{failed}), and the backup stays good. After anything else the hook `failed` runs,
// whose own failure is a warning. The check is told the exit code of all that at last. A dry run has nothing around it.
Answer make_backup(Session& session, const Wish& wish);

// What create and run ask for when neither flag nor configuration says more: the target's collections, retention and
// description.
void add_habits(Session& session, const std::string& target, backup::CreateOptions& options);

// What a good backup adds to the metrics; nothing for an answer that made none.
void note_success(Measured& measured, const Answer& answer, Moment now);

// Writes them; a file that cannot be written is a warning beside a success, since the backup is what it is.
void tell_metrics(Session& session, const std::string& file, std::span<const Measured> all);

}  // namespace vbackup::cli
