// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include "base/error.hpp"

namespace vbackup {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// One UTF-8 character at the beginning of a text: its length in bytes and its number. Bytes that are no valid UTF-8 are
// taken one by one, as `broken`.
struct Character {
    std::size_t length = 1;
    char32_t code = 0;
    bool broken = false;
};

Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    if (byte(0) < 0x80) return {1, byte(0), false};
    const std::size_t length = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : 2;
    if (byte(0) < 0xc2 || byte(0) > 0xf4 || text.size() < length) return {1, 0, true};
    char32_t code = byte(0) & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {1, 0, true};
        code = (code << 6) | (byte(i) & 0x3f);
    }
    constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code < smallest[length] || code > 0x10ffff || surrogate) return {1, 0, true};
    return {length, code, false};
}

// Control characters of ASCII and Latin-1, line and paragraph separators, and those that turn the direction of writing:
// each could make a terminal show something else than what is there.
bool misleads_terminals(const Character& character) {
    const char32_t code = character.code;
    return character.broken || code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

// Damerau-Levenshtein in its restricted form: insertions, deletions, replacements, swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
    std::iota(last.begin(), last.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[b.size()];
}

std::string with_unit(std::int64_t whole, std::string_view unit) {
    return whole == 0 ? std::string() : fmt::format("{}{}", whole, unit);
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) return fmt::format("{} B", bytes);
    std::size_t unit = 0;
    double value = static_cast<double>(bytes);
    // What rounds to 1024 belongs to the next unit.
    while (value >= 1023.95 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    std::string number = fmt::format("{:.1f}", value);
    if (number.ends_with(".0")) number.resize(number.size() - 2);
    return fmt::format("{} {}", number, units[unit]);
}

std::string format_duration(Milliseconds length) {
    const std::int64_t ms = std::max<std::int64_t>(length.count(), 0);
    if (ms == 0) return "0s";
    if (ms < 1000) return fmt::format("{}ms", ms);
    const std::int64_t seconds = ms / 1000;
    if (seconds < 60) {
        const std::int64_t tenths = ms / 100 % 10;
        return tenths == 0 ? fmt::format("{}s", seconds) : fmt::format("{}.{}s", seconds, tenths);
    }
    if (seconds < 3600) return with_unit(seconds / 60, "m") + with_unit(seconds % 60, "s");
    if (seconds < 86400) return with_unit(seconds / 3600, "h") + with_unit(seconds / 60 % 60, "m");
    return with_unit(seconds / 86400, "d") + with_unit(seconds / 3600 % 24, "h");
}

Milliseconds parse_duration(std::string_view text) {
    constexpr std::int64_t longest = std::int64_t{3650} * 86400;
    const auto refuse = [text](std::string_view why) -> Error {
        return Error(ErrorKind::usage, fmt::format("'{}' is no duration: {}", one_line(text, 60), why),
                     "write it like 90s, 30m, 26h, 7d or 1h30m");
    };
    struct Unit {
        char letter;
        std::int64_t seconds;
    };
    constexpr std::array<Unit, 4> units{{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};
    std::int64_t total = 0;
    std::size_t next_unit = 0;  // units may only become smaller: "1h30m", not "30m1h"
    std::size_t at = 0;
    if (text.empty()) throw refuse("it is empty");
    while (at < text.size()) {
        std::int64_t number = 0;
        const std::size_t begin = at;
        for (; at < text.size() && is_digit(text[at]); ++at)
            number = std::min(number * 10 + (text[at] - '0'), longest + 1);
        if (at == begin) throw refuse("a number is missing");
        const bool bare = at == text.size() && begin == 0;
        if (at == text.size() && !bare) throw refuse("a unit is missing");
        const char letter = bare ? 's' : text[at++];
        while (next_unit < units.size() && units[next_unit].letter != letter) ++next_unit;
        if (next_unit == units.size()) throw refuse("units are d, h, m and s, in this order");
        if (number > longest) throw refuse("it is longer than ten years");
        total += number * units[next_unit++].seconds;
        if (total > longest) throw refuse("it is longer than ten years");
    }
    return Seconds(total);
}

std::uint64_t parse_rate(std::string_view text) {
    const auto refuse = [text](std::string_view why) -> Error {
        return Error(ErrorKind::usage, fmt::format("'{}' is no rate: {}", one_line(text, 60), why),
                     "write bytes a second like 500K, 10M or 1.5G");
    };
    if (text.empty() || !is_digit(text.front())) throw refuse("a number is missing");
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [unit, fault] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (fault != std::errc{}) throw refuse("the number is too large");
    constexpr std::string_view units = "kmg";
    if (unit != end) {
        const auto power = units.find(lower({unit, end}));
        if (unit + 1 != end || power == std::string_view::npos) throw refuse("units are K, M and G");
        number *= static_cast<double>(std::uint64_t{1024} << (10 * power));
    }
    constexpr double most = 1e15;
    if (number < 1) throw refuse("it is less than a byte");
    if (number > most) throw refuse("the number is too large");
    return static_cast<std::uint64_t>(number);
}

bool glob_match(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0;
    std::size_t star = std::string_view::npos, mark = 0;  // the last '*' and where its run ends for now
    while (t < text.size()) {
        const std::size_t length = first_character(text.substr(t)).length;
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.size() && pattern[p] == '?') {
            ++p;
            t += length;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = mark += first_character(text.substr(mark)).length;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::string one_line(std::string_view text, std::size_t most) {
    std::string result;
    std::size_t count = 0, last = 0;  // `last`: where the last character that fits beside "…" ends
    while (!text.empty()) {
        if (count == most) {
            result.resize(last);
            return most == 0 ? result : result + "…";
        }
        if (count + 1 == most) last = result.size();
        const Character character = first_character(text);
        const bool is_blank = text.front() == '\n' || text.front() == '\r' || text.front() == '\t';
        result += is_blank ? " " : misleads_terminals(character) ? "?" : text.substr(0, character.length);
        text.remove_prefix(character.length);
        ++count;
    }
    return result;
}

std::optional<std::string> did_you_mean(std::string_view word, std::span<const std::string> candidates) {
    // Nobody types so much, and comparing takes the square of it.
    constexpr std::size_t longest = 200;
    if (word.size() > longest) return std::nullopt;
    const std::string wanted = lower(word);
    // Two slips in a word of three letters make another word.
    std::size_t nearest = wanted.size() <= 3 ? 2 : 3;
    std::optional<std::string> result;
    for (const std::string& candidate : candidates) {
        const std::size_t far = distance(wanted, lower(candidate));
        if (far < nearest) {
            nearest = far;
            result = candidate;
        }
    }
    if (result || wanted.empty()) return result;
    for (const std::string& candidate : candidates) {
        const bool begins = lower(candidate).starts_with(wanted);
        if (begins && (!result || candidate.size() < result->size())) result = candidate;
    }
    return result;
}

std::optional<Version> parse_version(std::string_view text) {
    if (text.starts_with('v') || text.starts_with('V')) text.remove_prefix(1);
    Version version;
    for (int* const part : {&version.major, &version.minor, &version.patch}) {
        std::size_t length = 0;
        for (; length < text.size() && is_digit(text[length]); ++length) {
            if (length == 9) return std::nullopt;
            *part = *part * 10 + (text[length] - '0');
        }
        if (length == 0) return std::nullopt;
        text.remove_prefix(length);
        if (!text.starts_with('.') || part == &version.patch) break;
        text.remove_prefix(1);
    }
    const bool ended = text.empty() || text.find_first_of("-+. ") == 0;
    return ended ? std::optional(version) : std::nullopt;
}

std::string format_version(const Version& version) {
    return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

}  // namespace vbackup
