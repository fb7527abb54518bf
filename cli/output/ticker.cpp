// SPDX-License-Identifier: Apache-2.0
#include "cli/output/ticker.hpp"

namespace vbackup::cli {

namespace {

constexpr Milliseconds interval{100};

}  // namespace

Ticker::Ticker(Messages& messages, const Tally& tally, const Clock& clock, const Clock* pulse,
               std::function<void()> beat)
    : messages_(messages), tally_(tally), clock_(clock), begun_(clock.now()) {
    if (!pulse) return;
    thread_ = std::jthread([this, pulse, beat = std::move(beat)](const std::stop_token& stop) {
        while (pulse->sleep(interval, stop)) {
            beat();
            const std::unique_lock lock(showing_, std::try_to_lock);
            if (!lock) continue;
            show_warnings();
            messages_.progress(snapshot(tally_, std::chrono::duration_cast<Milliseconds>(clock_.now() - begun_)));
        }
    });
}

Ticker::~Ticker() {
    if (thread_.joinable()) {
        thread_.request_stop();
        thread_.join();
    }
    messages_.clear();
    show_warnings();
}

std::unique_lock<std::mutex> Ticker::pause() {
    std::unique_lock lock(showing_);
    messages_.clear();
    return lock;
}

void Ticker::show_warnings() {
    for (const auto& warning : tally_.warnings(warnings_shown_)) {
        messages_.warn(warning);
        ++warnings_shown_;
    }
}

}  // namespace vbackup::cli
