// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

constexpr double smoothing_seconds = 5.0;
constexpr double shortest_interval = 0.05;  // seconds; below it the quotient says nothing

std::string whole_seconds(Milliseconds length) {
    return format_duration(std::chrono::duration_cast<Seconds>(length));
}

std::string numbers(const Snapshot& now, double rate) {
    std::string out;
    if (now.bytes_done > 0 || now.bytes_total > 0) out += "  " + format_bytes(now.bytes_done);
    if (now.bytes_total > 0) out += " of " + format_bytes(now.bytes_total);
    if (rate >= 1) out += "  " + format_bytes(static_cast<std::uint64_t>(rate)) + "/s";
    if (rate >= 1 && now.bytes_total > now.bytes_done) {
        const double left = static_cast<double>(now.bytes_total - now.bytes_done) / rate;
        if (left < 1e7) out += "  eta " + whole_seconds(Seconds(static_cast<std::int64_t>(std::ceil(left))));
    }
    return out + "  " + whole_seconds(now.elapsed);
}

}  // namespace

Snapshot snapshot(const Tally& tally, Milliseconds elapsed) {
    return {tally.bytes_done.load(), tally.bytes_total.load(),
            tally.steps_done.load(), tally.steps_total.load(),
            tally.stage(),           elapsed};
}

void Pace::note(const Snapshot& now) {
    const double seconds = std::chrono::duration<double>(now.elapsed - last_.elapsed).count();
    if (seconds < shortest_interval) return;
    // A tally that was rewound (a part is sent again) counts as standing still.
    const double moved =
        now.bytes_done > last_.bytes_done ? static_cast<double>(now.bytes_done - last_.bytes_done) : 0.0;
    const double weight = rate_ <= 0 ? 1.0 : 1.0 - std::exp(-seconds / smoothing_seconds);
    rate_ += weight * (moved / seconds - rate_);
    last_ = now;
}

std::string progress_line(const Snapshot& now, double rate, std::size_t width) {
    std::string steps = now.steps_total > 0 ? fmt::format("[{}/{}] ", now.steps_done, now.steps_total) : "";
    const std::string tail = numbers(now, rate);
    const std::size_t used = display_width(steps) + display_width(tail);
    const std::size_t room = width > used ? width - used : 0;
    return cut(steps + cut(one_line(now.stage.empty() ? "working" : now.stage), room) + tail, width);
}

}  // namespace vbackup::cli
