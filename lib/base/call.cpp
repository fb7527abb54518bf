// SPDX-License-Identifier: Apache-2.0
#include "base/call.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace vbackup {

void Call::require_time() const {
    if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted");
    if (clock.now() >= deadline) {
        throw Error(ErrorKind::deadline, "the deadline passed", "allow more time with --timeout");
    }
}

Milliseconds Call::left(Milliseconds most) const {
    const Instant now = clock.now();
    if (now >= deadline) return Milliseconds(0);
    // Rounded up, so that whoever sleeps for what is left wakes after the deadline and not just before it.
    return std::min(most, std::chrono::ceil<Milliseconds>(deadline - now));
}

std::size_t Call::piece(std::size_t most) const {
    return rate == nullptr ? most : std::min(most, rate->piece());
}

void Call::moved(std::uint64_t bytes) const {
    if (rate == nullptr || bytes == 0) return;
    const auto pause = std::chrono::ceil<Milliseconds>(rate->take(bytes, clock.now()));
    if (pause.count() == 0) return;
    if (!clock.sleep(left(pause), stop) || clock.now() >= deadline) require_time();
}

}  // namespace vbackup
