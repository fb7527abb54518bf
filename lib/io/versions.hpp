// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace vbackup::io {

// Names and versions of the libraries of this room, as they are loaded now.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace vbackup::io
