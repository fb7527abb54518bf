// SPDX-License-Identifier: Apache-2.0
#include "model/plan.hpp"

namespace vbackup::model {

std::string Part::text() const {
    std::string result;
    const auto add = [&result](std::string_view what, const std::string& name) {
        if (name.empty()) return;
        if (!result.empty()) result += ", ";
        result.append(what).append(" ").append(name);
    };
    add("collection", collection);
    add("shard", shard);
    add("node", node);
    return result;
}

bool is_final(Phase phase) {
    return phase == Phase::succeeded || phase == Phase::failed || phase == Phase::cancelled || phase == Phase::gone;
}

}  // namespace vbackup::model
