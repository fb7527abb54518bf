// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/cron.hpp"
#include "base/text.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string action;
    std::string target;
    std::string name;
    std::string cron;
    std::string weekdays;
    std::string hours;
    std::string retention;
    bool disable = false;

    bool says_when() const { return !cron.empty() || !weekdays.empty() || !hours.empty(); }
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "show|list|set|remove", asked.action);
    add_positional(app, "TARGET", asked.target);
    add_value(app, "--name", asked.name, "NAME", "which one, where the database keeps several");
    add_value(app, "--cron", asked.cron, "EXPRESSION", "set: when, as cron has it in five fields, UTC");
    add_value(app, "--weekdays", asked.weekdays, "mon,wed,...", "set: on these days (every day)");
    add_value(app, "--hours", asked.hours, "2,14,...", "set: at these hours, UTC");
    add_value(app, "--retention", asked.retention, "TIME", "set: for how long each backup is kept, such as 7d");
    app.add_flag("--disable", asked.disable, "set: keep the schedule and make no backups by it");
    add_driver_options(app, asked);
    add_limits(app, asked, "5m", false);
    add_changing(app, asked);
    add_common(app, asked);
}

std::vector<std::string> split(const std::string& flag, const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t from = 0; from <= text.size();) {
        const auto comma = std::min(text.find(',', from), text.size());
        words.push_back(text.substr(from, comma - from));
        if (words.back().empty())
            throw Error(ErrorKind::usage, fmt::format("{} cannot be '{}'", flag, one_line(text, 60)),
                        "write the words with commas and without blanks between");
        from = comma + 1;
    }
    return words;
}

std::vector<int> in_order(std::vector<int> numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

// "mon", "Monday" and "1" are the same day.
int weekday_of(const std::string& word) {
    constexpr std::array<std::string_view, 7> names{"monday", "tuesday",  "wednesday", "thursday",
                                                    "friday", "saturday", "sunday"};
    std::string lower;
    for (const char letter : word) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    for (std::size_t i = 0; i < names.size(); ++i) {
        const bool same = lower == names.at(i) || lower == names.at(i).substr(0, 3) || lower == std::to_string(i + 1);
        if (same) return static_cast<int>(i) + 1;
    }
    throw Error(ErrorKind::usage, fmt::format("--weekdays: '{}' is no day of the week", one_line(word, 40)),
                "they are mon, tue, wed, thu, fri, sat, sun");
}

int hour_of(const std::string& word) {
    int hour = 0;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), hour);
    if (fault == std::errc{} && end == word.data() + word.size() && hour >= 0 && hour <= 23) return hour;
    throw Error(ErrorKind::usage, fmt::format("--hours: '{}' is no hour of the day", one_line(word, 40)),
                "they are 0 to 23, UTC");
}

void require_cron(const std::string& text) {
    try {
        Cron::parse(text);
    } catch (const Error& error) {
        throw Error(error.kind(), "--cron: " + error.message(), error.hint());
    }
}

model::Schedule wish_of(const Arguments& asked) {
    if (!asked.cron.empty() && (!asked.weekdays.empty() || !asked.hours.empty()))
        throw Error(ErrorKind::usage, "--cron excludes --weekdays and --hours", "say it one way");
    if (!asked.says_when() && !asked.disable)
        throw Error(ErrorKind::usage, "nothing says when backups shall be made",
                    "give --cron, or --weekdays and --hours; --disable makes none");
    if (!asked.cron.empty()) require_cron(asked.cron);
    model::Schedule wish;
    wish.name = asked.name;
    wish.enabled = !asked.disable;
    wish.cron = asked.cron;
    if (!asked.weekdays.empty())
        for (const auto& word : split("--weekdays", asked.weekdays)) wish.weekdays.push_back(weekday_of(word));
    if (!asked.hours.empty())
        for (const auto& word : split("--hours", asked.hours)) wish.hours.push_back(hour_of(word));
    wish.weekdays = in_order(std::move(wish.weekdays));
    wish.hours = in_order(std::move(wish.hours));
    if (!asked.retention.empty()) wish.retention = duration_of("--retention", asked.retention);
    return wish;
}

void require_action(const Arguments& asked) {
    constexpr std::array<std::string_view, 4> actions{"show", "list", "set", "remove"};
    if (std::find(actions.begin(), actions.end(), asked.action) == actions.end()) {
        const std::vector<std::string> words(actions.begin(), actions.end());
        const auto near = did_you_mean(asked.action, words);
        throw Error(ErrorKind::usage, fmt::format("schedule cannot '{}'", one_line(asked.action, 40)),
                    near ? fmt::format("did you mean '{}'?", *near) : "it is show, list, set or remove");
    }
    if (asked.action != "set" && (asked.says_when() || asked.disable || !asked.retention.empty()))
        throw Error(ErrorKind::usage,
                    "--cron, --weekdays, --hours, --retention and --disable belong to `schedule set`");
}

ScheduleListing read(Session& session, const Scene& scene, const Arguments& asked) {
    ScheduleListing listing{asked.target, backup::schedules(session.call(), scene.stage, scene.options),
                            asked.action == "show"};
    if (asked.name.empty()) return listing;
    std::vector<std::string> names;
    for (const auto& one : listing.schedules) names.push_back(one.name);
    std::erase_if(listing.schedules, [&](const auto& one) { return one.name != asked.name; });
    if (!listing.schedules.empty()) return listing;
    const auto near = did_you_mean(asked.name, names);
    throw Error(ErrorKind::not_found, fmt::format("there is no schedule {}", one_line(asked.name, 80)),
                near ? fmt::format("did you mean {}?", *near) : "`vbackup schedule list` shows what there is");
}

Answer run(Session& session, const Arguments& asked) {
    require_action(asked);
    const bool sets = asked.action == "set";
    const auto wish = sets ? wish_of(asked) : model::Schedule{};
    const auto scene = session.open(asked.target, "schedule", "");
    auto& call = session.call();
    if (asked.action == "show" || asked.action == "list") return {.value = read(session, *scene, asked), .problem = {}};
    auto result = sets ? backup::set_schedule(call, scene->stage, wish, scene->options, asked.dry_run)
                       : backup::remove_schedule(call, scene->stage, asked.name, scene->options, asked.dry_run);
    return {
        .value = ScheduleDeed{asked.action, asked.target, std::move(result)}, .problem = {}, .report = !asked.dry_run};
}

}  // namespace

Command schedule_command() {
    return make_command<Arguments>(
        {.name = "schedule",
         .summary = "show, set or remove the schedules by which a database makes backups itself",
         .about =
             "For databases that keep schedules; for the others let cron or a systemd timer run `vbackup create`. All "
             "times are UTC. A schedule that was set or removed is read back.",
         .examples =
             {"vbackup schedule show prod", "vbackup schedule set prod --cron '0 2 * * *' --retention 7d",
              "vbackup schedule set zilliz://in01-5b1c77aa90de321 --weekdays mon,wed,fri --hours 2 --retention 14d",
              "vbackup schedule remove prod --name nightly --dry-run"},
         .exits = {ErrorKind::not_found, ErrorKind::conflict, ErrorKind::busy, ErrorKind::refused,
                   ErrorKind::unsupported, ErrorKind::unreachable, ErrorKind::denied, ErrorKind::not_understood,
                   ErrorKind::configuration},
         .options_of = "schedule"},
        setup, run);
}

}  // namespace vbackup::cli
