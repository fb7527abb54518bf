// SPDX-License-Identifier: Apache-2.0
#include "backup/drill.hpp"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include "backup/execute.hpp"
#include "backup/find.hpp"
#include "backup/near.hpp"
#include "base/text.hpp"
#include "driver/drills.hpp"
#include "io/digest.hpp"

namespace vbackup::backup {

namespace {

// For what is to be removed after an interruption or a deadline.
constexpr Seconds time_to_clear{300};

std::string drill_key(const std::string& id, const Stage& stage) {
    return fmt::format("{}--drill-{}", id, io::sha256(stage.target.url).substr(0, 8));
}

const driver::Drill& drill_of(const Stage& stage) {
    const auto* how = driver::find_drill(stage.target.driver_name);
    if (how && how->clear) return *how;
    throw Error(ErrorKind::unsupported,
                fmt::format("no drill is possible here: {}",
                            how ? how->why_not : "this driver cannot restore beside what is there"),
                "restore it onto a server of its own and compare, or leave out --drill");
}

model::Manifest require_kept(const Stage& stage, const std::string& id) {
    if (!stage.store) throw Error(ErrorKind::usage, "a drill restores from a store, and none is named");
    auto manifest = stage.store->manifest(id);
    if (!manifest)
        throw Error(ErrorKind::not_found, fmt::format("there is no backup {} in {}", id, stage.store->store().where()),
                    hint_near(*stage.store, id, "`vbackup list` shows what is there"));
    if (!manifest->kept)
        throw Error(ErrorKind::unsupported, fmt::format("the bytes of {} lie with its server, not in a store", id),
                    "bring it home first with `vbackup download`");
    if (manifest->driver != stage.target.driver_name)
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} is a backup of {}, and the target of the drill is {}", id, manifest->driver,
                                stage.target.driver_name),
                    "give a target of the same kind to --drill");
    return *manifest;
}

// A step may have been taken although its answer was lost.
bool was_begun(const model::Intent& intent) {
    return std::any_of(intent.records.begin(), intent.records.end(),
                       [](const auto& record) { return record.sent || record.done || record.job; });
}

// Is the first step that is not done one that only waits? Plans are in an order that is good one after another.
bool only_settling_failed(const model::Intent& intent) {
    const auto left = rest_of(intent);
    return !left.steps.empty() && left.steps.front().kind == model::StepKind::settle;
}

class Drills {
public:
    Drills(Call& call, const Stage& stage, const model::Manifest& manifest, const model::Options& options)
        : call_(call),
          stage_(stage),
          how_(drill_of(stage)),
          manifest_(manifest),
          options_(options),
          key_(drill_key(manifest.id, stage)) {}

    void clear_what_was_left() {
        auto left = stage_.journal.intent(key_);
        if (!left) return;
        if (was_begun(*left) && is_young(call_, *left)) {
            call_.tally.warn(fmt::format("a drill of {}, begun {}, did not end: what it left is removed first",
                                         manifest_.id, format_time(left->begun)));
            clear(call_, *left);
        }
        stage_.journal.forget_intent(key_);
    }

    void require_free(const model::Inspection& now) const {
        for (const auto& entry : manifest_.collections) {
            const auto name = how_.scratch(entry.before.name);
            const auto takes = [&](const auto& one) {
                return one.name == name || std::find(one.aliases.begin(), one.aliases.end(), name) != one.aliases.end();
            };
            if (std::any_of(now.collections.begin(), now.collections.end(), takes))
                throw Error(ErrorKind::conflict, fmt::format("{} exists already, and is left as it is", name),
                            "when a drill that was killed has left it, delete it, and give the drill again");
        }
    }

    // Under its scratch name, and away again.
    void add(const model::CollectionEntry& entry, model::Proof& proof) {
        const auto scratch = how_.scratch(entry.before.name);
        auto intent = begun(entry, scratch);
        std::exception_ptr failed;
        try {
            const auto seen = restore_and_prove(intent, scratch);
            proof.findings.insert(proof.findings.end(), seen.findings.begin(), seen.findings.end());
        } catch (...) {
            failed = std::current_exception();
        }
        end(intent, scratch, failed);
    }

private:
    // Aliases stay where they are: who reads through one must not be led to a drill.
    model::Request request_of(const model::Manifest& manifest, const std::string& scratch) const {
        return {.verb = model::Verb::restore,
                .id = manifest_.id,
                .scope = {},
                .options = options_,
                .keep = true,
                .renames = {{manifest.collections.front().before.name, scratch}},
                .kept_at = stage_.store->store().where() + "/" + manifest_.id,
                .manifest = &manifest};
    }

