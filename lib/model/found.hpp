// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "model/plan.hpp"

namespace vbackup::model {

// What a Found says that could not be asked now, with Phase::unknown; `why` tells the reason.
inline constexpr std::string_view not_reached = "not reached";

// A backup or a job as `list` and `status` show it: from a manifest, from an intent, or from the server alone.
struct Found {
    std::string id;    // vbackup's id; empty for one that vbackup did not make
    std::string name;  // the server's own name, or the id; both empty: stands for what a node has that is not reached
    bool managed = false;
    bool pinned = false;     // prune leaves it, and so does a delete that is not told to take pinned ones
    bool restoring = false;  // no backup, but a restore of the one with this id that has not ended
    Phase phase = Phase::unknown;
    std::string said;  // the server's own word
    std::string why;
    std::optional<Moment> started;
    std::optional<Moment> completed;
    std::optional<Moment> expires;             // when it is not wanted any more, or the server removes it by itself
    std::string schedule;                      // the one that made it, where the server says so
    std::optional<std::uint64_t> size;         // bytes
    std::optional<std::uint64_t> done, total;  // of a job under way, in whatever unit the server counts
    std::vector<std::string> collections;
    std::string where;  // store or location, for people
    bool kept = false;
    std::string driver;
    std::string
        target;  // the configuration's name or the address of what it is of; empty when only the server knows it
    std::string description;                // what a person said about it
    std::optional<Milliseconds> retention;  // how long after `started` it is wanted
    std::vector<std::string> bases;         // ids of backups that it cannot be restored without
    JobRef job;                             // how the driver asks for it again
};

}  // namespace vbackup::model
