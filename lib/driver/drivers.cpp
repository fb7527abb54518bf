// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "driver/dragonfly/dragonfly.hpp"
#include "driver/dragonfly_cloud/dragonfly_cloud.hpp"
#include "driver/qdrant/qdrant.hpp"
#include "driver/qdrant_k8s/qdrant_k8s.hpp"
#include "driver/registry.hpp"
#include "driver/weaviate/weaviate.hpp"
#include "driver/zilliz/zilliz.hpp"

namespace vbackup::driver {

// The one list of all drivers. A new one is a folder with its entry, and a line here.
std::span<const Entry> drivers() {
    static const std::array<Entry, 6> all = {weaviate_entry(), qdrant_entry(),    qdrant_k8s_entry(),
                                             zilliz_entry(),   dragonfly_entry(), dragonfly_cloud_entry()};
    return all;
}

}  // namespace vbackup::driver
