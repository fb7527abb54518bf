// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace vbackup::driver::dragonfly {

// The patterns of SCAN and KEYS: `*` any run, `?` one byte, `[abc]`, `[a-z]`, `[^a]`, and a backslash before any of them.
bool key_matches(std::string_view pattern, std::string_view key);

}  // namespace vbackup::driver::dragonfly
