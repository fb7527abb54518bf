// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "backup/find.hpp"
#include "backup/pin.hpp"
#include "backup/story.hpp"
#include "base/parallel.hpp"
#include "base/text.hpp"
#include "driver/registry.hpp"

namespace vbackup::backup {

namespace {

using model::Found;
using model::Phase;

void sort_newest_first(std::vector<Found>& all) {
    std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) { return a.started > b.started; });
}

// A backup that cannot be read must not hide the others, nor be hidden.
Found unreadable(const std::string& id, const std::string& where, const Error& error) {
    Found found;
    found.id = found.name = id;
    found.managed = true;
    found.phase = Phase::unknown;
    found.said = describe(error.kind()).word;
    found.why = error.message();
    found.where = where;
    return found;
}

// What the server calls the parts of a backup that is listed by its id already.
std::set<std::string> names_at_server(const model::Manifest& manifest) {
    std::set<std::string> names;
    for (const auto& job : manifest.jobs) names.insert(job.name);
    for (const auto& file : manifest.files) names.insert(file.server_name);
    names.erase("");
    return names;
}

std::set<std::string> names_at_server(const model::Intent& intent) {
    std::set<std::string> names;
    for (const auto& record : intent.records)
        if (record.job) names.insert(record.job->name);
    return names;
}

struct Entry {
    std::optional<Found> found;
    std::set<std::string> names = {};
};

// Was it the store that failed, and not one backup in it?
bool is_of_the_store(ErrorKind kind) {
    return kind != ErrorKind::corrupt && kind != ErrorKind::refused && kind != ErrorKind::not_understood &&
           kind != ErrorKind::denied && kind != ErrorKind::not_found;
}

// Nothing for another target's: what its server calls its own may be called the same at this one.
Entry entry_of(Call& call, store::Catalog& home, const std::string& id, const Target* target) {
    const auto where = home.store().where();
    Entry entry;
    try {
        if (const auto manifest = home.manifest(id)) {
            if (target && !is_of(*manifest, *target)) return {};
            entry = {describe(*manifest, where), names_at_server(*manifest)};
        } else if (const auto intent = home.intent(id)) {
            if (target && !is_of(*intent, *target)) return {};
            entry = {describe(*intent, where), names_at_server(*intent)};
        } else {
            return {};
        }
    } catch (const Error& error) {
        if (is_of_the_store(error.kind())) throw;
        if (target) call.tally.warn(fmt::format("{}: {}", id, error.message()));
        entry.found = unreadable(id, where, error);
    }
    entry.found->pinned = is_pinned(home, id);
    return entry;
}

struct Shelf {
    std::vector<Found> all;
    std::set<std::string> names;  // what the server calls their parts
};

Shelf all_of(Call& call, store::Catalog& home, const Target* target) {
    const auto ids = home.store().folders();
    std::vector<Entry> entries(ids.size());
    run_all(ids.size(), home.store().at_once(), call.stop,
            [&](std::size_t i) { entries[i] = entry_of(call, home, ids[i], target); });
    call.require_time();
    Shelf shelf;
    for (auto& entry : entries) {
        if (entry.found) shelf.all.push_back(std::move(*entry.found));
        shelf.names.merge(entry.names);
    }
    shelf.names.erase("");
    return shelf;
}

// What only the server knows of a backup that is listed by its id already.
void add_facts(const Found& at_server, std::vector<Found>& all) {
    for (auto& found : all) {
        if (found.job.name.empty() || found.job.name != at_server.job.name) continue;
        if (at_server.expires) found.expires = at_server.expires;
        if (!at_server.schedule.empty()) found.schedule = at_server.schedule;
    }
}

// A look says more than what was noted or listed before; false when it is not good.
bool believe(const model::Seen& seen, Found& found) {
    if (seen.phase == Phase::succeeded) return true;
    found.phase = seen.phase;
    found.said = seen.said;
    found.why = seen.phase == Phase::gone ? "the server no longer has it" : seen.why;
    return false;
}

// What stays with the server is good only as long as the server still shows it.
void look_at_server(Call& call, const Stage& stage, const model::Manifest& manifest, Found& found) {
    for (const auto& job : manifest.jobs)
        if (!believe(stage.target.driver.observe(call, job, Milliseconds{0}), found)) return;
}

// A node that is down hides what lies there, not the rest of the list.
template <class Look>
void as_far_as_reached(Found& found, Look look) {
    try {
        look();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unreachable) throw;
        found.phase = Phase::unknown;
        found.said = model::not_reached;
        found.why = error.message();
    }
}

