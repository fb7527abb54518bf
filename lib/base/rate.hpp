// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "base/clock.hpp"

namespace vbackup {

// How many bytes a second all that share it may move together (--limit-rate): a token bucket that begins empty and holds
// at most what one second brings, so that over any time no more passes than that time and one second allow. Thread-safe.
class Rate {
public:
    // `bytes` a second, at least 1.
    Rate(std::uint64_t bytes, Instant now);
    Rate(const Rate&) = delete;
    Rate& operator=(const Rate&) = delete;

    // The most to move at once: what a tenth of a second brings, at least 1.
    std::size_t piece() const { return static_cast<std::size_t>(std::max<std::uint64_t>(bytes_ / 10, 1)); }
    // Counts what was moved. Whoever moved it moves no more before so long; waiting is the caller's.
    std::chrono::nanoseconds take(std::uint64_t bytes, Instant now);

private:
    const std::uint64_t bytes_;
    std::mutex mutex_;
    Instant filled_;   // when the bucket was filled last
    double left_ = 0;  // in bytes; below zero: what was moved ahead of its time
};

}  // namespace vbackup
