// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "backup/chain.hpp"
#include "backup/execute.hpp"
#include "backup/find.hpp"
#include "backup/kept.hpp"
#include "backup/story.hpp"
#include "base/text.hpp"

namespace vbackup::backup {

namespace {

using model::StepKind;

store::Catalog& require_home(const Stage& stage, bool keep) {
    if (!keep) return stage.journal;
    if (!stage.store) throw Error(ErrorKind::usage, "there is no store to keep the backup in", "name one with --to");
    return *stage.store;
}

void require_healthy(const model::Inspection& now) {
    if (now.obstacles.empty()) return;
    std::string all;
    for (const auto& obstacle : now.obstacles) all += (all.empty() ? "" : "; ") + obstacle;
    throw Error(
        ErrorKind::refused, all,
        "`vbackup check` shows the whole state of the target; --wait-settled waits until nothing is in the way");
}

// What moves comes to rest by itself; what else is in the way ends the wait by its limits.
void wait_until_settled(Call& call, const Stage& stage, model::Scope scope) {
    scope.counts = false;
    call.tally.stage("waiting until nothing is in the way");
    const auto look = [&](Call& one, Milliseconds) {
        const auto now = stage.target.driver.inspect(one, scope);
        model::Seen seen{.phase = now.obstacles.empty() ? model::Phase::succeeded : model::Phase::running};
        for (const auto& obstacle : now.obstacles) seen.mark += obstacle + "\n";
        if (!now.obstacles.empty()) seen.said = now.obstacles.front();
        return seen;
    };
    job::wait(call, look, stage.limits);
}

void require_unattended(const model::Plan& plan) {
    const bool moves_bytes = std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
        return step.kind == StepKind::fetch || step.kind == StepKind::send || step.kind == StepKind::place;
    });
    if (moves_bytes)
        throw Error(ErrorKind::usage, "--no-wait is not possible here: vbackup itself must move the bytes",
                    "leave out --no-wait, or leave the backup with the server and download it later");
}

model::Manifest draft_of(const Stage& stage, const CreateOptions& options, const model::Inspection& now, Moment begun) {
    model::Manifest draft;
    draft.id = options.id;
    draft.created = begun;
    draft.vbackup_version = stage.vbackup_version;
    draft.driver = stage.target.driver_name;
    draft.target = stage.target.name;
    draft.target_url = stage.target.url;
    draft.product = now.product;
    draft.server_version = now.version;
    if (const auto unit = options.options.find("unit"); unit != options.options.end()) draft.unit = unit->second;
    draft.nodes = now.nodes;
    for (const auto& collection : now.collections) draft.collections.push_back({.before = collection});
    draft.kept = options.keep;
    draft.retention = options.retention;
    draft.description = options.description;
    return draft;
}

// Exact counts again: those equal to before are proven at restore by equality.
void count_again(Call& call, const Stage& stage, model::Manifest& draft) {
    if (draft.collections.empty()) return;
    model::Scope scope = scope_of(draft);
    model::Inspection now;
    try {
        now = stage.target.driver.inspect(call, scope);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        // A collection went away meanwhile: count those that are still there.
        scope.include = {};
        now = stage.target.driver.inspect(call, scope);
    }
    for (auto& entry : draft.collections) {
        const auto same = [&](const auto& one) { return one.name == entry.before.name; };
        const auto after = std::find_if(now.collections.begin(), now.collections.end(), same);
        if (after != now.collections.end()) {
            entry.count_after = after->count;
            if (after->details != entry.before.details) entry.details_after = after->details;
        }
        if (!entry.before.count || entry.quiet()) continue;
        draft.notes.push_back(
            entry.count_after ? fmt::format("collection {} was written to during the backup: {} before, {} after",
                                            entry.before.name, *entry.before.count, *entry.count_after)
                              : fmt::format("collection {} could not be counted after the backup", entry.before.name));
    }
}

// Fills in what the server keeps, where it tells; a place that cannot be read is no fault of the backup.
void note_left_files(Call& call, const Stage& stage, model::Intent& intent) {
    for (const auto& job : intent.draft.jobs) {
        try {
            auto found = stage.target.driver.files(call, job, peek_through(stage));
            for (auto& file : found.files) intent.draft.files.push_back(std::move(file));
            if (found.location && intent.draft.location.empty()) intent.draft.location = found.location->url;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unsupported) throw;
        }
    }
}

void require_complete(const model::Intent& intent) {
    std::set<std::string> names;
    for (const auto& file : intent.draft.files) {
        if (!file.kept || !file.size || file.sha256.empty())
            throw Error(ErrorKind::corrupt, fmt::format("{} did not come home whole", file.name));
        if (!names.insert(file.name).second)
            throw Error(ErrorKind::corrupt, fmt::format("two files are called {}", file.name));
    }
    if (names.empty()) throw Error(ErrorKind::corrupt, "nothing came home: the backup has no files");
}

