// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <thread>

#include "base/clock.hpp"
#include "base/tally.hpp"
#include "cli/output/messages.hpp"

namespace vbackup::cli {

// Reads the tally ten times a second and shows it: new warnings once, progress always. The only thread that cli
// makes. `beat` is called each time, so that a signal ends a wait within a tenth of a second. Without a pulse there
// is no thread: warnings are shown at the end. The destructor shows what is left and takes the progress line away.
class Ticker {
public:
    Ticker(Messages& messages, const Tally& tally, const Clock& clock, const Clock* pulse, std::function<void()> beat);
    ~Ticker();
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;

    // A person is being asked: no progress line until the pause goes.
    std::unique_lock<std::mutex> pause();

private:
    void show_warnings();

    Messages& messages_;
    const Tally& tally_;
    const Clock& clock_;
    Instant begun_;
    std::size_t warnings_shown_ = 0;
    std::mutex showing_;
    std::jthread thread_;
};

}  // namespace vbackup::cli
