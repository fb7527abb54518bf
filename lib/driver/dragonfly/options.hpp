// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "driver/registry.hpp"

namespace vbackup::driver::dragonfly {

std::span<const Ability> abilities();
std::span<const Option> option_table();

// "" when it was not given.
std::string option(const model::Options& options, const std::string& name);

}  // namespace vbackup::driver::dragonfly
