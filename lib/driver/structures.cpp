// SPDX-License-Identifier: Apache-2.0
#include "driver/structures.hpp"

#include <algorithm>
#include <array>

#include "driver/dragonfly/structure.hpp"
#include "driver/qdrant/structure.hpp"
#include "driver/weaviate/structure.hpp"

namespace vbackup::driver {

namespace {

constexpr std::string_view elsewhere = "their files lie where only its control plane reads them";

constexpr std::array<Structure, 6> all{{
    {.driver = "weaviate", .covered = weaviate::covered},
    {.driver = "qdrant", .covered = qdrant::covered, .expected = qdrant::expected},
    {.driver = "qdrant-k8s", .why_not = elsewhere},
    {.driver = "zilliz", .why_not = elsewhere},
    {.driver = "dragonfly", .covered = dragonfly::covered},
    // What it keeps are files of keys, as Dragonfly's own driver makes them.
    {.driver = "dragonfly-cloud", .covered = dragonfly::covered},
}};

}  // namespace

std::span<const Structure> structures() {
    return all;
}

const Structure* find_structure(std::string_view driver) {
    const auto* found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.driver == driver; });
    return found == all.end() ? nullptr : found;
}

}  // namespace vbackup::driver
