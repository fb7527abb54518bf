// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/session/surroundings.hpp"

namespace vbackup::cli {

// The whole program: reads the arguments (without the program's own name), runs the verb, writes result and errors, and
// returns the exit code. Never exits and never throws.
int run_cli(const std::vector<std::string>& arguments, const Surroundings& around);

}  // namespace vbackup::cli
