// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "backup/story.hpp"

namespace vbackup::cli {

// Keeps a secret in a file that only its owner may read. The file must be new or empty: Error{conflict} otherwise,
// Error{storage} when it cannot be written.
backup::SecretKeeper keep_in_file(const std::string& file);

// Shows it to the person at the terminal; `tell` writes there and nowhere else, and says whether it could.
backup::SecretKeeper keep_by_telling(std::function<bool(std::string_view)> tell);

}  // namespace vbackup::cli
