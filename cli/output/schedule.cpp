// SPDX-License-Identifier: Apache-2.0
#include "cli/output/schedule.hpp"

#include <fmt/format.h>

#include <array>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

constexpr std::array<std::string_view, 7> days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

std::string name_of(const model::Schedule& schedule) {
    return schedule.name.empty() ? "schedule" : schedule.name;
}

std::string time_of(const std::optional<Moment>& moment) {
    return moment ? format_time(*moment) : "";
}

std::string duration_text(const std::optional<Milliseconds>& length) {
    return length ? format_duration(*length) : "";
}

std::string day_names(const std::vector<int>& weekdays) {
    std::string out;
    for (const int day : weekdays)
        if (day >= 1 && day <= 7)
            out += (out.empty() ? "" : ", ") + std::string(days.at(static_cast<std::size_t>(day - 1)));
    return out.empty() ? "every day" : out;
}

}  // namespace

std::string when_text(const model::Schedule& schedule) {
    if (!schedule.cron.empty()) return schedule.cron;
    if (schedule.weekdays.empty() && schedule.hours.empty()) return "";
    auto out = day_names(schedule.weekdays);
    if (schedule.hours.empty()) return out + ", every hour";
    for (std::size_t i = 0; i < schedule.hours.size(); ++i)
        out += fmt::format("{}{:02}:00", i == 0 ? " at " : ", ", schedule.hours[i]);
    return out + " UTC";
}

std::string schedules_table(const std::vector<model::Schedule>& schedules, const Style& style) {
    if (schedules.empty()) return "no schedules\n";
    std::vector<std::vector<std::string>> rows;
    for (const auto& one : schedules)
        rows.push_back({name_of(one), one.enabled ? "on" : "off", when_text(one), duration_text(one.retention),
                        time_of(one.next), one.said, one.why});
    return render_table({{"NAME"}, {"STATE"}, {"WHEN"}, {"KEPT", true}, {"NEXT"}, {"SAID"}, {"WHY"}}, rows, style);
}

std::string schedule_text(const model::Schedule& schedule, const Style& style) {
    const auto state = paint(style, schedule.enabled ? Tint::good : Tint::warning, schedule.enabled ? "on" : "off");
    Pairs pairs{{"when", when_text(schedule)},
                {"kept", duration_text(schedule.retention)},
                {"next", time_of(schedule.next)},
                {"said", schedule.said},
                {"why", schedule.why}};
    std::string out = fmt::format("{}: {}\n{}", one_line(name_of(schedule)), state, render_pairs(pairs, style));
    for (const auto& detail : schedule.details) out += fmt::format("  {}\n", one_line(detail, 4000));
    return out;
}

}  // namespace vbackup::cli
