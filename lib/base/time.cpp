// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"

namespace vbackup {

namespace {

constexpr Milliseconds years_end = std::chrono::sys_days(std::chrono::year(2262) / 1 / 1).time_since_epoch();

struct Parts {
    int year, month, day, hour, minute, second;
};

Parts split(Moment moment) {
    const auto seconds = std::chrono::floor<Seconds>(moment);
    const auto day = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(seconds - day);
    return {static_cast<int>(date.year()),
            static_cast<int>(static_cast<unsigned>(date.month())),
            static_cast<int>(static_cast<unsigned>(date.day())),
            static_cast<int>(time.hours().count()),
            static_cast<int>(time.minutes().count()),
            static_cast<int>(time.seconds().count())};
}

// Takes characters from the front of a text; once something does not fit, `good` stays false.
struct Reader {
    std::string_view text;
    bool good = true;

    bool take(std::string_view any_of) {
        if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
        text.remove_prefix(1);
        return true;
    }
    void need(std::string_view any_of) { good = take(any_of) && good; }
    int number(std::size_t digits, int most) {
        int value = 0;
        const std::string_view part = text.substr(0, digits);
        const bool all_digits = part.find_first_not_of("0123456789") == std::string_view::npos;
        if (part.size() < digits || !all_digits) {
            good = false;
            return 0;
        }
        std::from_chars(part.data(), part.data() + part.size(), value);
        text.remove_prefix(digits);
        good = good && value <= most;
        return value;
    }
};

// ".123456" in nanoseconds; further digits are dropped.
std::chrono::nanoseconds read_fraction(Reader& reader) {
    if (!reader.take(".,")) return {};
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; !reader.text.empty() && reader.text.front() >= '0' && reader.text.front() <= '9'; ++digits) {
        if (digits < 9) value = value * 10 + (reader.text.front() - '0');
        reader.text.remove_prefix(1);
    }
    reader.good = reader.good && digits > 0;
    for (; digits < 9; ++digits) value *= 10;
    return std::chrono::nanoseconds(value);
}

std::chrono::minutes read_offset(Reader& reader) {
    if (reader.text.empty() || reader.take("Zz")) return {};
    const bool west = reader.text.front() == '-';
    reader.need("+-");
    const int hours = reader.number(2, 23);
    reader.need(":");
    const std::chrono::minutes offset(hours * 60 + reader.number(2, 59));
    return west ? -offset : offset;
}

}  // namespace

std::string format_time(Moment moment) {
    const Parts p = split(moment);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", p.year, p.month, p.day, p.hour, p.minute, p.second);
}

std::string compact_time(Moment moment) {
    const Parts p = split(moment);
    return fmt::format("{:04}{:02}{:02}t{:02}{:02}{:02}z", p.year, p.month, p.day, p.hour, p.minute, p.second);
}

std::optional<Moment> parse_time(std::string_view text) {
    Reader reader{text};
    const int year = reader.number(4, 9999);
    reader.need("-");
    const int month = reader.number(2, 12);
    reader.need("-");
    const int day = reader.number(2, 31);
    reader.need("Tt ");
    const std::chrono::hours hours(reader.number(2, 23));
    reader.need(":");
    const std::chrono::minutes minutes(reader.number(2, 59));
    reader.need(":");
    const Seconds seconds(reader.number(2, 60));  // 60: a leap second
    const std::chrono::nanoseconds fraction = read_fraction(reader);
    const std::chrono::minutes offset = read_offset(reader);
    const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day)));
    if (!reader.good || !reader.text.empty() || !date.ok()) return std::nullopt;
    const auto whole = moment_at((std::chrono::sys_days(date) + hours + minutes + seconds - offset).time_since_epoch());
    if (!whole) return std::nullopt;
    return *whole + std::chrono::duration_cast<Moment::duration>(fraction);
}

std::optional<Moment> moment_at(Milliseconds since_1970) {
    if (since_1970 < Milliseconds{0} || since_1970 >= years_end) return std::nullopt;
    return Moment(std::chrono::duration_cast<Moment::duration>(since_1970));
}

Moment later(Moment from, Milliseconds length) {
    const auto since_1970 = std::chrono::floor<Milliseconds>(from.time_since_epoch());
    if (length >= years_end - since_1970) return Moment(std::chrono::duration_cast<Moment::duration>(years_end));
    return from + length;
}

}  // namespace vbackup