// What has to be done, building on an earlier backup where that was asked and there is one.
model::Plan plan_of(Call& call, const Stage& stage, store::Catalog& home, const CreateOptions& options,
                    const model::Request& request) {
    auto& driver = stage.target.driver;
    if (options.incremental) {
        auto& increments = require_increments(stage, options.keep);
        const auto base = next_base(call, home, stage.target, request.inspection->collections, options.max_increments);
        if (base)
            return increments.plan(call, request, {*base, [&](const model::File& file, std::uint64_t offset) {
                                                       return open_kept(home.store(), base->id, file, offset);
                                                   }});
    }
    return driver.plan(call, request, peek_through(stage));
}

model::Found read_back(Call& call, const Stage& stage, const model::Intent& intent, const std::string& where) {
    auto found = describe(intent, where);
    for (const auto& record : intent.records) {
        if (!record.job) continue;
        const auto seen = stage.target.driver.observe(call, *record.job, Milliseconds{0});
        found.phase = seen.phase;
        found.said = seen.said;
        if (seen.phase == model::Phase::gone || seen.phase == model::Phase::unknown)
            throw Error(ErrorKind::not_understood,
                        fmt::format("the server took the job but does not show it as at work: {}", one_line(seen.said)),
                        fmt::format("`vbackup status` looks again for {}", intent.id));
    }
    return found;
}

std::optional<model::Manifest> existing_manifest(const Stage& stage, const std::string& id) {
    for (auto* home : {stage.store, &stage.journal}) {
        if (!home) continue;
        if (auto manifest = home->manifest(id)) return manifest;
    }
    return std::nullopt;
}

// A run was killed between its commit and the end of its tidying: the backup is good, the rest is done now.
void tidy_up(Call& call, const Stage& stage, store::Catalog& home, model::Intent& intent) {
    if (Executor(call, stage, &home, intent).tidy()) home.forget_intent(intent.id);
}

Result resume(Call& call, const Stage& stage, store::Catalog& home, model::Intent intent, const CreateOptions& options,
              const std::string& asked) {
    if (intent.verb != "create" || intent.request != asked)
        throw Error(
            ErrorKind::conflict,
            fmt::format("{} is the id of an unfinished {} that asked for something else", intent.id, intent.verb),
            fmt::format("finish it with `vbackup wait`, remove it with `vbackup delete`, or choose another --id"));
    if (options.dry_run) return {.plan = intent.plan, .dry_run = true};
    const auto node_locks = lock_nodes(stage, intent.draft.nodes);
    call.tally.warn(fmt::format("going on with {}, begun {}", intent.id, format_time(intent.begun)));
    return finish_create(call, stage, home, intent, options.wait);
}

}  // namespace

std::string make_id(const Target& target, Moment now) {
    const auto base = target.name.empty() ? target.driver_name : target.name;
    return fmt::format("{}-{}", base, compact_time(now));
}

void require_id(std::string_view id) {
    const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const bool good = !id.empty() && id.size() <= 100 && is_word(id.front()) &&
                      std::all_of(id.begin(), id.end(), [&](char c) { return is_word(c) || c == '-'; }) &&
                      id.find("--") == std::string_view::npos;
    if (!good)
        throw Error(ErrorKind::usage, fmt::format("\"{}\" cannot be the id of a backup", one_line(id, 120)),
                    "lower-case letters, digits and single hyphens, at most 100, beginning with a letter or digit");
}

Result create(Call& call, const Stage& stage, const CreateOptions& asked) {
    auto options = asked;
    const auto begun = call.clock.wall();
    if (options.id.empty()) options.id = make_id(stage.target, begun);
    require_id(options.id);
    if (options.incremental) require_increments(stage, options.keep);
    auto& home = require_home(stage, options.keep);
    if (options.keep_on_server) options.options["keep-on-server"] = "true";
    model::Request request{.verb = model::Verb::create,
                           .id = options.id,
                           .scope = options.scope,
                           .options = options.options,
                           .keep = options.keep,
                           .incremental = options.incremental,
                           .wait = options.wait,
                           .retention = options.retention,
                           .description = options.description};

    // Nobody else may work on this target or this id meanwhile.
    const auto target_lock = options.dry_run ? nullptr : lock_target(stage);
    const auto id_lock = options.dry_run ? nullptr : home.lock(options.id);

    // Is the id free, or that of a create that has not ended?
    auto intent_left = home.intent(options.id);
    if (auto existing = existing_manifest(stage, options.id)) {
        const bool only_tidying =
            intent_left && intent_left->verb == "create" && intent_left->request == summary(request);
        if (!only_tidying || options.dry_run)
            throw Error(ErrorKind::conflict, fmt::format("there is a backup {} already", options.id),
                        "choose another --id");
        tidy_up(call, stage, home, *intent_left);
        return {.plan = intent_left->plan, .manifest = std::move(existing)};
    }
    if (intent_left) return resume(call, stage, home, std::move(*intent_left), options, summary(request));

    // Look before anything is changed.
    if (options.wait_settled) wait_until_settled(call, stage, options.scope);
    const auto now = stage.target.driver.inspect(call, options.scope);
    const auto node_locks = options.dry_run ? Locks() : lock_nodes(stage, now.nodes);
    for (const auto& warning : now.warnings) call.tally.warn(warning);
    require_healthy(now);
    request.inspection = &now;
    auto plan = plan_of(call, stage, home, options, request);
    for (const auto& note : plan.notes) call.tally.warn(note);
    if (!options.wait) require_unattended(plan);
    if (options.dry_run) return {.plan = std::move(plan), .dry_run = true};
    require_consent(stage.confirm, plan);
    home.store().require_writable();

    // From here on another run can find what this one leaves behind.
    model::Intent intent{.id = options.id,
                         .verb = "create",
                         .begun = begun,
                         .plan = std::move(plan),
                         .records = {},
                         .draft = draft_of(stage, options, now, begun),
                         .request = summary(request),
                         .target_url = stage.target.url};
    intent.draft.notes = intent.plan.notes;
    intent.draft.bases = intent.plan.bases;
    intent.draft.driver_data = intent.plan.details;
    home.write(intent);
    return finish_create(call, stage, home, intent, options.wait);
}

