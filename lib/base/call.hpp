// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>

#include "base/clock.hpp"
#include "base/tally.hpp"

namespace vbackup {

// What every outside call is given: how long it may take, who may end it, where to note what it did.
// A copy shares clock and tally. Thread-safe as far as these are.
struct Call {
    const Clock& clock;
    Tally& tally;
    Instant deadline = Instant::max();
    std::stop_token stop = {};

    // Throws Error{interrupted} once a stop was requested and Error{deadline} once the deadline has passed.
    void require_time() const;
    // What is left until the deadline, at most `most`.
    Milliseconds left(Milliseconds most) const;
};

}  // namespace vbackup
