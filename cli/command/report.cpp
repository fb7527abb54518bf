// SPDX-License-Identifier: Apache-2.0
#include "cli/output/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/staleness.hpp"
#include "io/files.hpp"

namespace vbackup::cli {

namespace {

using model::Found;

struct Arguments : Common {
    std::string store;
    std::string file;
    std::string max_age;

    bool piped() const { return file.empty() || file == "-"; }
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "STORE", asked.store);
    app.add_option("FILE|-", asked.file);
    add_value(app, "--max-age", asked.max_age, "TIME",
              "the newest good backup of each target must not be older, such as 26h: the page says so, and it is 13");
    add_limits(app, asked, "5m", false);
    add_common(app, asked);
}

// The targets by name, each with its newest good backup. `all` is newest first. A backup that cannot be read says of no target.
std::vector<StoreReport::Target> targets_of(const std::vector<Found>& all, Moment now,
                                            std::optional<Milliseconds> max_age) {
    std::map<std::string, StoreReport::Target> targets;
    for (const auto& found : all) {
        if (found.target.empty() && found.phase != model::Phase::succeeded) continue;
        auto& target = targets[found.target];
        target.name = found.target;
        if (found.phase != model::Phase::succeeded) continue;
        if (!target.good) target.good = found;
        ++target.backups;
        target.size += found.size.value_or(0);
    }
    std::vector<StoreReport::Target> sorted;
    for (auto& [name, target] : targets) {
        if (target.good && target.good->started)
            target.age =
                std::max(Milliseconds(0), std::chrono::duration_cast<Milliseconds>(now - *target.good->started));
        target.young = target.age && max_age && *target.age <= *max_age;
        sorted.push_back(std::move(target));
    }
    return sorted;
}

std::optional<Error> problem_of(const Arguments& asked, const StoreReport& report) {
    if (!report.max_age) return std::nullopt;
    const auto& all = report.backups;
    const bool any =
        std::any_of(all.begin(), all.end(), [](const Found& found) { return found.phase == model::Phase::succeeded; });
    if (!any) return never_good(asked.store, all);
    return staleness_of_each(asked.store, all, report.at, *report.max_age);
}

// A page takes the place of the one before; anything else of that name stays.
void require_page(const io::FileSystem& files, const std::string& file) {
    const auto taken = [&] {
        return Error(ErrorKind::conflict, fmt::format("{} exists, and is no page that `vbackup report` made", file),
                     "choose another name, or move it away");
    };
    if (files.is_directory(file)) throw taken();
    const auto size = files.size(file);
    if (!size) return;
    std::string start(page_mark.size(), '\0');
    const auto source = io::file_source(files, file);
    std::size_t there = 0;
    while (there < start.size()) {
        const auto got = source->read(std::as_writable_bytes(std::span(start).subspan(there)));
        if (got == 0) break;
        there += got;
    }
    if (start != page_mark) throw taken();
}

Answer run(Session& session, const Arguments& asked) {
    const auto& files = io::real_files();
    std::optional<Milliseconds> max_age;
    if (!asked.max_age.empty()) max_age = duration_of("--max-age", asked.max_age);
    if (!asked.piped()) require_page(files, asked.file);
    const auto place = session.open_store(asked.store);
    StoreReport report{.store = place->bytes->where(), .at = session.call().clock.wall(), .max_age = max_age};
    report.backups = backup::list(session.call(), place->catalog);
    report.targets = targets_of(report.backups, report.at, max_age);
    auto problem = problem_of(asked, report);
    if (!asked.piped()) {
        io::write_file(files, asked.file, render_page(report));
        report.file = asked.file;
    }
    const bool wrote = !report.file.empty();
    return {.value = std::move(report), .problem = std::move(problem), .report = wrote};
}

}  // namespace

Command report_command() {
    return make_command<Arguments>(
        {.name = "report",
         .summary = "make one HTML page of a store: targets and their ages, failures, sizes over time, all backups",
         .about =
             "The page needs nothing besides, neither network nor scripts, and goes to standard output where no FILE "
             "is named. A FILE takes the place of an earlier page and of nothing else, and is readable by you "
             "alone.",
         .examples = {"vbackup report /var/backups/vbackup > backups.html",
                      "vbackup report @nightly /srv/report/backups.html --max-age 26h"},
         .exits = {ErrorKind::conflict, ErrorKind::stale, ErrorKind::unreachable, ErrorKind::denied,
                   ErrorKind::not_understood, ErrorKind::storage, ErrorKind::configuration},
         .options_of = {}},
        setup, run);
}

}  // namespace vbackup::cli
