// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "backup/story.hpp"
#include "base/error.hpp"
#include "config/config.hpp"

namespace vbackup::cli {

// The rules of the configuration as `prune` takes them.
backup::KeepRules rules_of(const config::Keep& keep);

// What could not be removed, as one error; empty when all that was to go has gone.
std::optional<Error> problem_of(const backup::Pruned& pruned);

}  // namespace vbackup::cli
