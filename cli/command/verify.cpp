// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "backup/drill.hpp"
#include "base/text.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/several.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string subject;
    std::vector<std::string> ids;
    std::string subset;
    bool structure = false;
    std::string drill;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    app.add_option("ID", asked.ids)->required();
    add_value(app, "--subset", asked.subset, "N/M|P%",
              "read only the N-th of M slices of the files, such as 3/10; 5%: the slice of twenty that is today's, so "
              "that twenty days read everything");
    app.add_flag("--structure", asked.structure,
                 "besides, that every collection, shard and node is in the files, and that archives hold what the "
                 "database needs to read them");
    add_value(
        app, "--drill", asked.drill, "TARGET",
        "besides all that, put each collection back on that server under a scratch name, compare it with what was "
        "noted at the create, and remove it again");
    add_driver_options(app, asked);
    add_limits(app, asked, "24h", false);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_common(app, asked);
}

[[noreturn]] void refuse_subset(const std::string& text) {
    throw Error(ErrorKind::usage, fmt::format("--subset cannot be '{}'", one_line(text, 60)),
                "it is a slice, such as 3/10, or a share, such as 5%");
}

std::optional<std::size_t> number(std::string_view text) {
    constexpr std::size_t most = 1'000'000;
    std::size_t value = 0;
    const auto [stopped, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = problem == std::errc() && stopped == text.data() + text.size();
    return whole && value > 0 && value <= most ? std::optional(value) : std::nullopt;
}

// A share goes round by the days of the UTC calendar: as many days as there are slices read everything.
backup::Slice slice_of_share(std::size_t percent, Moment now) {
    const std::size_t of = (100 + percent - 1) / percent;
    const auto day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
    return {static_cast<std::size_t>(day) % of + 1, of};
}

backup::Slice slice_of(const std::string& text, Moment now) {
    if (text.empty()) return {};
    if (text.ends_with('%')) {
        const auto percent = number(std::string_view(text).substr(0, text.size() - 1));
        if (!percent || *percent > 100) refuse_subset(text);
        return slice_of_share(*percent, now);
    }
    const auto slash = text.find('/');
    if (slash == std::string::npos) refuse_subset(text);
    const auto which = number(std::string_view(text).substr(0, slash));
    const auto of = number(std::string_view(text).substr(slash + 1));
    if (!which || !of || *which > *of) refuse_subset(text);
    return {*which, *of};
}

std::string what_is_wrong(const Verified::Item& item) {
    const auto& [manifest, files, slice, structure] = item.verification;
    if (files.empty()) return fmt::format("{} has no files: nothing can be verified", item.id);
    const auto bad = std::count_if(files.begin(), files.end(), [](const auto& file) { return !file.problem.empty(); });
    if (bad > 0) return fmt::format("{} of {} files of {} are not good", bad, files.size(), item.id);
    for (const auto& proof : {structure, item.drill}) {
        for (const auto& finding : proof.value_or(model::Proof()).findings)
            if (!finding.good) return fmt::format("{} is not good: {}", item.id, finding.what);
    }
    return fmt::format("nothing tells what must be in {}", item.id);
}

// Of a damaged backup: told like a backup that could not be looked at, since either ends the night's check badly.
std::optional<Error> problem_of(const Verified::Item& item) {
    if (item.error || item.good()) return item.error;
    return Error(ErrorKind::corrupt, what_is_wrong(item),
                 "do not rely on this backup: make another one, or download it again where the server still has it");
}

// Any finding is the worst there is, not a part of a success: exit 0 only when all are good, 3 never.
std::optional<Error> problem_of(const Verified& verified) {
    std::vector<ErrorKind> kinds;
    std::string all;
    std::optional<Error> first;
    for (const auto& item : verified.items) {
        auto problem = problem_of(item);
        if (!problem) continue;
        kinds.push_back(problem->kind());
        all += (all.empty() ? "" : "; ") + problem->message();
        if (!first) first = std::move(problem);
    }
    if (kinds.size() < 2) return first;
    return Error(worst(kinds), all, first->hint());
}

using Verify = std::function<backup::Verification(const std::string& id)>;
using Drill = std::function<model::Proof(const std::string& id)>;

// What is known to be bad is not put back.
Answer verify_each(const Arguments& asked, const Verify& verify, const Drill& drill) {
    Verified verified{asked.subject, {}, asked.drill};
    for_each_of_several(asked.ids, verified.items, [&](Verified::Item& item) {
        item.verification = verify(item.id);
        if (drill && item.verification.good()) item.drill = drill(item.id);
    });
    // Nothing was seen of a single one that could not be looked at.
    if (verified.items.size() == 1 && verified.items.front().error) throw Error(*verified.items.front().error);
    auto problem = problem_of(verified);
    return {.value = std::move(verified), .problem = std::move(problem)};
}

// Where the backups of SUBJECT lie that a drill reads.
std::string store_of(Session& session, const std::string& subject) {
    if (Session::is_store(subject)) return subject;
    const auto* configured = session.configured(subject);
    return configured && !configured->store.empty() ? configured->store : session.config().store;
}

// Opened before anything is read, so that what cannot be is said at once. Empty: no drill is asked for.
Drill open_drill(Session& session, const Arguments& asked, std::unique_ptr<Scene>& scene) {
    if (asked.drill.empty()) return {};
    if (!asked.subset.empty())
        throw Error(ErrorKind::usage, "a drill puts back whole backups, so --subset does not go with --drill",
                    "leave out one of them");
    const auto store = store_of(session, asked.subject);
    if (store.empty() || store == config::no_store)
        throw Error(ErrorKind::usage,
                    fmt::format("no store is known for {}, and a drill restores from one", asked.subject),
                    "name the store instead of the target");
    scene = session.open(asked.drill, "restore", store);
    backup::require_drills(scene->stage);
    return [&](const std::string& id) { return backup::drill(session.call(), scene->stage, id, scene->options); };
}

Answer run(Session& session, const Arguments& asked) {
    auto& call = session.call();
    const auto slice = slice_of(asked.subset, call.clock.wall());
    const bool structure = asked.structure || !asked.drill.empty();
    std::unique_ptr<Scene> drilled;
    const auto drill = open_drill(session, asked, drilled);
    if (Session::is_store(asked.subject)) {
        const auto place = session.open_store(asked.subject);
        const auto verify = [&](const std::string& id) {
            return backup::verify(call, place->catalog, id, session.parallel(), slice, structure);
        };
        return verify_each(asked, verify, drill);
    }
    const auto scene = session.open(asked.subject, "verify", "");
    const auto verify = [&](const std::string& id) { return backup::verify(call, scene->stage, id, slice, structure); };
    return verify_each(asked, verify, drill);
}

}  // namespace

