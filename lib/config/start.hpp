// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace vbackup::config {

// A configuration to begin with: comments, and settings that are comments too ("#store = …": without a blank after the '#').
std::string_view start_text();

// Writes it into a new file that only its owner may read, and makes the folders above it so. Error{conflict} when something of
// that name is there, Error{storage} when it cannot be written.
void write_start(const std::filesystem::path& path);

}  // namespace vbackup::config
