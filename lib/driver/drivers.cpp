// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "driver/qdrant/qdrant.hpp"
#include "driver/qdrant_k8s/qdrant_k8s.hpp"
#include "driver/registry.hpp"
#include "driver/weaviate/weaviate.hpp"

namespace vbackup::driver {

// The one list of all drivers. A new one is a folder with its entry, and a line here.
std::span<const Entry> drivers() {
    static const std::array<Entry, 3> all = {weaviate_entry(), qdrant_entry(), qdrant_k8s_entry()};
    return all;
}

}  // namespace vbackup::driver
