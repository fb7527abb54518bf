// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "backup/execute.hpp"
#include "backup/find.hpp"
#include "backup/story.hpp"
#include "base/text.hpp"
#include "driver/registry.hpp"

namespace vbackup::backup {

namespace {

// What a restore knows of a backup that vbackup did not make: enough to name it, nothing to prove by.
model::Manifest manifest_of(const Stage& stage, const model::Found& found) {
    model::Manifest manifest;
    manifest.id = found.name;
    manifest.driver = stage.target.driver_name;
    manifest.target = stage.target.name;
    manifest.target_url = stage.target.url;
    manifest.state = "unproven";
    manifest.jobs = {found.job};
    for (const auto& name : found.collections) {
        model::CollectionEntry entry;
        entry.before.name = name;
        manifest.collections.push_back(entry);
    }
    return manifest;
}

void require_finished(const Known& known, const std::string& id) {
    if (known.manifest) return;
    if (known.intent)
        throw Error(ErrorKind::refused,
                    fmt::format("{} is not finished: its {} is under way or was given up", id, known.intent->verb),
                    "`vbackup wait` finishes it, `vbackup status` tells more");
    if (known.found && known.found->phase != model::Phase::succeeded)
        throw Error(ErrorKind::refused, fmt::format("{} is no good backup: the server says {} {}", id,
                                                    known.found->said, known.found->why));
}

void require_collections(const model::Manifest& manifest, const model::Scope& scope) {
    const auto has = [&](const std::string& pattern) {
        return std::any_of(manifest.collections.begin(), manifest.collections.end(),
                           [&](const auto& entry) { return glob_match(pattern, entry.before.name); });
    };
    for (const auto& pattern : scope.include) {
        if (manifest.collections.empty() || has(pattern)) continue;
        std::vector<std::string> names;
        for (const auto& entry : manifest.collections) names.push_back(entry.before.name);
        const auto near = did_you_mean(pattern, names);
        throw Error(ErrorKind::not_found,
                    fmt::format("there is no collection {} in the backup {}", one_line(pattern, 120), manifest.id),
                    near ? fmt::format("did you mean {}?", *near) : "`vbackup status` shows what is in it");
    }
}

// Nothing may be destroyed for a backup that turns out to be damaged.
void require_undamaged(Call& call, const Stage& stage, const model::Manifest& manifest, const model::Plan& plan) {
    const bool destroys =
        std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) { return step.destroys; });
    if (!destroys || !manifest.kept || !stage.store) return;
    call.tally.stage("verifying the backup before anything is replaced");
    const auto checked = verify(call, *stage.store, manifest.id, stage.parallel);
    if (checked.good()) return;
    std::string bad;
    for (const auto& file : checked.files) {
        if (!file.problem.empty()) bad += fmt::format("{}{}: {}", bad.empty() ? "" : "; ", file.name, file.problem);
    }
    throw Error(ErrorKind::corrupt, fmt::format("the backup {} is damaged, nothing was replaced: {}", manifest.id, bad),
                "restore from another backup");
}

// Before anything is asked, of the server or of a store.
void require_switching(const Stage& stage, const RestoreOptions& options) {
    const auto* entry = driver::find_driver(stage.target.driver_name);
    if (!options.switch_alias || (entry && entry->switches_aliases)) return;
    throw Error(ErrorKind::unsupported,
                fmt::format("{} cannot switch aliases once a restore is proven",
                            entry ? std::string(entry->product) : stage.target.driver_name),
                "leave out --switch-alias, and move them yourself after the restore");
}

// What the driver needs for the proof after a kill, from the intent alone.
model::Request request_of(const RestoreOptions& options, const model::Manifest& manifest) {
    return {.verb = model::Verb::restore,
            .id = options.id,
            .scope = options.scope,
            .options = options.options,
            .keep = manifest.kept,
            .wait = options.wait,
            .renames = options.renames,
            .overwrite = options.overwrite,
            .switch_alias = options.switch_alias,
            .manifest = &manifest};
}

std::optional<model::Intent> unfinished(Call& call, const Stage& stage, const RestoreOptions& options,
                                        const model::Manifest& manifest, const std::string& asked) {
    auto intent = stage.journal.intent(restore_key(options.id));
    if (!intent) return std::nullopt;
    // A backup that was made anew under the same id is another one.
    const bool same = intent->request == asked && intent->draft.created == manifest.created &&
                      intent->draft.completed == manifest.completed;
    if (same && is_resumable(call, stage, *intent)) {
        call.tally.warn(fmt::format("going on with the restore begun {}", format_time(intent->begun)));
        return intent;
    }
    call.tally.warn(fmt::format("an earlier restore of {}, begun {}, was never finished and is not gone on with",
                                options.id, format_time(intent->begun)));
    return std::nullopt;
}

// What a restore that did not end well has left of one collection. Where something is cleared away, that is its first step.
std::string remains(const model::Intent& intent, const std::string& collection) {
    std::size_t all = 0, done = 0, sent = 0;
    std::string cleared;
    for (const auto& step : intent.plan.steps) {
        if (step.tidy || step.part.collection != collection) continue;
        const auto record = std::find_if(intent.records.begin(), intent.records.end(),
                                         [&](const auto& one) { return one.step == step.id; });
        const bool is_done = record != intent.records.end() && record->done;
        const bool is_sent = record != intent.records.end() && (record->done || record->sent);
        if (all == 0 && step.destroys && is_sent)
            cleared = is_done ? "; what it held before is deleted" : "; what it held before may be deleted";
        ++all;
        done += is_done ? 1 : 0;
        sent += is_sent ? 1 : 0;
    }
    if (sent == 0) return fmt::format("collection {} is as it was", collection);
    if (done == all) return fmt::format("collection {} is restored, not yet proven{}", collection, cleared);
    return fmt::format("collection {} is not whole: {} of {} steps are done{}", collection, done, all, cleared);
}

