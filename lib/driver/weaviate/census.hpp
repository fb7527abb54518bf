// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "driver/weaviate/requests.hpp"
#include "model/topology.hpp"

namespace vbackup::driver::weaviate {

// Is a tenant in this state missing from a backup that this server makes? Inactive ones were before 1.37; offloaded
// ones and those on the way to or from that always are, and so is any state that nobody knows.
bool is_left_out(const Version& server, std::string_view status);
// Only these may be counted: to count an inactive one could wake it up.
bool is_awake(std::string_view status);

// Fills in the tenants with their states and, with `counts`, exact numbers of objects: of the collection, or of each
// active tenant with their sum as the collection's. What cannot be counted stays empty, with a warning, and is never 0.
void take_census(Call& call, const Routes& routes, bool counts, std::vector<model::Collection>& collections,
                 std::vector<std::string>& warnings);

}  // namespace vbackup::driver::weaviate
