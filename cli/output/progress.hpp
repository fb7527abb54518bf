// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "base/tally.hpp"
#include "cli/output/table.hpp"

namespace vbackup::cli {

// A tally at one moment.
struct Snapshot {
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_total = 0;  // 0: not known
    std::uint32_t steps_done = 0;
    std::uint32_t steps_total = 0;
    std::string stage;
    Milliseconds elapsed{0};
};
Snapshot snapshot(const Tally& tally, Milliseconds elapsed);

// Bytes a second, smoothed over some ten seconds so that the number can be read.
class Pace {
public:
    void note(const Snapshot& now);
    double rate() const { return rate_; }

private:
    Snapshot last_;
    double rate_ = 0;
};

// "[1/3] weaviate: TRANSFERRING  1.2 GiB of 4 GiB  35 MiB/s  eta 1m20s  12s", at most `width` columns.
std::string progress_line(const Snapshot& now, double rate, std::size_t width);

}  // namespace vbackup::cli
