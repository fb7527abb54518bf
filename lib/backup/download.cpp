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

model::Manifest draft_of(const Stage& stage, const Known& known, const std::string& id, const model::Inspection& now) {
    if (known.manifest) {
        auto draft = *known.manifest;
        draft.files.clear();
        draft.kept = true;
        return draft;
    }
    model::Manifest draft;
    draft.id = id;
    draft.created = known.found->started.value_or(Moment{});
    draft.vbackup_version = stage.vbackup_version;
    draft.driver = stage.target.driver_name;
    draft.target = stage.target.name;
    draft.target_url = stage.target.url;
    draft.product = now.product;
    draft.server_version = now.version;
    draft.nodes = now.nodes;
    draft.jobs = {known.found->job};
    draft.kept = true;
    draft.state = "unproven";
    draft.notes.push_back(
        fmt::format("made by another tool as {}; what it held when it was made is not known", known.found->name));
    for (const auto& collection : now.collections) {
        const auto& names = known.found->collections;
        if (std::find(names.begin(), names.end(), collection.name) == names.end()) continue;
        // Its configuration is today's; its count is not that of the backup.
        auto before = collection;
        before.count.reset();
        draft.collections.push_back({std::move(before), std::nullopt});
    }
    return draft;
}

Known require_whole(Call& call, const Stage& stage, const std::string& name, const model::Options& options) {
    Stage without_store = stage;
    without_store.store = nullptr;
    auto known = require_known(call, without_store, name, options);
    if (known.intent)
        throw Error(ErrorKind::refused, fmt::format("{} is not finished", name), "`vbackup wait` finishes it");
    if (known.found && known.found->phase != model::Phase::succeeded)
        throw Error(ErrorKind::refused,
                    fmt::format("{} is no good backup: the server says {}", name, known.found->said));
    return known;
}

// No note is kept of an export: whoever ends its wait is told by which name the server shows its job.
Error with_job(Error error, const model::Intent& intent) {
    for (const auto& record : intent.records) {
        if (record.job && !record.job->name.empty()) error.with("job", record.job->name);
        if (!record.job && record.sent) error.with("sent", record.step);
    }
    return error;
}

// The server itself writes the backup somewhere: nothing comes home, so nothing is committed. That its job ended well is
// all that can be known.
Result have_exported(Call& call, const Stage& stage, const std::string& name, const model::Options& options,
                     bool dry_run) {
    if (stage.store)
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} offers no download: nothing comes to {}", stage.target.driver_name,
                                stage.store->store().where()),
                    "leave out --to; `vbackup download --help` shows the options with which the server exports a "
                    "backup to a place of its own");
    const auto target_lock = dry_run ? nullptr : lock_target(stage);
    const auto known = require_whole(call, stage, name, options);
    const model::Request request{.verb = model::Verb::download,
                                 .id = known.manifest ? known.manifest->id : name,
                                 .options = options,
                                 .manifest = known.manifest ? &*known.manifest : nullptr,
                                 .found = known.found ? &*known.found : nullptr};
    auto plan = stage.target.driver.plan(call, request, peek_through(stage));
    for (const auto& note : plan.notes) call.tally.warn(note);
    if (dry_run) return {.plan = std::move(plan), .dry_run = true};
    model::Intent intent{.id = request.id, .verb = "download", .begun = call.clock.wall(), .plan = std::move(plan)};
    try {
        Executor(call, stage, nullptr, intent).run();
    } catch (const Error& error) {
        throw with_job(error, intent);
    }
    Result result{.plan = intent.plan};
    result.under_way = known.manifest ? describe(*known.manifest, stage.target.url) : *known.found;
    for (const auto& record : intent.records) {
        if (record.job)
            result.proof.findings.push_back(
                {fmt::format("the server says that its job {} ended well", record.job->name), true});
    }
    return result;
}

}  // namespace

Result download(Call& call, const Stage& stage, const std::string& name, const model::Options& options, bool dry_run) {
    if (const auto* entry = driver::find_driver(stage.target.driver_name); entry && entry->exports)
        return have_exported(call, stage, name, options, dry_run);
    if (!stage.store) throw Error(ErrorKind::usage, "there is no store to download to", "name one with --to");
    const auto target_lock = dry_run ? nullptr : lock_target(stage);
    auto& home = *stage.store;

    // Find it, and refuse what cannot come home.
    const auto known = require_whole(call, stage, name, options);
    const auto id = known.manifest ? known.manifest->id : id_from_name(name);
    const auto id_lock = dry_run ? nullptr : home.lock(id);
    if (home.manifest(id))
        throw Error(ErrorKind::conflict, fmt::format("{} is already in {}", id, home.store().where()),
                    "`vbackup verify` checks it; `vbackup delete` removes it from there");

    // What an earlier run brought home stays; the plan is made anew, since it only reads.
    const auto now = look_around(call, stage);
    model::Request request{.verb = model::Verb::download,
                           .id = id,
                           .options = options,
                           .keep = true,
                           .manifest = known.manifest ? &*known.manifest : nullptr,
                           .found = known.found ? &*known.found : nullptr,
                           .inspection = &now};
    auto plan = stage.target.driver.plan(call, request, peek_through(stage));
    if (dry_run) return {.plan = std::move(plan), .dry_run = true};
    home.store().require_writable();

    // Fetch each file with its digest.
    model::Intent intent{.id = id,
                         .verb = "download",
                         .begun = call.clock.wall(),
                         .plan = std::move(plan),
                         .records = {},
                         .draft = draft_of(stage, known, id, now),
                         .request = summary(request),
                         .target_url = stage.target.url};
    home.write(intent);
    Executor executor(call, stage, &home, intent);
    executor.run();
    if (intent.draft.files.empty()) throw Error(ErrorKind::corrupt, fmt::format("{} has no files", name));

    // Commit.
    if (intent.draft.completed == Moment{}) intent.draft.completed = call.clock.wall();
    home.commit(intent.draft);
    if (executor.tidy()) home.forget_intent(intent.id);
    return {.plan = intent.plan, .manifest = intent.draft};
}

}  // namespace vbackup::backup
