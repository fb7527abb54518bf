// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "driver/registry.hpp"

namespace vbackup::cli {

// What would be refused once a target is used, found without asking any server: addresses that no driver knows, -o options
// that there are not, keys and certificates that cannot be read or that others can read, programs that are not there, a file
// of the configuration that others can change. Commands that print keys are run.
std::vector<Error> check_targets(const config::Config& config, const config::Environment& environment,
                                 std::span<const driver::Entry> drivers);

}  // namespace vbackup::cli
