// SPDX-License-Identifier: Apache-2.0
#include "base/cron.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup {

namespace {

struct Field {
    std::string_view name;
    unsigned least, most;
    std::string_view names;  // of three letters each, the first for `first_name`
    unsigned first_name;
};

constexpr std::array<Field, 5> fields{{{"minute", 0, 59, "", 0},
                                       {"hour", 0, 23, "", 0},
                                       {"day of the month", 1, 31, "", 0},
                                       {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", 1},
                                       {"day of the week", 0, 7, "sunmontuewedthufrisat", 0}}};
constexpr std::size_t day_field = 2, weekday_field = 4;

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> macros{{{"@yearly", "0 0 1 1 *"},
                                                                               {"@annually", "0 0 1 1 *"},
                                                                               {"@monthly", "0 0 1 * *"},
                                                                               {"@weekly", "0 0 * * 0"},
                                                                               {"@daily", "0 0 * * *"},
                                                                               {"@hourly", "0 * * * *"}}};

[[noreturn]] void refuse(const std::string& what) {
    throw Error(
        ErrorKind::usage, what,
        "write minute, hour, day of the month, month and day of the week, such as '0 2 * * *' for 02:00 UTC every day");
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators, bool keep_empty) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find_first_of(separators);
        const auto part = text.substr(0, end);
        if (keep_empty || !part.empty()) parts.push_back(part);
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::optional<unsigned> number(std::string_view text) {
    unsigned value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<unsigned> named(const Field& field, std::string_view text) {
    if (text.size() != 3) return std::nullopt;
    std::string lower(text);
    for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    for (std::size_t at = 0; at + 3 <= field.names.size(); at += 3) {
        if (field.names.substr(at, 3) == lower) return field.first_name + static_cast<unsigned>(at / 3);
    }
    return std::nullopt;
}

unsigned value_of(const Field& field, std::string_view text) {
    auto value = named(field, text);
    if (!value) value = number(text);
    if (!value || *value < field.least || *value > field.most)
        refuse(fmt::format("the {} '{}' is not between {} and {}", field.name, one_line(text, 40), field.least,
                           field.most));
    return *value;
}

// One item of a list: "*", "5", "1-5", "*/15", "10-30/5", "10/5" (from 10 on).
struct Item {
    unsigned first, last, step;
    bool star;
};

Item item_of(const Field& field, std::string_view text) {
    const auto halves = split(text, "/", true);
    if (halves.size() > 2) refuse(fmt::format("the {} '{}' has more than one step", field.name, one_line(text, 40)));
    const auto range = split(halves.front(), "-", true);
    if (range.size() > 2) refuse(fmt::format("the {} '{}' is no range", field.name, one_line(text, 40)));
    Item item{field.least, field.most, 1, halves.front() == "*"};
    if (!item.star) {
        item.first = value_of(field, range.front());
        item.last = range.size() == 2 ? value_of(field, range.back()) : halves.size() == 2 ? field.most : item.first;
    }
    if (item.first > item.last)
        refuse(fmt::format("the {} '{}' ends before it begins", field.name, one_line(text, 40)));
    if (halves.size() == 2) {
        const auto step = number(halves.back());
        if (!step || *step == 0 || *step > field.most)
            refuse(fmt::format("the {} '{}' has no step between 1 and {}", field.name, one_line(text, 40), field.most));
        item.step = *step;
    }
    return item;
}

bool is_plain(const Item& item) {
    return item.star || item.step == 1;
}

std::string text_of(const Item& item) {
    if (item.star) return item.step == 1 ? "*" : fmt::format("*/{}", item.step);
    return item.first == item.last ? fmt::format("{}", item.first) : fmt::format("{}-{}", item.first, item.last);
}

std::string list_of(std::uint64_t allowed) {
    std::string list;
    for (unsigned value = 0; value < 64; ++value) {
        if ((allowed >> value & 1U) != 0) list += fmt::format("{}{}", list.empty() ? "" : ",", value);
    }
    return list;
}

struct ReadField {
    std::uint64_t allowed = 0;
    std::string text;
};

ReadField read_field(std::size_t index, std::string_view text) {
    const Field& field = fields.at(index);
    std::vector<Item> items;
    ReadField read;
    for (const auto part : split(text, ",", true)) items.push_back(item_of(field, part));
    for (const auto& item : items) {
        for (unsigned value = item.first; value <= item.last; value += item.step)
            read.allowed |= std::uint64_t{1} << value;
    }
    // Sunday is 0 and 7; only 0 is sent, since not every reader knows 7.
    constexpr std::uint64_t seventh = std::uint64_t{1} << 7;
    const bool sunday = index == weekday_field && (read.allowed & seventh) != 0;
    if (sunday) read.allowed = (read.allowed & ~seventh) | 1U;
    const bool simple = items.size() == 1 && is_plain(items.front()) && (!sunday || items.front().star);
    const bool star_among =
        std::any_of(items.begin(), items.end(), [](const Item& item) { return item.star && item.step == 1; });
    read.text = star_among ? "*" : simple ? text_of(items.front()) : list_of(read.allowed);
    return read;
}

// Go's durations: "1h30m", "90s", "1.5h".
std::optional<Milliseconds> go_duration(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, double>, 3> units{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}}};
    double total = 0;
    while (!text.empty()) {
        const auto digits = text.substr(0, text.find_first_not_of("0123456789."));
        double value = 0;
        const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (fault != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
        text.remove_prefix(digits.size());
        const auto unit =
            std::find_if(units.begin(), units.end(), [&](const auto& one) { return text.starts_with(one.first); });
        if (unit == units.end() || text.starts_with("ms")) return std::nullopt;
        text.remove_prefix(1);
        total += value * unit->second;
    }
    if (total < 1'000 || total > 1e12) return std::nullopt;
    const Milliseconds length(std::llround(total));
    return length % Seconds(1) == Milliseconds{0} ? std::optional(length) : std::nullopt;
}

// In whole hours, minutes and seconds, since not every reader knows fractions.
std::string as_go_duration(Milliseconds length) {
    const auto seconds = std::chrono::duration_cast<Seconds>(length).count();
    std::string text;
    if (seconds >= 3'600) text += fmt::format("{}h", seconds / 3'600);
    if (seconds / 60 % 60 != 0) text += fmt::format("{}m", seconds / 60 % 60);
    if (seconds % 60 != 0) text += fmt::format("{}s", seconds % 60);
    return text;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool allows(std::uint64_t allowed, unsigned value) {
    return (allowed >> value & 1U) != 0;
}

}  // namespace

Cron Cron::parse(std::string_view text) {
    text = trimmed(text);
    return text.starts_with('@') ? parse_macro(text) : parse_fields(text);
}

Cron Cron::parse_macro(std::string_view text) {
    Cron cron;
    if (text == "@reboot") {
        cron.at_start_ = true;
    } else if (text.starts_with("@every")) {
        const auto length = trimmed(text.substr(6));
        cron.every_ = length.empty() ? std::nullopt : go_duration(length);
        if (!cron.every_ || text.at(6) != ' ')
            throw Error(ErrorKind::usage, fmt::format("'{}' does not say how often", one_line(text, 60)),
                        "write hours, minutes and seconds, whole seconds and at least one in all, such as '@every 6h' "
                        "or '@every 1h30m'; a day is 24h");
        cron.text_ = "@every " + as_go_duration(*cron.every_);
        return cron;
    } else {
        const auto macro =
            std::find_if(macros.begin(), macros.end(), [&](const auto& one) { return one.first == text; });
        if (macro == macros.end())
            throw Error(ErrorKind::usage, fmt::format("there is no schedule '{}'", one_line(text, 60)),
                        "there are @yearly, @annually, @monthly, @weekly, @daily, @hourly, @reboot and @every 6h");
        cron = parse_fields(macro->second);
    }
    cron.text_ = std::string(text);
    return cron;
}

Cron Cron::parse_fields(std::string_view text) {
    const auto words = split(text, " \t", false);
    if (words.size() != fields.size())
        refuse(fmt::format("'{}' has {} fields instead of 5", one_line(text, 60), words.size()));
    Cron cron;
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const auto read = read_field(i, words[i]);
        cron.allowed_.at(i) = read.allowed;
        cron.text_ += (i == 0 ? "" : " ") + read.text;
        if (i == day_field) cron.any_day_ = read.text.starts_with('*');
        if (i == weekday_field) cron.any_weekday_ = read.text.starts_with('*');
    }
    return cron;
}

bool Cron::has_day(std::chrono::sys_days day) const {
    const std::chrono::year_month_day date(day);
    if (!allows(allowed_[3], static_cast<unsigned>(date.month()))) return false;
    const bool by_day = allows(allowed_[2], static_cast<unsigned>(date.day()));
    const bool by_weekday = allows(allowed_[4], std::chrono::weekday(day).c_encoding());
    return any_day_ || any_weekday_ ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<Moment> Cron::next(Moment after) const {
    if (at_start_) return std::nullopt;
    if (every_) return after + *every_;
    const auto from = std::chrono::floor<std::chrono::minutes>(after) + std::chrono::minutes(1);
    const auto today = std::chrono::floor<std::chrono::days>(from);
    constexpr int days = 9 * 366;
    constexpr std::int64_t minutes_in_day = 1440;
    for (int ahead = 0; ahead < days; ++ahead) {
        const auto day = today + std::chrono::days(ahead);
        if (!has_day(day)) continue;
        const auto begin = ahead == 0 ? (from - day).count() : 0;
        for (auto minute = begin; minute < minutes_in_day; ++minute) {
            if (allows(allowed_[1], static_cast<unsigned>(minute / 60)) &&
                allows(allowed_[0], static_cast<unsigned>(minute % 60)))
                return day + std::chrono::minutes(minute);
        }
    }
    return std::nullopt;
}

}  // namespace vbackup
