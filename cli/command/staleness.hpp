// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/found.hpp"

namespace vbackup::cli {

// That there is no good backup among `all` (newest first): Error{stale}.
Error never_good(const std::string& subject, const std::vector<model::Found>& all);

// Too old, or of an age that nobody knows: both are an alarm, Error{stale}. Age counts from the beginning, when the data were as
// they are in the backup.
std::optional<Error> staleness(const std::string& subject, const model::Found& good, Moment now, Milliseconds most);

// A store may hold backups of several targets: each must have one that is young enough. Newest first.
std::optional<Error> staleness_of_each(const std::string& subject, const std::vector<model::Found>& all, Moment now,
                                       Milliseconds most);

}  // namespace vbackup::cli
