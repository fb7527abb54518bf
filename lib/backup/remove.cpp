// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "backup/execute.hpp"
#include "backup/find.hpp"
#include "backup/near.hpp"
#include "backup/pin.hpp"
#include "backup/story.hpp"
#include "driver/registry.hpp"

namespace vbackup::backup {

namespace {

model::Step erase_kept(const std::string& id, const std::string& where) {
    return {.id = "remove",
            .kind = model::StepKind::erase,
            .what = fmt::format("remove {} from {}", id, where),
            .destroys = true};
}

// What others cannot be restored without stays.
void require_no_dependents(store::Catalog& home, const std::string& id) {
    const auto other = home.dependent_of(id);
    if (other.empty()) return;
    throw Error(ErrorKind::refused, fmt::format("{} cannot be restored without {}", other, id),
                fmt::format("delete {} first", other));
}

// A backup that lies in a store: the manifest goes first, so that what is left of a removal that was cut short is no backup.
Result remove_kept(store::Catalog& home, const std::string& id, const Confirm& confirm, bool dry_run, bool pinned_too) {
    if (!pinned_too) require_unpinned(home, id);
    require_no_dependents(home, id);
    Result result{.dry_run = dry_run};
    result.plan.steps.push_back(erase_kept(id, home.store().where()));
    if (dry_run) return result;
    require_consent(confirm, result.plan);
    const auto lock = home.lock(id);
    // It may have been pinned while somebody thought about the question.
    if (!pinned_too) require_unpinned(home, id);
    home.remove(id);
    return result;
}

// The note of an unfinished restore goes with the backup it would have been restored from.
void forget_restore(const Stage& stage, const std::string& id) {
    const auto intent = stage.journal.intent(restore_key(id));
    if (intent && intent->target_url == stage.target.url) stage.journal.forget_intent(intent->id);
}

// For so long what a request makes may be on its way without being shown.
constexpr auto still_making = std::chrono::minutes(15);

// What the server made of a request whose answer never came. What it cannot tell is left with it.
std::optional<model::JobRef> taken_after_all(Call& call, const Stage& stage, const model::Intent& intent,
                                             const model::StepRecord& record) {
    const auto step = std::find_if(intent.plan.steps.begin(), intent.plan.steps.end(),
                                   [&](const auto& one) { return one.id == record.step; });
    if (step == intent.plan.steps.end()) return std::nullopt;
    try {
        if (const auto outcome = stage.target.driver.done(call, *step)) return outcome->job;
        // A server that is still making it may not show it yet.
        if (call.clock.wall() - intent.begun < still_making)
            throw Error(ErrorKind::refused, fmt::format("it is not known yet whether the server took {}", record.step),
                        "give the command that began it again, or delete it in some minutes");
        call.tally.warn(fmt::format(
            "whether the server ever took {} is not known; what it made, if anything, stays with it", record.step));
        return std::nullopt;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_understood) throw;
        call.tally.warn(fmt::format("{} may have been taken, and what it made stays with the server: {}", record.step,
                                    error.message()));
        return std::nullopt;
    }
}

bool can_cancel(const Stage& stage) {
    const auto* entry = driver::find_driver(stage.target.driver_name);
    return !entry || driver::ability(*entry, "cancel").support != driver::Support::none;
}

Error under_way(const Stage& stage, const std::string& id, const std::string& said) {
    return {ErrorKind::refused, fmt::format("{} is under way: the server says {}", id, said),
            can_cancel(stage) ? "`vbackup cancel` ends it, `vbackup wait` finishes it" : "`vbackup wait` finishes it"};
}

// What an unfinished create or download left: the finished jobs' results at the server, then what came home.
Result remove_unfinished(Call& call, const Stage& stage, Known& known, const model::Options& options, bool dry_run) {
    const auto& intent = *known.intent;
    Result result{.dry_run = dry_run};
    for (auto record : intent.records) {
        if (record.sent && !record.done && !record.job && record.failed.empty())
            record.job = taken_after_all(call, stage, intent, record);
        if (!record.job || !record.failed.empty() || intent.verb != "create") continue;
        const auto seen = stage.target.driver.observe(call, *record.job, Milliseconds{0});
        if (!model::is_final(seen.phase)) throw under_way(stage, intent.id, seen.said);
        if (seen.phase != model::Phase::succeeded) continue;
        model::Found left;
        left.id = intent.id;
        left.name = record.job->name.empty() && seen.next ? seen.next->name : record.job->name;
        left.job = seen.next ? *seen.next : *record.job;
        left.phase = seen.phase;
        const model::Request request{.verb = model::Verb::remove, .id = intent.id, .options = options, .found = &left};
        for (auto& step : stage.target.driver.plan(call, request, peek_through(stage)).steps)
            result.plan.steps.push_back(std::move(step));
    }
    auto whole = result.plan;
    whole.steps.push_back(erase_kept(intent.id, known.home->store().where()));
    if (dry_run) return {.plan = std::move(whole), .dry_run = true};
    require_consent(stage.confirm, whole);
    const auto lock = known.home->lock(intent.id);
    model::Intent removal{.id = intent.id, .verb = "remove", .begun = call.clock.wall(), .plan = result.plan};
    Executor(call, stage, nullptr, removal).run();
    known.home->remove(intent.id);
    result.plan = std::move(whole);
    return result;
}

// Where the server ends no job, the one thing to cancel is the note of a restore that nothing comes of any more.
void require_given_up(Call& call, const Stage& stage, const std::optional<model::Intent>& restoring) {
    const bool at_work = restoring && is_at_work(*restoring) && is_young(call, *restoring);
    if (restoring && !at_work) return;
    const auto& entry = *driver::find_driver(stage.target.driver_name);
    throw Error(ErrorKind::unsupported, fmt::format("{} has no cancel", entry.product),
                at_work ? "`vbackup wait` waits for the restore" : std::string(driver::ability(entry, "cancel").note));
}

}  // namespace

