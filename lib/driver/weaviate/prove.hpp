// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/manifest.hpp"
#include "model/request.hpp"
#include "model/topology.hpp"

namespace vbackup::driver::weaviate {

// Compares one collection as it is now, null when it is not there, with what the manifest says of it. `skipped` are the
// tenants that the backup left out, as in the manifest's notes.
void compare(const model::CollectionEntry& entry, const model::Collection* now, const std::vector<std::string>& skipped,
             std::vector<model::Finding>& findings);

}  // namespace vbackup::driver::weaviate