// The error, with what is where now. A plan that does not tell collections apart says nothing of it.
Error with_remains(const Error& error, const model::Intent& intent) {
    std::vector<std::string> names;
    for (const auto& step : intent.plan.steps) {
        const auto& name = step.part.collection;
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    auto message = error.message();
    for (const auto& name : names) message += "; " + remains(intent, name);
    return {error.kind(), message, error.hint(), error.context()};
}

// Nothing comes of sending the rest of a restore that ended like that. Whatever else stops one (a key that ran out, a limit, a
// bad moment of the server) can be mended, and what was put back until then is not for nothing.
bool ended_for_good(ErrorKind kind) {
    return kind == ErrorKind::job_failed || kind == ErrorKind::corrupt || kind == ErrorKind::cancelled ||
           kind == ErrorKind::usage;
}

}  // namespace

Result restore(Call& call, const Stage& stage, const RestoreOptions& options) {
    require_switching(stage, options);
    const auto target_lock = options.dry_run ? nullptr : lock_target(stage);

    // Find the backup.
    const auto known = require_known(call, stage, options.id, options.options);
    require_finished(known, options.id);
    const auto manifest = known.manifest ? *known.manifest : manifest_of(stage, *known.found);
    // Nobody may remove it meanwhile.
    const auto id_lock = !options.dry_run && manifest.kept ? known.home->lock(manifest.id) : nullptr;
    require_collections(manifest, options.scope);
    auto request = request_of(options, manifest);
    if (manifest.kept) request.kept_at = known.home->store().where() + "/" + manifest.id;
    request.found = known.found ? &*known.found : nullptr;
    const auto asked = summary(request);

    // An interrupted run of the same wish is gone on with.
    if (!options.dry_run) {
        if (auto intent = unfinished(call, stage, options, manifest, asked)) {
            const auto node_locks = lock_nodes_as_seen(call, stage);
            require_consent(stage.confirm, rest_of(*intent));
            return finish_restore(call, stage, *intent, options.wait);
        }
    }

    // Refuse early. Nobody may change this target through another of its nodes.
    const auto now = look_around(call, stage);
    const auto node_locks = options.dry_run ? Locks() : lock_nodes(stage, now.nodes);
    request.inspection = &now;
    auto plan = stage.target.driver.plan(call, request, peek_through(stage));
    for (const auto& note : plan.notes) call.tally.warn(note);
    const bool moves_bytes = std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) {
        return step.kind == model::StepKind::send || step.kind == model::StepKind::place;
    });
    if (!options.wait && moves_bytes)
        throw Error(ErrorKind::usage, "--no-wait is not possible here: vbackup itself must move the bytes",
                    "leave out --no-wait");
    if (options.dry_run) return {.plan = std::move(plan), .dry_run = true};
    require_place_for_secrets(stage, plan);
    require_consent(stage.confirm, plan);
    require_undamaged(call, stage, manifest, plan);

    // The plan's steps, settled and proven.
    model::Intent intent{.id = restore_key(options.id),
                         .verb = "restore",
                         .begun = call.clock.wall(),
                         .plan = std::move(plan),
                         .records = {},
                         .draft = manifest,
                         .request = asked,
                         .target_url = stage.target.url};
    stage.journal.write(intent);
    return finish_restore(call, stage, intent, options.wait);
}

Result finish_restore(Call& call, const Stage& stage, model::Intent& intent, bool wait) {
    const auto manifest = intent.draft;
    if (manifest.kept && !stage.store)
        throw Error(ErrorKind::usage, fmt::format("the store that holds {} is not named", manifest.id),
                    "give the command that began the restore again, with its --from");
    Executor executor(call, stage, &stage.journal, intent);
    try {
        executor.run(wait);
    } catch (const Error& error) {
        // What was refused before anything was sent, or ended for good, is not gone on with: the next restore looks afresh.
        const auto told = with_remains(error, intent);
        if ((ended_for_good(error.kind()) || is_untouched(intent)) && !is_at_work(intent)) {
            executor.tidy();
            stage.journal.forget_intent(intent.id);
        }
        throw told;
    }
    if (!wait) {
        auto found = describe(intent, stage.target.url);
        found.id = found.name = manifest.id;
        return {.plan = intent.plan, .under_way = std::move(found)};
    }

    call.tally.stage("proving the restore");
    auto request = model::parse_summary(intent.request);
    request.id = manifest.id;
    request.manifest = &manifest;
    for (const auto& record : intent.records)
        if (record.job) request.jobs.push_back(*record.job);
    auto proof = stage.target.driver.prove(call, manifest, request);
    if (!proof.good()) {
        executor.tidy();
        stage.journal.forget_intent(intent.id);
        std::string bad;
        for (const auto& finding : proof.findings) {
            if (!finding.good) bad += (bad.empty() ? "" : "; ") + finding.what;
        }
        throw Error(ErrorKind::corrupt,
                    bad.empty() ? "the restore ended but nothing proves it"
                                : fmt::format("the restore differs from the backup: {}", bad),
                    "do not use what was restored; restore again with --overwrite, or from another backup");
    }
    executor.tidy();
    stage.journal.forget_intent(intent.id);
    return {.plan = intent.plan, .manifest = manifest, .proof = std::move(proof)};
}

}  // namespace vbackup::backup
