// SPDX-License-Identifier: Apache-2.0
#pragma once

// Of this room's .cpp files alone, as table.hpp is.

#include <vector>

#include "config/gather.hpp"
#include "config/settings.hpp"

namespace vbackup::config {

// Every value that holds, in the order of `keys`: what is said, what [defaults] says for a target, what is usual.
std::vector<Setting> settings_of(const Gathered& gathered);

}  // namespace vbackup::config
