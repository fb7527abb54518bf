// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/registry.hpp"

namespace vbackup::driver {

// Qdrant over REST, one node: shard, collection and full storage snapshots. README.md here says which quirks it knows.
const Entry& qdrant_entry();

}  // namespace vbackup::driver