// A backup left with the server whose parts its list does not show is asked for by name: the list may not cover its place.
// One that it shows may have gone bad.
void doubt_what_is_not_listed(Call& call, const Stage& stage, const std::vector<Found>& at_server,
                              std::vector<Found>& all) {
    for (auto& found : all) {
        if (!found.managed || found.kept || found.phase != Phase::succeeded) continue;
        const auto manifest = stage.journal.manifest(found.id);
        if (!manifest) continue;
        const auto names = names_at_server(*manifest);
        const bool shown = std::all_of(names.begin(), names.end(), [&](const auto& name) {
            return std::any_of(at_server.begin(), at_server.end(),
                               [&](const Found& one) { return one.name == name && one.phase == Phase::succeeded; });
        });
        if (!shown) as_far_as_reached(found, [&] { look_at_server(call, stage, *manifest, found); });
    }
}

// With an option that has the server show a part only, backups left with it are wanted as far as it shows them.
bool is_filtered(const Stage& stage, const model::Options& options) {
    const auto* entry = driver::find_driver(stage.target.driver_name);
    if (!entry) return false;
    return std::any_of(entry->options.begin(), entry->options.end(), [&](const driver::Option& option) {
        return option.filters && options.contains(std::string(option.name));
    });
}

void leave_out_what_is_not_listed(const Stage& stage, const std::set<std::string>& listed, std::vector<Found>& all) {
    std::erase_if(all, [&](const Found& found) {
        if (!found.managed || found.kept || found.phase != Phase::succeeded) return false;
        const auto manifest = stage.journal.manifest(found.id);
        if (!manifest) return false;
        const auto names = names_at_server(*manifest);
        return std::none_of(names.begin(), names.end(), [&](const auto& name) { return listed.contains(name); });
    });
}

bool only_waits(const model::Intent& intent) {
    return std::none_of(intent.plan.steps.begin(), intent.plan.steps.end(), [](const auto& step) {
        return step.kind == model::StepKind::fetch || step.kind == model::StepKind::send ||
               step.kind == model::StepKind::place;
    });
}

// Does a run of this machine hold it right now? When that cannot be told, it may.
bool is_worked_on(store::Catalog& home, const std::string& id) {
    try {
        return home.lock(id) == nullptr;
    } catch (const Error&) {
        return true;
    }
}

// One look at a job, and at those that are to be waited for after it, as long as all ended well.
model::Seen look_at(Call& call, const Stage& stage, model::JobRef job) {
    for (;;) {
        auto seen = stage.target.driver.observe(call, job, Milliseconds{0});
        if (seen.phase != Phase::succeeded || !seen.next) return seen;
        job = *seen.next;
    }
}

// An intent's phase as the server sees it now: the worst of its jobs.
void look_at_jobs(Call& call, const Stage& stage, store::Catalog& home, const model::Intent& intent, Found& found) {
    if (intent.verb == "remove") {
        if (is_worked_on(home, intent.id)) return;
        found.phase = Phase::failed;
        found.said = "interrupted";
        found.why = "`vbackup delete` finishes its removal";
        return;
    }
    bool all_good = true, at_work = false;
    for (const auto& record : intent.records) {
        if (record.done || !record.failed.empty()) continue;
        if (!record.job) {
            all_good = false;
            continue;
        }
        const auto seen = look_at(call, stage, *record.job);
        if (seen.phase == Phase::succeeded) continue;
        all_good = false;
        found.said = seen.said;
        found.why = seen.why;
        found.phase = seen.phase;
        found.done = seen.done;
        found.total = seen.total;
        at_work = at_work || !model::is_final(found.phase);
        if (model::is_final(found.phase)) return;
    }
    if (found.phase != Phase::running || at_work) return;
    if (all_good) found.said = "all jobs ended well; `vbackup wait` finishes it";
    if ((all_good && only_waits(intent)) || is_worked_on(home, intent.id)) return;
    // Whoever was to bring it home is gone, and no job is at work.
    found.phase = Phase::failed;
    found.said = "interrupted";
    found.why = "the command that began it goes on with it when it is given again with this id";
}

bool all_taken(const model::Intent& intent) {
    return std::all_of(intent.records.begin(), intent.records.end(),
                       [](const auto& record) { return (record.done || record.job) && record.failed.empty(); });
}

bool ended_well(Call& call, const Stage& stage, const model::Intent& intent) {
    return std::all_of(intent.records.begin(), intent.records.end(), [&](const auto& record) {
        return record.done || look_at(call, stage, *record.job).phase == Phase::succeeded;
    });
}

// A create or download that says it is under way is looked at: it may have died, or its job may have ended.
void look_at_unfinished(Call& call, const Stage& stage, std::vector<Found>& all) {
    for (auto& found : all) {
        if (found.phase != Phase::running || !found.managed) continue;
        for (auto* home : {stage.store, &stage.journal}) {
            if (!home || home->manifest(found.id)) continue;
            if (const auto intent = home->intent(found.id))
                as_far_as_reached(found, [&] { look_at_jobs(call, stage, *home, *intent, found); });
        }
    }
}