Result remove(Call& call, const Stage& stage, const std::string& id, const model::Options& options, bool dry_run,
              bool pinned_too) {
    const auto target_lock = dry_run ? nullptr : lock_target(stage);

    // A removal that was cut short is finished; so is a create or download that never came to an end.
    auto known = find_at_home(stage, id);
    const bool removing = known.intent && known.intent->verb == "remove";
    if (known.manifest && known.manifest->kept) {
        auto result = remove_kept(*known.home, id, stage.confirm, dry_run, pinned_too);
        if (!dry_run) forget_restore(stage, id);
        return result;
    }
    if (known.intent && !removing) {
        return remove_unfinished(call, stage, known, options, dry_run);
    }
    if (!known.home) known = require_known(call, stage, id, options);

    // Refuse early what cannot be reached, then remove it at the server.
    auto& home = known.home ? *known.home : stage.journal;
    const auto id_lock = dry_run || !known.home ? nullptr : home.lock(id);
    if (!pinned_too) require_unpinned(home, id);
    require_no_dependents(home, id);
    if (!removing) {
        model::Request request{.verb = model::Verb::remove,
                               .id = id,
                               .options = options,
                               .manifest = known.manifest ? &*known.manifest : nullptr,
                               .found = known.found ? &*known.found : nullptr};
        auto plan = stage.target.driver.plan(call, request, peek_through(stage));
        if (dry_run) return {.plan = std::move(plan), .dry_run = true};
        model::Intent intent{.id = id,
                             .verb = "remove",
                             .begun = call.clock.wall(),
                             .plan = std::move(plan),
                             .records = {},
                             .draft = known.manifest.value_or(model::Manifest{}),
                             .request = summary(request),
                             .target_url = stage.target.url};
        intent.draft.id = id;
        intent.draft.driver = stage.target.driver_name;
        known.intent = std::move(intent);
    }
    if (dry_run) return {.plan = known.intent->plan, .dry_run = true};
    require_consent(stage.confirm, known.intent->plan);

    // The manifest goes first; the intent remembers what is still to be removed.
    Executor executor(call, stage, known.manifest || removing ? &home : nullptr, *known.intent);
    if (known.manifest) {
        home.write(*known.intent);
        home.store().remove(store::file_name(id, "manifest.json"));
    }
    executor.run();
    if (known.manifest || removing) home.remove(id);
    forget_restore(stage, id);
    return {.plan = known.intent->plan, .manifest = known.manifest};
}

