// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <stop_token>

namespace vbackup {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
using Instant = std::chrono::steady_clock::time_point;  // for waiting
using Moment = std::chrono::system_clock::time_point;   // for people and manifests, UTC

// Time as a parameter: tests replace it, so nothing in them sleeps. Thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Instant now() const = 0;
    virtual Moment wall() const = 0;
    // Returns true when the time has passed, false when `stop` was requested before; at once when it already was.
    virtual bool sleep(Milliseconds length, const std::stop_token& stop) const = 0;
};

const Clock& system_clock();

}  // namespace vbackup
