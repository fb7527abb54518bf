// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace vbackup::driver::qdrant {

// The nodes that could do one piece of work, with what it would cost each. Never empty.
using Choices = std::map<std::string, std::uint64_t>;

// For each piece the node that does it, so that the busiest has as little as can be: as little as possible when all pieces
// cost the same, close to it otherwise. Equal input gives equal output.
std::vector<std::string> spread(const std::vector<Choices>& pieces);

}  // namespace vbackup::driver::qdrant
