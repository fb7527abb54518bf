// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/pruning.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string subject;
    backup::KeepRules rules;
    std::string within;
    bool unmanaged = false;
    bool unseen = false;
};

void add_rule(CLI::App& app, const std::string& name, std::size_t& into, const std::string& help) {
    app.add_option(name, into, help)->option_text("NUMBER")->check(CLI::Range(0, 100000));
}

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    add_rule(app, "--keep-last", asked.rules.last, "the newest good ones");
    add_rule(app, "--keep-hourly", asked.rules.hourly, "the last good one of each of so many hours");
    add_rule(app, "--keep-daily", asked.rules.daily, "the last good one of each of so many days");
    add_rule(app, "--keep-weekly", asked.rules.weekly, "the last good one of each of so many weeks, from Monday");
    add_rule(app, "--keep-monthly", asked.rules.monthly, "the last good one of each of so many months");
    add_rule(app, "--keep-yearly", asked.rules.yearly, "the last good one of each of so many years");
    add_value(app, "--keep-within", asked.within, "TIME", "all good ones so much older than the newest at most: 14d");
    app.add_flag("--unmanaged", asked.unmanaged, "also backups on the server that vbackup did not make");
    app.add_flag("--unseen", asked.unseen,
                 "also backups left with a server that does not show any more whether they are there");
    add_driver_options(app, asked);
    add_limits(app, asked, "1h", true);
    add_changing(app, asked);
    add_common(app, asked);
}

}  // namespace

std::optional<Error> problem_of(const backup::Pruned& pruned) {
    std::vector<ErrorKind> kinds;
    std::string all;
    std::size_t meant = 0;
    std::vector<model::Found> listed;
    for (const auto& item : pruned.items) {
        listed.push_back(item.found);
        meant += item.decision.keep ? 0 : 1;
        if (!item.error) continue;
        kinds.push_back(item.error->kind());
        all += (all.empty() ? "" : "; ") + fmt::format("{}: {}", item.decision.id, item.error->message());
    }
    if (kinds.empty()) return backup::left_out(listed);
    return Error(kinds.size() < meant ? ErrorKind::partial : worst(kinds),
                 fmt::format("{} of {} were not removed: {}", kinds.size(), meant, all));
}

backup::KeepRules rules_of(const config::Keep& keep) {
    return {.last = keep.last.value_or(0),
            .hourly = keep.hourly.value_or(0),
            .daily = keep.daily.value_or(0),
            .weekly = keep.weekly.value_or(0),
            .monthly = keep.monthly.value_or(0),
            .yearly = keep.yearly.value_or(0),
            .within = keep.within};
}

namespace {

std::set<std::string> needed_by_restores(Session& session) {
    if (const auto journal = session.find_journal())
        return backup::needed_by_restores(session.call(), journal->catalog);
    session.call().tally.warn(
        "neither HOME nor XDG_STATE_HOME is set: restores that have not ended, if any, cannot be looked at");
    return {};
}

Answer run(Session& session, const Arguments& asked) {
    backup::PruneOptions options{.rules = asked.rules,
                                 .unmanaged = asked.unmanaged,
                                 .unseen = asked.unseen,
                                 .options = {},
                                 .dry_run = asked.dry_run};
    if (!asked.within.empty()) options.rules.within = duration_of("--keep-within", asked.within);
    backup::Pruned pruned;
    if (Session::is_store(asked.subject)) {
        const auto place = session.open_store(asked.subject);
        options.needed = needed_by_restores(session);
        pruned = backup::prune(session.call(), place->catalog, session.confirm(), options);
    } else {
        const auto scene = session.open(asked.subject, "prune", "");
        options.options = scene->options;
        if (!options.rules.any()) options.rules = rules_of(session.habits().keep);
        pruned = backup::prune(session.call(), scene->stage, options);
    }
    auto problem = problem_of(pruned);
    return {.value = std::move(pruned), .problem = std::move(problem)};
}

}  // namespace

Command prune_command() {
    auto command = make_command<Arguments>(
        {.name = "prune",
         .summary = "remove the backups that no rule keeps",
         .about =
             "The rules count good backups of each target on its own, back from the newest, in UTC. Always kept are "
             "the newest good one of each target and of each collection, what `create --retention` still wants, "
             "what is pinned or under way, and what another kept one builds on. What went wrong never counts, and goes "
             "after a day. Without a rule the keep rules that the configuration has for the TARGET hold; where there "
             "are "
             "none, only what is no longer wanted or went wrong goes.",
         .examples = {"vbackup prune prod --keep-daily 7 --keep-weekly 4 --keep-monthly 12 --dry-run",
                      "vbackup prune /var/backups/vbackup --keep-within 14d --yes"},
         .exits = {ErrorKind::partial, ErrorKind::busy, ErrorKind::refused, ErrorKind::unsupported,
                   ErrorKind::unreachable, ErrorKind::denied, ErrorKind::not_understood, ErrorKind::storage,
                   ErrorKind::configuration},
         .options_of = "prune"},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
