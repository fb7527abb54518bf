// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace vbackup {

namespace {

// Longer sleeps would overflow the nanoseconds of the steady clock.
constexpr Milliseconds longest = std::chrono::hours(24 * 365);

class SystemClock final : public Clock {
public:
    Instant now() const override { return std::chrono::steady_clock::now(); }
    Moment wall() const override { return std::chrono::system_clock::now(); }

    bool sleep(Milliseconds length, const std::stop_token& stop) const override {
        std::mutex mutex;
        std::condition_variable_any condition;
        std::unique_lock lock(mutex);
        condition.wait_for(lock, stop, std::clamp(length, Milliseconds(0), longest), [] { return false; });
        return !stop.stop_requested();
    }
};

}  // namespace

const Clock& system_clock() {
    static const SystemClock clock;
    return clock;
}

}  // namespace vbackup
