// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace vbackup::model {

// When a database makes backups by itself, or is asked to. All times are UTC. Either `cron` says when, or `weekdays` and
// `hours` do; which of the two a server can hold, its driver says.
struct Schedule {
    std::string name;  // the server's own; empty where a target has just one
    bool enabled = true;
    std::string cron;                       // five fields, or a word such as "@daily"
    std::vector<int> weekdays;              // 1 Monday to 7 Sunday, ascending; empty: every day
    std::vector<int> hours;                 // 0 to 23, ascending; empty: every hour
    std::optional<Milliseconds> retention;  // how long each backup is kept
    std::optional<Moment> next;             // when the next one begins, where the server says so
    std::string said;                       // the server's own word for its state
    std::string why;                        // and its reason, when that is bad
    std::vector<std::string> details;       // for people: "copies to aws-us-west-2, kept 7 days"
};

}  // namespace vbackup::model
