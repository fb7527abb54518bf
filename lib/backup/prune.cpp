// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "backup/find.hpp"
#include "backup/story.hpp"

namespace vbackup::backup {

namespace {

using model::Phase;

std::string name_of(const model::Found& found) {
    return found.id.empty() ? found.name : found.id;
}

// What cannot be told is left alone like what is at work.
Candidate::State state_of(Phase phase) {
    switch (phase) {
        case Phase::succeeded:
            return Candidate::State::good;
        case Phase::failed:
        case Phase::cancelled:
        case Phase::gone:
            return Candidate::State::bad;
        default:
            return Candidate::State::under_way;
    }
}

// Left with a server that answers, but not about this one any more.
bool is_unseen(const model::Found& found) {
    return found.phase == Phase::unknown && found.managed && !found.kept && found.completed &&
           found.said != model::not_reached;
}

Candidate candidate_of(const model::Found& found) {
    return {.id = name_of(found),
            .target = found.target,
            .collections = found.collections,
            .bases = found.bases,
            .when = found.started.value_or(found.completed.value_or(Moment{})),
            .state = is_unseen(found) ? Candidate::State::unseen : state_of(found.phase),
            .retention = found.retention,
            .pinned = found.pinned};
}

// Why a backup is not even looked at; empty for one that is.
std::string apart(const model::Found& found, const PruneOptions& options) {
    if (name_of(found).empty()) return "it could not be asked: " + found.why;
    if (found.restoring) return "it is no backup, but a restore that has not ended";
    if (!found.started && !found.completed) return "nobody says how old it is";
    if (!found.managed && !options.unmanaged) return "vbackup did not make it; --unmanaged includes it";
    if (is_unseen(found) && !options.unseen)
        return fmt::format("nothing shows whether it is still there ({}); --unseen includes it", found.said);
    return "";
}

// A removal that was begun was decided, and is finished at once.
bool is_half_removed(const model::Found& found, const std::vector<store::Catalog*>& homes) {
    if (found.phase != Phase::failed || found.id.empty()) return false;
    return std::any_of(homes.begin(), homes.end(), [&](store::Catalog* home) {
        if (home == nullptr) return false;
        try {
            const auto intent = home->intent(found.id);
            return intent && intent->verb == "remove" && !home->manifest(found.id);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::storage) throw;
            return false;
        }
    });
}

Pruned decided(Call& call, std::vector<model::Found> all, const PruneOptions& options,
               const std::vector<store::Catalog*>& homes) {
    Pruned pruned{.items = {}, .dry_run = options.dry_run};
    std::vector<Candidate> candidates;
    std::vector<std::size_t> places;
    for (auto& found : all) {
        const bool half_removed = is_half_removed(found, homes);
        const auto why = half_removed ? "its removal had begun" : apart(found, options);
        if (why.empty()) {
            candidates.push_back(candidate_of(found));
            if (options.needed.contains(name_of(found))) candidates.back().state = Candidate::State::under_way;
            places.push_back(pruned.items.size());
        }
        Decision decision{.id = name_of(found), .keep = !half_removed, .reasons = {why}};
        pruned.items.push_back({std::move(found), std::move(decision), std::nullopt});
    }
    auto decisions = decide(candidates, options.rules, call.clock.wall());
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (options.needed.contains(decisions[i].id)) decisions[i].reasons = {"a restore from it has not ended"};
        pruned.items[places[i]].decision = std::move(decisions[i]);
    }
    return pruned;
}

// One question for all of them.
void require_consent_for(const Pruned& pruned, const Confirm& confirm) {
    model::Plan plan;
    for (const auto& item : pruned.items) {
        if (item.decision.keep) continue;
        model::Step step;
        step.id = "remove:" + item.decision.id;
        step.kind = model::StepKind::erase;
        step.what = fmt::format("remove {} from {}", item.decision.id, item.found.where);
        step.destroys = true;
        plan.steps.push_back(std::move(step));
    }
    require_consent(confirm, plan);
}

// Newest first: what builds on another goes before it.
template <class Remove>
void remove_each(Call& call, Pruned& pruned, Remove remove) {
    for (auto& item : pruned.items) {
        if (item.decision.keep) continue;
        call.require_time();
        call.tally.stage("removing " + item.decision.id);
        try {
            remove(item.decision.id);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            item.error = error;
            item.error->with("id", item.decision.id);
        }
    }
}

// In a store alone nobody can be asked what became of a create; one that no run holds any more came to nothing.
void look_at_locks(store::Catalog& store, std::vector<model::Found>& all) {
    for (auto& found : all) {
        if (found.phase != Phase::running) continue;
        try {
            const auto lock = store.lock(found.id);
            if (!lock) continue;
            found.phase = Phase::failed;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::busy) throw;
        }
    }
}

bool yes(const model::Plan&) {
    return true;
}

}  // namespace

std::set<std::string> needed_by_restores(const Call& call, store::Catalog& journal) {
    std::set<std::string> needed;
    for (const auto& id : journal.ids()) {
        try {
            const auto intent = journal.intent(id);
            if (!intent || intent->verb != "restore") continue;
            if (is_at_work(*intent) || is_young(call, *intent)) needed.insert(intent->draft.id);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::storage) throw;
            call.tally.warn(fmt::format("{}: {}", id, error.message()));
        }
    }
    return needed;
}

Pruned prune(Call& call, const Stage& stage, const PruneOptions& asked) {
    auto options = asked;
    options.needed.merge(needed_by_restores(call, stage.journal));
    auto all = list(call, stage, options.options);
    // All of them are of this target, whichever address they were made through.
    for (auto& found : all) found.target = stage.target.url;
    auto pruned = decided(call, std::move(all), options, {stage.store, &stage.journal});
    if (options.dry_run) return pruned;
    require_consent_for(pruned, stage.confirm);
    auto agreed = stage;
    agreed.confirm = yes;
    remove_each(call, pruned, [&](const std::string& id) { remove(call, agreed, id, options.options, false); });
    return pruned;
}

Pruned prune(Call& call, store::Catalog& store, const Confirm& confirm, const PruneOptions& options) {
    auto all = list(call, store);
    look_at_locks(store, all);
    auto pruned = decided(call, std::move(all), options, {&store});
    if (options.dry_run) return pruned;
    require_consent_for(pruned, confirm);
    remove_each(call, pruned, [&](const std::string& id) { remove(store, id, yes, false); });
    return pruned;
}

}  // namespace vbackup::backup
