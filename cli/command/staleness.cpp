// SPDX-License-Identifier: Apache-2.0
#include "cli/command/staleness.hpp"

#include <fmt/format.h>

#include <chrono>
#include <set>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

using model::Found;
using model::Phase;

std::string name_of(const Found& found) {
    return found.id.empty() ? found.name : found.id;
}

}  // namespace

Error never_good(const std::string& subject, const std::vector<Found>& all) {
    for (const auto& one : all)
        if (one.managed && one.completed && one.phase == Phase::unknown)
            return {ErrorKind::stale,
                    fmt::format("no backup of {} can be seen to be good; {}, the newest: {}", subject, name_of(one),
                                one.said),
                    "look where it lies, or make one that vbackup keeps: `vbackup create --to STORE`"};
    return {ErrorKind::stale, fmt::format("there is no good backup of {}", subject), "`vbackup create` makes one"};
}

std::optional<Error> staleness(const std::string& subject, const Found& good, Moment now, Milliseconds most) {
    if (!good.started)
        return Error(ErrorKind::stale,
                     fmt::format("nobody says how old {} is, the good backup of {}", name_of(good), subject),
                     "`vbackup create` makes one that says so");
    const auto age = std::chrono::duration_cast<Milliseconds>(now - *good.started);
    if (age <= most) return std::nullopt;
    return Error(ErrorKind::stale,
                 fmt::format("the newest good backup of {}, {}, is {} old, and {} is allowed", subject, name_of(good),
                             format_duration(age), format_duration(most)),
                 "`vbackup create` makes one");
}

std::optional<Error> staleness_of_each(const std::string& subject, const std::vector<Found>& all, Moment now,
                                       Milliseconds most) {
    std::set<std::string> seen;
    for (const auto& found : all) {
        if (found.phase != Phase::succeeded || !seen.insert(found.target).second) continue;
        if (auto stale = staleness(found.target.empty() ? subject : found.target, found, now, most)) return stale;
    }
    for (const auto& found : all) {
        if (found.managed && !found.restoring && !found.target.empty() && !seen.contains(found.target))
            return never_good(found.target, {found});
    }
    return std::nullopt;
}

}  // namespace vbackup::cli
