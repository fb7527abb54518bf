// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace vbackup::cli {

// How a command about several backups ends. All good is no problem, some good is partial, none good is the worst: never the
// last one's. Items have an `id` and perhaps an `error`; `what` says what did not happen to them: "deleted".
template <class Items>
std::optional<Error> problem_of_several(const Items& items, std::string_view what) {
    std::vector<ErrorKind> kinds;
    std::string all;
    for (const auto& item : items) {
        if (!item.error) continue;
        kinds.push_back(item.error->kind());
        all += (all.empty() ? "" : "; ") + fmt::format("{}: {}", item.id, item.error->message());
    }
    if (kinds.empty()) return std::nullopt;
    if (items.size() == 1) return items.front().error;
    const auto kind = kinds.size() < items.size() ? ErrorKind::partial : worst(kinds);
    return Error(kind, fmt::format("{} of {} were not {}: {}", kinds.size(), items.size(), what, all));
}

// Does `work` for each of `ids` and notes its error in the item it was given; an interruption ends all.
template <class Items, class Work>
void for_each_of_several(const std::vector<std::string>& ids, Items& items, Work work) {
    for (const auto& id : ids) {
        auto& item = items.emplace_back();
        item.id = id;
        try {
            work(item);
        } catch (const Error& error) {
            item.error = error;
            item.error->with("id", id);
            if (error.kind() == ErrorKind::interrupted) throw;
        }
    }
}

}  // namespace vbackup::cli
