// SPDX-License-Identifier: Apache-2.0
#include "base/tally.hpp"

#include <algorithm>
#include <utility>

namespace vbackup {

void Tally::stage(std::string text) {
    const std::lock_guard lock(mutex_);
    stage_ = std::move(text);
}

std::string Tally::stage() const {
    const std::lock_guard lock(mutex_);
    return stage_;
}

void Tally::warn(std::string text) {
    const std::lock_guard lock(mutex_);
    if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end()) warnings_.push_back(std::move(text));
}

std::vector<std::string> Tally::warnings(std::size_t from) const {
    const std::lock_guard lock(mutex_);
    const auto first = static_cast<std::ptrdiff_t>(std::min(from, warnings_.size()));
    return {warnings_.begin() + first, warnings_.end()};
}

}  // namespace vbackup
