// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>

#include "base/clock.hpp"
#include "base/rate.hpp"
#include "base/tally.hpp"

namespace vbackup {

// What every outside call is given: how long it may take, who may end it, where to note what it did.
// A copy shares clock, tally and rate. Thread-safe as far as these are.
struct Call {
    const Clock& clock;
    Tally& tally;
    Instant deadline = Instant::max();
    std::stop_token stop = {};
    Rate* rate = nullptr;  // --limit-rate; null: as fast as it goes

    // Throws Error{interrupted} once a stop was requested and Error{deadline} once the deadline has passed.
    void require_time() const;
    // What is left until the deadline, at most `most`.
    Milliseconds left(Milliseconds most) const;
    // How many of `most` bytes to move at once, so that a limited rate flows evenly. At least 1 unless `most` is 0.
    std::size_t piece(std::size_t most) const;
    // To be told of all bytes of backups that were read from a wire or a place, or sent to one, after each piece: waits as
    // long as the rate demands. Throws as `require_time` does when that ends the wait.
    void moved(std::uint64_t bytes) const;
};

}  // namespace vbackup
