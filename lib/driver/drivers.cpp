// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "driver/dragonfly/dragonfly.hpp"
#include "driver/dragonfly_cloud/dragonfly_cloud.hpp"
#include "driver/qdrant/qdrant.hpp"
#include "driver/registry.hpp"
#include "driver/weaviate/weaviate.hpp"

namespace vbackup::driver {

// The one list of all drivers. A new one is a folder with its entry, and a line here.
std::span<const Entry> drivers() {
    static const std::array<Entry, 4> all = {weaviate_entry(), qdrant_entry(), dragonfly_entry(),
                                             dragonfly_cloud_entry()};
    return all;
}

}  // namespace vbackup::driver
