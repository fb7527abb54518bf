// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace vbackup {

// "0 B", "512 B", "1.5 KiB", "20 GiB".
std::string format_bytes(std::uint64_t bytes);
// "1.5s", "90s" is "1m30s", "26h" is "1d2h". Never negative.
std::string format_duration(Milliseconds length);
// "90", "90s", "30m", "26h", "7d", "1h30m"; a bare number is seconds. Throws Error{usage} otherwise, and above 10 years.
Milliseconds parse_duration(std::string_view text);
// Bytes a second: "500K", "10M", "1.5G", or a bare number of bytes; K, M and G are powers of 1024, as curl has them, in
// either case. Throws Error{usage} otherwise, and for less than 1.
std::uint64_t parse_rate(std::string_view text);

// RFC 3339 UTC in whole seconds: "2026-11-21T07:47:00Z".
std::string format_time(Moment moment);
// RFC 3339 with any fraction and offset, also without a zone (taken as UTC, as Qdrant writes). Empty when it is none, and outside
// the years of `moment_at`.
std::optional<Moment> parse_time(std::string_view text);
// So long after 1970 began. Empty outside the years 1970 to 2261: a Moment counts nanoseconds, and of these years the difference of
// any two can still be told. Go's empty time, year 1, is none.
std::optional<Moment> moment_at(Milliseconds since_1970);
// At most the end of those years.
Moment later(Moment from, Milliseconds length);
// For ids: "20261121t074700z".
std::string compact_time(Moment moment);

// `*` any run, `?` one character, everything else itself.
bool glob_match(std::string_view pattern, std::string_view text);

// For one line on a terminal: line breaks and tabs become blanks, control characters and escapes '?', and it is cut at
// `most` characters with "…".
std::string one_line(std::string_view text, std::size_t most = 400);

// The candidate nearest to `word` when near enough to be a slip of the fingers.
std::optional<std::string> did_you_mean(std::string_view word, std::span<const std::string> candidates);

// A version such as "1.39.0" or "v1.19.0-dev". Missing parts are 0.
struct Version {
    int major = 0, minor = 0, patch = 0;
    auto operator<=>(const Version&) const = default;
};
std::optional<Version> parse_version(std::string_view text);
std::string format_version(const Version& version);

}  // namespace vbackup
