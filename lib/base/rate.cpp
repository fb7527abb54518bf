// SPDX-License-Identifier: Apache-2.0
#include "base/rate.hpp"

namespace vbackup {

Rate::Rate(std::uint64_t bytes, Instant now) : bytes_(std::max<std::uint64_t>(bytes, 1)), filled_(now) {}

std::chrono::nanoseconds Rate::take(std::uint64_t bytes, Instant now) {
    const auto rate = static_cast<double>(bytes_);
    const std::scoped_lock lock(mutex_);
    // Threads ask in another order than they looked at the clock.
    const std::chrono::duration<double> passed = std::max(now, filled_) - filled_;
    filled_ = std::max(now, filled_);
    left_ = std::min(rate, left_ + passed.count() * rate) - static_cast<double>(bytes);
    if (left_ >= 0) return std::chrono::nanoseconds(0);
    return std::chrono::ceil<std::chrono::nanoseconds>(std::chrono::duration<double>(-left_ / rate));
}

}  // namespace vbackup