Result remove(store::Catalog& store, const std::string& id, const Confirm& confirm, bool dry_run, bool pinned_too) {
    bool known = true;
    try {
        known = store.manifest(id).has_value() || store.intent(id).has_value();
    } catch (const Error& error) {
        // A manifest that cannot be read does not keep its backup from being removed.
        if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::refused) throw;
    }
    if (!known)
        throw Error(ErrorKind::not_found, fmt::format("there is no backup {} in {}", id, store.store().where()),
                    hint_near(store, id, "`vbackup list` shows what is there"));
    return remove_kept(store, id, confirm, dry_run, pinned_too);
}

namespace {

// By an earlier run whose answer got lost: then only what it had begun is left to forget.
bool is_cancelled(Call& call, const Stage& stage, const model::Found& job) {
    return stage.target.driver.observe(call, job.job, Milliseconds{0}).phase == model::Phase::cancelled;
}

}  // namespace

Result cancel(Call& call, const Stage& stage, const std::string& id, const model::Options& options, bool dry_run) {
    // Which jobs are under way? A restore's intent comes first: its id is that of the backup too.
    auto restoring = stage.journal.intent(restore_key(id));
    if (restoring && restoring->target_url != stage.target.url) restoring.reset();
    const bool ends_jobs = can_cancel(stage);
    if (!ends_jobs) require_given_up(call, stage, restoring);
    const auto drop_restore = [&] {
        Result dropped{.dry_run = dry_run, .under_way = describe(*restoring, stage.target.url)};
        dropped.under_way->phase = model::Phase::cancelled;
        if (!dry_run) stage.journal.forget_intent(restoring->id);
        return dropped;
    };
    auto known = find_at_home(stage, id);
    if (restoring) known.intent = restoring;
    if (!known.intent && !known.manifest) known = require_known(call, stage, id, options);

    std::vector<model::Found> jobs;
    if (known.intent) {
        for (const auto& record : known.intent->records) {
            if (!record.job || record.done || !record.failed.empty()) continue;
            model::Found found;
            found.id = found.name = id;
            found.job = *record.job;
            jobs.push_back(std::move(found));
        }
    } else if (known.found) {
        jobs.push_back(*known.found);
    }
    // A restore without a job at the server is ended by not going on with it; so is one whose job nobody can end.
    if ((jobs.empty() || !ends_jobs) && restoring) return drop_restore();
    if (jobs.empty())
        throw Error(ErrorKind::refused, fmt::format("{} has no job that could be cancelled", id),
                    "a finished backup is removed with `vbackup delete`");

    Result result{.dry_run = dry_run};
    for (const auto& job : jobs) {
        result.under_way = job;
        model::Request request{.verb = model::Verb::cancel, .id = id, .options = options, .found = &job};
        model::Plan plan;
        try {
            plan = stage.target.driver.plan(call, request, peek_through(stage));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::refused || !known.intent || !is_cancelled(call, stage, job)) throw;
            continue;
        }
        if (!dry_run) {
            require_consent(stage.confirm, plan);
            model::Intent intent{
                .id = id, .verb = "cancel", .begun = call.clock.wall(), .plan = plan, .target_url = stage.target.url};
            Executor(call, stage, nullptr, intent).run();
        }
        for (auto& step : plan.steps) result.plan.steps.push_back(std::move(step));
    }
    if (dry_run) return result;
    result.under_way->phase = model::Phase::cancelled;
    result.under_way->said = "cancelled";
    // What it had begun is no backup and never will be.
    if (restoring) {
        stage.journal.forget_intent(restoring->id);
    } else if (known.intent && known.home) {
        known.home->remove(id);
    }
    return result;
}

}  // namespace vbackup::backup
