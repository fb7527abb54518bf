// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/structures.hpp"

namespace vbackup::driver::qdrant {

// Structure::covered: every shard of every collection is in a snapshot.
model::Proof covered(const model::Manifest& manifest, const ReadFile& read);
// Structure::expected: what recovery needs of a snapshot (contracts.md Q.8).
std::vector<std::string> expected(const model::Manifest& manifest, const model::File& file);

}  // namespace vbackup::driver::qdrant
