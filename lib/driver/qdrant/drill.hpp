// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/drills.hpp"

namespace vbackup::driver::qdrant {

// Drill::scratch: the name and "--vbackup-drill"; of a long name its beginning and a digest, since 255 bytes are the most.
std::string scratch(const std::string& collection);
// Drill::clear: the collection is deleted and gone from every node.
model::Plan clear(const std::string& scratch);

}  // namespace vbackup::driver::qdrant
