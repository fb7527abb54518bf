// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace vbackup::cli {

// What is known of one target after a run or a look.
struct Measured {
    std::string target;
    std::optional<int> exit_code;          // of a run; empty: it was only looked at
    std::optional<int> status_code;        // of a look
    std::optional<Milliseconds> took;      // of a run
    std::optional<Moment> success;         // when the newest good backup was complete; empty: this run made none
    std::optional<std::uint64_t> size;     // of that backup
    std::optional<Milliseconds> interval;  // how old the newest good backup may be
};

// Values by the family's name and the target.
using Samples = std::map<std::string, std::map<std::string, std::string>>;

// The families of this file that `text` holds; what cannot be read is left out. Never throws: an old file that somebody broke
// must not keep a new one from being written.
Samples parse_metrics(std::string_view text);

// Puts what was measured at `now` into them. Without a success the last one's time and size stay what they are: they never move
// on a failure. The ages of all targets are reckoned anew.
void note(Samples& samples, std::span<const Measured> all, Moment now);

// The text format of Prometheus, which is OpenMetrics too (it ends with "# EOF"): help, type and samples of each family.
std::string render_metrics(const Samples& samples);

// Reads the file, notes, and replaces it at once (a new file beside it, renamed), readable by all. Targets that are not
// measured now keep their lines. Waits up to 10 s for another run that writes it. Error{storage}, Error{busy}.
void write_metrics(const std::filesystem::path& file, std::span<const Measured> all, const Clock& clock);

}  // namespace vbackup::cli
