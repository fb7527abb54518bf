// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace vbackup::backup {

// Which backups to keep. Each number says in how many periods, counted back from the newest good backup and only where
// there is one, the last good backup is kept. Periods are those of the UTC calendar; weeks begin on Monday.
struct KeepRules {
    std::size_t last = 0, hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0;
    std::optional<Milliseconds> within;  // all good ones that are at most so much older than the newest good one
    bool any() const { return last + hourly + daily + weekly + monthly + yearly > 0 || within.has_value(); }
};

// What the decision knows of one backup.
struct Candidate {
    enum class State {
        good,
        unseen,
        under_way,
        bad
    };  // unseen: it was good, and nothing shows whether it is still there
    std::string id;
    std::string target;  // rules count for each target on its own
    std::vector<std::string> collections;
    std::vector<std::string> bases;  // ids of backups that it cannot be restored without
    Moment when{};                   // when it was begun
    State state = State::good;
    std::optional<Milliseconds> retention;  // for how long it is wanted
    bool pinned = false;                    // stays whatever the rules say
};

struct Decision {
    std::string id;
    bool keep = true;
    std::vector<std::string> reasons;  // never empty: "last 2 of 7", "older than the rules keep"
};

// Decides for each candidate, in their order; a pure function. Kept is: what a rule says; the newest good one of each
// target, and of each collection; what is pinned; what is wanted still; what is under way; what went wrong less than a day
// ago; and every base of a kept one. Unseen ones count like good ones, but are never all that is kept where there is a good
// one. Bad ones never count for a rule. Without any rule only what is no longer wanted, or went wrong longer
// ago, is not kept.
std::vector<Decision> decide(const std::vector<Candidate>& all, const KeepRules& rules, Moment now);

}  // namespace vbackup::backup