Command verify_command() {
    return make_command<Arguments>(
        {.name = "verify",
         .summary = "read whole backups: size and SHA-256 of every file, archives to their end",
         .about =
             "Nothing is changed, but for what --drill makes and removes. With several backups, any that is not good "
             "ends with an error. A subset goes by "
             "whole "
             "files: those that are not in it are only looked at for being there in their size. With --structure also "
             "what the database's driver knows of how its backups are laid out: every shard in a snapshot, every node "
             "with its part, and in the archives what a restore needs. With --drill besides all that each collection "
             "is "
             "put back as NAME--vbackup-drill on TARGET, one after another, so that there must be room for the "
             "largest; "
             "counts, configuration, indexes and shards are compared with the manifest, and the points whose digests "
             "it "
             "has from the create (the first ones by id, with payload and vectors; not the others); then it is "
             "removed, "
             "also after Ctrl-C. Aliases and what was there before are not touched; a name that is taken is 8. "
             "Databases that cannot restore under another name are 14.",
         .examples = {"vbackup verify /var/backups/vbackup prod-20261121t074700z",
                      "vbackup verify prod prod-20261121t074700z",
                      "vbackup verify /var/backups/vbackup prod-20261121t074700z --structure",
                      "vbackup verify /var/backups/vbackup prod-20261121t074700z --drill http://staging:6333",
                      "vbackup verify @archive prod-20261121t074700z prod-20261120t074700z --subset 5%"},
         .exits = {ErrorKind::deadline, ErrorKind::stalled, ErrorKind::corrupt, ErrorKind::not_found,
                   ErrorKind::conflict, ErrorKind::busy, ErrorKind::cancelled, ErrorKind::job_failed,
                   ErrorKind::refused, ErrorKind::unsupported, ErrorKind::unreachable, ErrorKind::denied,
                   ErrorKind::not_understood, ErrorKind::storage, ErrorKind::configuration},
         .options_of = "verify"},
        setup, run);
}

}  // namespace vbackup::cli