// What all jobs of `intent` having ended well leaves to do is done here. Empty when another run is doing it.
std::optional<Found> finished(Call& call, const Stage& stage, store::Catalog& home, const model::Intent& intent) {
    const auto where = home.store().where();
    std::shared_ptr<void> target_lock, id_lock, source_lock;
    Locks node_locks;
    try {
        target_lock = lock_target(stage);
        node_locks = lock_nodes_as_seen(call, stage);
        id_lock = home.lock(intent.id);
        if (intent.verb == "restore") source_lock = lock_source(stage, intent);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::busy) throw;
        return std::nullopt;
    }
    // Another run may have come to the end since the intent was read.
    if (auto manifest = home.manifest(intent.id)) return describe(*manifest, where);
    auto now = home.intent(intent.id);
    if (!now) return std::nullopt;
    if (now->verb == "create") return describe(*finish_create(call, stage, home, *now, true).manifest, where);
    auto found = describe(*finish_restore(call, stage, *now, true).manifest, where);
    found.said = "restored and proven";
    return found;
}

Found status_of_intent(Call& call, const Stage& stage, store::Catalog& home, const model::Intent& intent,
                       const std::string& id) {
    const bool finishes = intent.verb == "create" || intent.verb == "restore";
    if (finishes && only_waits(intent) && all_taken(intent) && ended_well(call, stage, intent)) {
        if (auto found = finished(call, stage, home, intent)) return *found;
    }
    auto found = describe(intent, home.store().where());
    found.id = found.name = id;
    look_at_jobs(call, stage, home, intent, found);
    return found;
}

}  // namespace

std::vector<Found> list(Call& call, const Stage& stage, const model::Options& options) {
    auto [all, known] = stage.store ? all_of(call, *stage.store, &stage.target) : Shelf{};
    auto journal = all_of(call, stage.journal, &stage.target);
    std::set<std::string> in_store;
    for (const auto& found : all) in_store.insert(found.id);
    for (auto& found : journal.all)
        if (!in_store.contains(found.id)) all.push_back(std::move(found));
    known.merge(journal.names);
    std::set<std::string> listed;
    std::vector<Found> at_server;
    try {
        at_server = stage.target.driver.list(call, options);
        for (const auto& found : at_server) {
            listed.insert(found.name);
            if (known.contains(found.name) || known.contains(found.job.name)) {
                add_facts(found, all);
            } else {
                all.push_back(found);
            }
        }
    } catch (const Error& error) {
        // An old server without a list: what is known here is shown all the same.
        if (error.kind() != ErrorKind::unsupported) throw;
        call.tally.warn(error.message());
    }
    look_at_unfinished(call, stage, all);
    if (is_filtered(stage, options)) leave_out_what_is_not_listed(stage, listed, all);
    doubt_what_is_not_listed(call, stage, at_server, all);
    sort_newest_first(all);
    return all;
}

std::vector<Found> list(Call& call, store::Catalog& store) {
    auto all = all_of(call, store, nullptr).all;
    sort_newest_first(all);
    return all;
}

std::optional<Error> left_out(const std::vector<Found>& all) {
    std::set<std::string> reasons;
    for (const auto& found : all) {
        if (found.phase == Phase::unknown && found.said == model::not_reached) reasons.insert(found.why);
    }
    if (reasons.empty()) return std::nullopt;
    return Error(ErrorKind::partial, fmt::format("not all could be asked: {}", fmt::join(reasons, "; ")),
                 "`vbackup check` shows the nodes");
}

Found status(Call& call, const Stage& stage, const std::string& id, const model::Options& options) {
    if (const auto intent = stage.journal.intent(restore_key(id)); intent && is_resumable(call, stage, *intent))
        return status_of_intent(call, stage, stage.journal, *intent, id);
    auto known = require_known(call, stage, id, options);
    if (const auto old = stage.journal.intent(restore_key(id)); old && old->target_url == stage.target.url)
        call.tally.warn(fmt::format("a restore of {}, begun {}, was never finished; `vbackup cancel` forgets it", id,
                                    format_time(old->begun)));
    if (known.found) {
        // Its own end may not be all there is to wait for.
        if (known.found->phase == Phase::succeeded && !known.found->job.name.empty())
            believe(look_at(call, stage, known.found->job), *known.found);
        return *known.found;
    }
    const auto where = known.home->store().where();
    if (known.intent) return status_of_intent(call, stage, *known.home, *known.intent, id);
    auto found = describe(*known.manifest, where);
    found.pinned = is_pinned(*known.home, id);
    if (known.manifest->kept) return found;
    look_at_server(call, stage, *known.manifest, found);
    return found;
}

}  // namespace vbackup::backup