    model::Intent begun(const model::CollectionEntry& entry, const std::string& scratch) {
        model::Intent intent{.id = key_, .verb = "restore", .begun = call_.clock.wall(), .draft = manifest_};
        intent.draft.collections = {entry};
        intent.draft.collections.front().before.aliases.clear();
        intent.target_url = stage_.target.url;
        const auto request = request_of(intent.draft, scratch);
        intent.plan = stage_.target.driver.plan(call_, request, peek_through(stage_));
        intent.request = model::summary(request);
        for (const auto& step : intent.plan.steps) {
            if (step.destroys && !step.tidy)
                throw Error(ErrorKind::refused, fmt::format("a drill replaces nothing, and this would: {}", step.what));
        }
        for (const auto& note : intent.plan.notes) call_.tally.warn(note);
        stage_.journal.write(intent);
        return intent;
    }

    // What never settles with the right counts is told with all that differs, as far as the rest of it is there.
    model::Proof restore_and_prove(model::Intent& intent, const std::string& scratch) {
        try {
            Executor(call_, stage_, &stage_.journal, intent).run();
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::job_failed || !only_settling_failed(intent)) throw;
            auto proof = prove(intent, scratch);
            if (proof.good()) throw;
            return proof;
        }
        return prove(intent, scratch);
    }

    model::Proof prove(const model::Intent& intent, const std::string& scratch) {
        call_.tally.stage(fmt::format("comparing {} with the backup", scratch));
        auto request = request_of(intent.draft, scratch);
        for (const auto& record : intent.records)
            if (record.job) request.jobs.push_back(*record.job);
        return stage_.target.driver.prove(call_, intent.draft, request);
    }

    // An interruption or a deadline ends the drill and not the tidying.
    void end(model::Intent& intent, const std::string& scratch, const std::exception_ptr& failed) {
        Call calm{.clock = call_.clock, .tally = call_.tally, .deadline = call_.clock.now() + time_to_clear};
        try {
            Executor(calm, stage_, &stage_.journal, intent).tidy();
            if (was_begun(intent)) clear(calm, intent);
            stage_.journal.forget_intent(key_);
        } catch (const Error& error) {
            throw_left(scratch, error, failed);
        }
        if (failed) std::rethrow_exception(failed);
    }

    [[noreturn]] static void throw_left(const std::string& scratch, const Error& error,
                                        const std::exception_ptr& failed) {
        const auto left = fmt::format("the scratch collection {} could not be removed: {}", scratch, error.message());
        const std::string hint = "give the drill again within a day, which removes it first, or delete it";
        try {
            if (failed) std::rethrow_exception(failed);
        } catch (const Error& first) {
            throw Error(first.kind(), fmt::format("{}; besides, {}", first.message(), left), hint, first.context());
        }
        throw Error(error.kind(), left, hint, error.context());
    }

    void clear(Call& call, const model::Intent& drilled) {
        const auto scratch = how_.scratch(drilled.draft.collections.front().before.name);
        call.tally.stage(fmt::format("removing {}", scratch));
        model::Intent clearing{.id = key_, .verb = "remove", .begun = call.clock.wall(), .draft = drilled.draft};
        clearing.plan = how_.clear(scratch);
        clearing.target_url = stage_.target.url;
        Executor(call, stage_, nullptr, clearing).run();
    }

    Call& call_;
    const Stage& stage_;
    const driver::Drill& how_;
    const model::Manifest& manifest_;
    const model::Options& options_;
    const std::string key_;
};

}  // namespace

void require_drills(const Stage& stage) {
    drill_of(stage);
}

model::Proof drill(Call& call, const Stage& stage, const std::string& id, const model::Options& options) {
    // Refuse early.
    require_drills(stage);
    const auto manifest = require_kept(stage, id);

    // Nobody may change the target, or remove the backup, meanwhile.
    const auto target_lock = lock_target(stage);
    const auto id_lock = stage.store->lock(id);
    const auto node_locks = lock_nodes(stage, look_around(call, stage).nodes);

    // No name may be taken.
    Drills drills(call, stage, manifest, options);
    drills.clear_what_was_left();
    drills.require_free(look_around(call, stage));

    // One collection after another.
    model::Proof proof;
    for (const auto& entry : manifest.collections) drills.add(entry, proof);
    return proof;
}

}  // namespace vbackup::backup
