// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>

#include "base/clock.hpp"

namespace vbackup::test {

// A clock whose sleeping takes no time: it moves its hands. Thread-safe.
class FakeClock : public Clock {
public:
    Instant now() const override { return Instant{} + std::chrono::hours(1) + Milliseconds(offset_.load()); }
    // 2026-11-21T07:47:00Z plus what was slept.
    Moment wall() const override { return Moment{} + Seconds(1'795'247'220) + Milliseconds(offset_.load()); }
    bool sleep(Milliseconds length, const std::stop_token& stop) const override {
        if (stop.stop_requested()) return false;
        offset_ += length.count();
        ++sleeps_;
        if (on_sleep) on_sleep(length);
        return !stop.stop_requested();
    }
    void advance(Milliseconds length) const { offset_ += length.count(); }
    int sleeps() const { return sleeps_; }
    Milliseconds elapsed() const { return Milliseconds(offset_.load()); }

    std::function<void(Milliseconds)> on_sleep;

private:
    mutable std::atomic<std::int64_t> offset_{0};
    mutable std::atomic<int> sleeps_{0};
};

}  // namespace vbackup::test
