// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/structures.hpp"

namespace vbackup::driver::weaviate {

// Structure::covered: every node of the server's own descriptor has its own, and every collection that had objects its chunks.
model::Proof covered(const model::Manifest& manifest, const ReadFile& read);

}  // namespace vbackup::driver::weaviate
