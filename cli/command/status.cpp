// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "backup/near.hpp"
#include "base/text.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/making.hpp"
#include "cli/command/nagios.hpp"
#include "cli/command/staleness.hpp"

namespace vbackup::cli {

namespace {

using model::Found;
using model::Phase;

struct Arguments : Common {
    std::string subject;
    std::string id;
    std::string to;
    std::string max_age;
    std::string metrics_file;
    bool nagios = false;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    app.add_option("ID", asked.id);
    add_value(app, "--to", asked.to, "STORE",
              "the store that the create or restore was given, where the configuration does not say it");
    add_value(app, "--max-age", asked.max_age, "TIME",
              "without ID: the newest good backup must not be older, such as 26h, or it is 13");
    app.add_flag("--nagios", asked.nagios,
                 "without ID: one line for Nagios and its like, and their exit codes: 0 ok, 1 warning, 2 critical, 3 "
                 "unknown");
    add_metrics_file(app, asked.metrics_file);
    add_driver_options(app, asked);
    add_limits(app, asked, "5m", false);
    add_common(app, asked);
}

std::string name_of(const Found& found) {
    return found.id.empty() ? found.name : found.id;
}

std::optional<Error> problem_of(const Found& found) {
    const auto kind = kind_of(found.phase);
    if (!kind) return std::nullopt;
    std::string message = fmt::format("{} is {}", name_of(found), model::word(found.phase));
    if (!found.said.empty()) message += ", the server says " + found.said;
    if (!found.why.empty()) message += ": " + found.why;
    return Error(*kind, one_line(message, 2000), "", {{"id", name_of(found)}});
}

Answer about_one(Found found) {
    auto problem = problem_of(found);
    const bool runs = still_runs(found.phase);
    return {.value = StatusReport{std::move(found), std::nullopt, true}, .problem = std::move(problem), .runs = runs};
}

// Is all well? There is a good backup, not older than asked, and the last one that came to an end is good too.
Answer about_all(const std::string& subject, const std::vector<Found>& all, std::optional<Found> newest, Moment now,
                 std::optional<Milliseconds> max_age) {
    const auto good =
        std::find_if(all.begin(), all.end(), [](const Found& one) { return one.phase == Phase::succeeded; });
    const auto ended = std::find_if(all.begin(), all.end(), [](const Found& one) {
        return !one.restoring && !still_runs(one.phase) && one.said != model::not_reached;
    });
    StatusReport report{std::move(newest), std::nullopt, false};
    std::optional<Error> problem;
    if (good == all.end())
        problem = never_good(subject, all);
    else
        report.good = *good;
    if (!problem && max_age) problem = staleness_of_each(subject, all, now, *max_age);
    if (!problem && ended != all.end()) problem = problem_of(*ended);
    return {.value = std::move(report), .problem = std::move(problem)};
}

// The same as it was asked.
Answer about_all_asked(Session& session, const Arguments& asked, const std::vector<Found>& all,
                       std::optional<Found> newest) {
    const bool one = !Session::is_store(asked.subject);
    const auto usual = one ? session.habits().max_age : std::nullopt;
    const auto max_age = asked.max_age.empty() ? usual : std::optional(duration_of("--max-age", asked.max_age));
    return about_all(asked.subject, all, std::move(newest), session.call().clock.wall(), max_age);
}

Answer in_store(Session& session, const Arguments& asked) {
    const auto place = session.open_store(asked.subject);
    auto all = backup::list(session.call(), place->catalog);
    if (asked.id.empty())
        return about_all_asked(session, asked, all, all.empty() ? std::nullopt : std::optional(all.front()));
    const auto found = std::find_if(all.begin(), all.end(), [&](const Found& one) { return one.id == asked.id; });
    if (found == all.end()) {
        std::vector<std::string> ids;
        for (const auto& one : all) ids.push_back(one.id);
        throw Error(
            ErrorKind::not_found, fmt::format("there is no backup {} in {}", one_line(asked.id), asked.subject),
            backup::hint_near(asked.id, ids, fmt::format("`vbackup list {}` shows what is there", asked.subject)));
    }
    return about_one(std::move(*found));
}

void require_sense(const Arguments& asked) {
    if (!asked.max_age.empty()) duration_of("--max-age", asked.max_age);
    for (const auto& [given, flag] :
         {std::pair{!asked.max_age.empty(), "--max-age"}, std::pair{asked.nagios, "--nagios"},
          std::pair{!asked.metrics_file.empty(), "--metrics-file"}})
        if (given && !asked.id.empty())
            throw Error(ErrorKind::usage, fmt::format("{} is about the newest good backup, not about one ID", flag),
                        fmt::format("leave out the ID, or leave out {}", flag));
    if (asked.nagios && asked.json())
        throw Error(ErrorKind::usage, "--nagios and --output json exclude each other", "leave out one of them");
}

Answer look(Session& session, const Arguments& asked) {
    if (Session::is_store(asked.subject)) return in_store(session, asked);
    const auto scene = session.open(asked.subject, "status", asked.to);
    if (!asked.id.empty()) return about_one(backup::status(session.call(), scene->stage, asked.id, scene->options));
    auto all = backup::list(session.call(), scene->stage, scene->options);
    // All of one target, whichever address they were made through.
    for (auto& found : all) found.target = asked.subject;
    const auto unasked = backup::left_out(all);
    std::erase_if(all, [](const Found& one) { return name_of(one).empty(); });
    // The list shows what was noted; the newest is looked at now.
    if (!all.empty() && all.front().managed && !all.front().restoring && still_runs(all.front().phase))
        all.front() = backup::status(session.call(), scene->stage, all.front().id, scene->options);
    auto answer = about_all_asked(session, asked, all, all.empty() ? std::nullopt : std::optional(all.front()));
    if (!answer.problem) {
        answer.problem = unasked;
    } else if (unasked) {
        session.call().tally.warn(unasked->message());
    }
    return answer;
}

void measure(Session& session, const Arguments& asked, int exit_code, const std::optional<Found>& good) {
    if (asked.metrics_file.empty()) return;
    const auto* configured = session.configured(asked.subject);
    Measured measured{
        .target = asked.subject, .status_code = exit_code, .interval = session.habits_of(configured).max_age};
    if (!asked.max_age.empty()) measured.interval = duration_of("--max-age", asked.max_age);
    if (good) {
        measured.success = good->completed ? good->completed : good->started;
        measured.size = good->size;
    }
    tell_metrics(session, asked.metrics_file, {&measured, 1});
}

Answer look_and_measure(Session& session, const Arguments& asked) {
    try {
        auto answer = look(session, asked);
        const auto* report = std::get_if<StatusReport>(&answer.value);
        measure(session, asked, answer.exit_code(), report ? report->good : std::nullopt);
        return answer;
    } catch (const Error& error) {
        measure(session, asked, describe(error.kind()).exit_code, std::nullopt);
        throw;
    }
}

Answer run(Session& session, const Arguments& asked) {
    require_sense(asked);
    if (!asked.nagios) return look_and_measure(session, asked);
    try {
        return nagios_answer(asked.subject, look_and_measure(session, asked), session.call().clock.wall());
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::usage || error.kind() == ErrorKind::interrupted) throw;
        return nagios_unknown(asked.subject, error);
    }
}

}  // namespace

Command status_command() {
    return make_command<Arguments>(
        {.name = "status",
         .summary = "show one job or backup; without ID the newest, and whether all is well",
         .about =
             "With an ID the exit status is 0 when the backup is good, 4 while it runs, 11 when it failed. Without one "
             "it is 0 when there is a good backup, young enough for --max-age, and the last one that came to an end is "
             "good. A store is asked so of each target that it has backups of. Without --max-age that of the "
             "configuration holds for a target.",

         .examples = {"vbackup status prod", "vbackup status prod prod-20261121t074700z",
                      "vbackup status /var/backups/vbackup --max-age 26h",
                      "vbackup status prod --max-age 26h --nagios"},
         .exits = {ErrorKind::partial, ErrorKind::deadline, ErrorKind::not_found, ErrorKind::cancelled,
                   ErrorKind::job_failed, ErrorKind::stale, ErrorKind::unreachable, ErrorKind::denied,
                   ErrorKind::not_understood, ErrorKind::storage, ErrorKind::configuration},
         .options_of = "status"},
        setup, run);
}

}  // namespace vbackup::cli
