// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/text.hpp"
#include "driver/registry.hpp"

namespace vbackup::driver {

namespace {

struct Bounds {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

std::optional<std::int64_t> integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "2-512". A name such as "NODE-LIST" is no range.
std::optional<Bounds> range_of(std::string_view value) {
    const auto dash = value.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto low = integer(value.substr(0, dash));
    const auto high = integer(value.substr(dash + 1));
    if (!low || !high) return std::nullopt;
    return Bounds{*low, *high};
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const auto end = text.find(separator);
        if (!text.substr(0, end).empty()) parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
    const auto near = did_you_mean(word, candidates);
    return near ? fmt::format("did you mean {}?", *near) : std::string();
}

std::vector<std::string> names_for(const Entry& entry, std::string_view verb) {
    std::vector<std::string> names;
    for (const Option& option : entry.options) {
        if (contains(split(option.verbs, ' '), verb)) names.emplace_back(option.name);
    }
    return names;
}

const Option& require_option(const Entry& entry, std::string_view verb, const std::string& name) {
    for (const Option& option : entry.options) {
        if (option.name == name) return option;
    }
    const std::vector<std::string> names = names_for(entry, verb);
    std::string hint = suggestion(name, names);
    if (hint.empty()) {
        hint = names.empty() ? fmt::format("{} takes no -o options for {}", entry.name, verb)
                             : fmt::format("for {} there are: {}", verb, joined(names));
    }
    throw Error(ErrorKind::usage, fmt::format("{} knows no option {}", entry.name, one_line(name, 60)),
                std::move(hint));
}

void require_verb(const Entry& entry, std::string_view verb, const Option& option) {
    const std::vector<std::string> verbs = split(option.verbs, ' ');
    if (contains(verbs, verb)) return;
    throw Error(ErrorKind::usage,
                fmt::format("the option {} of {} means nothing for {}", option.name, entry.name, verb),
                fmt::format("it belongs to: {}", joined(verbs)));
}

void require_in_list(const Option& option, const std::string& value) {
    const std::vector<std::string> allowed = split(option.value, '|');
    if (contains(allowed, value)) return;
    std::string hint = suggestion(value, allowed);
    throw Error(ErrorKind::usage, fmt::format("{}={} is none of {}", option.name, one_line(value, 60), option.value),
                std::move(hint));
}

void require_in_range(const Option& option, const Bounds& bounds, const std::string& value) {
    const auto number = integer(value);
    if (number && *number >= bounds.low && *number <= bounds.high) return;
    throw Error(ErrorKind::usage, fmt::format("{}={} is no whole number from {} to {}", option.name,
                                              one_line(value, 60), bounds.low, bounds.high));
}

void require_value(const Option& option, const std::string& value) {
    if (option.value.find('|') != std::string_view::npos) return require_in_list(option, value);
    if (const auto bounds = range_of(option.value)) return require_in_range(option, *bounds, value);
    if (value.empty()) {
        throw Error(ErrorKind::usage, fmt::format("the option {} has no value", option.name),
                    fmt::format("write -o {}={}", option.name, option.value));
    }
}

}  // namespace

void require_options(const Entry& entry, std::string_view verb, const model::Options& options) {
    for (const auto& [name, value] : options) {
        const Option& option = require_option(entry, verb, name);
        require_verb(entry, verb, option);
        require_value(option, value);
    }
}

}  // namespace vbackup::driver