Result finish_create(Call& call, const Stage& stage, store::Catalog& home, model::Intent& intent, bool wait) {
    // What it builds on must stay.
    const auto base_locks = lock_bases(home, intent.draft);

    // Make, wait and fetch.
    Executor executor(call, stage, &home, intent);
    try {
        executor.run(wait);
    } catch (const Error&) {
        // Where the server took nothing there is nothing to go on with.
        if (is_untouched(intent)) home.forget_intent(intent.id);
        throw;
    }
    if (!wait) return {.plan = intent.plan, .under_way = read_back(call, stage, intent, home.store().where())};

    // Prove: every file is here, or the server shows what it keeps; and what was written meanwhile is known.
    for (const auto& record : intent.records) {
        if (record.job) intent.draft.jobs.push_back(*record.job);
    }
    if (intent.draft.kept) {
        require_complete(intent);
    } else {
        note_left_files(call, stage, intent);
    }
    call.tally.stage("counting again");
    count_again(call, stage, intent.draft);

    // Commit: the backup exists from here on.
    require_bases(home, intent.draft);
    intent.draft.completed = call.clock.wall();
    home.commit(intent.draft);
    if (executor.tidy()) home.forget_intent(intent.id);
    return {.plan = intent.plan, .manifest = intent.draft};
}

namespace {

// The backup's own end says nothing about a restore from it that has not ended.
void require_young(const Call& call, const Stage& stage, const model::Intent& intent, const std::string& id) {
    if (is_resumable(call, stage, intent)) return;
    throw Error(ErrorKind::refused,
                fmt::format("a restore of {}, begun {}, was never finished and is too old to go on with", id,
                            format_time(intent.begun)),
                "give the restore again, or forget it with `vbackup cancel`");
}

}  // namespace

Result wait(Call& call, const Stage& stage, const std::string& id) {
    const auto lock = lock_target(stage);
    if (auto intent = stage.journal.intent(restore_key(id)); intent && intent->target_url == stage.target.url) {
        require_young(call, stage, *intent, id);
        const auto id_lock = lock_source(stage, *intent);
        const auto node_locks = lock_nodes_as_seen(call, stage);
        require_consent(stage.confirm, rest_of(*intent));
        return finish_restore(call, stage, *intent, true);
    }
    auto known = find_at_home(stage, id);
    if (known.manifest) {
        if (auto intent = known.home->intent(id); intent && intent->verb == "create")
            tidy_up(call, stage, *known.home, *intent);
        return {.manifest = std::move(known.manifest)};
    }
    if (known.intent && known.intent->verb == "create") {
        const auto id_lock = known.home->lock(id);
        const auto node_locks = lock_nodes(stage, known.intent->draft.nodes);
        return finish_create(call, stage, *known.home, *known.intent, true);
    }
    known = require_known(call, stage, id, {});
    if (known.manifest) return {.manifest = std::move(known.manifest)};
    if (!known.found)
        throw Error(ErrorKind::refused,
                    fmt::format("the {} of {} is not waited for but run again", known.intent->verb, id),
                    "give the same command again");
    auto job = known.found->job;
    const auto look = [&](Call& one, Milliseconds patience) { return stage.target.driver.observe(one, job, patience); };
    auto seen = job::wait(call, look, stage.limits);
    while (seen.phase == model::Phase::succeeded && seen.next) {
        job = *seen.next;
        seen = job::wait(call, look, stage.limits);
    }
    if (seen.phase == model::Phase::succeeded) {
        known.found->phase = seen.phase;
        known.found->said = seen.said;
        return {.under_way = std::move(known.found)};
    }
    const auto kind = seen.phase == model::Phase::cancelled ? ErrorKind::cancelled : ErrorKind::job_failed;
    throw Error(kind, fmt::format("{} ended as {} {}", id, seen.said, seen.why));
}

}  // namespace vbackup::backup
