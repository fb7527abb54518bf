// SPDX-License-Identifier: Apache-2.0
#include "driver/drills.hpp"

#include <algorithm>
#include <array>

#include "driver/qdrant/drill.hpp"

namespace vbackup::driver {

namespace {

constexpr std::array<Drill, 6> all{{
    {.driver = "weaviate", .why_not = "Weaviate cannot restore a collection under another name"},
    {.driver = "qdrant", .scratch = qdrant::scratch, .clear = qdrant::clear},
    {.driver = "qdrant-k8s", .why_not = "its restores replace or make whole clusters"},
    {.driver = "zilliz", .why_not = "its backups never come to a store that a drill could read"},
    {.driver = "dragonfly", .why_not = "its databases are numbers, which cannot be made for a drill and removed again"},
    {.driver = "dragonfly-cloud",
     .why_not = "its databases are numbers, which cannot be made for a drill and removed again"},
}};

}  // namespace

std::span<const Drill> drills() {
    return all;
}

const Drill* find_drill(std::string_view driver) {
    const auto* found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.driver == driver; });
    return found == all.end() ? nullptr : found;
}

}  // namespace vbackup::driver
