// SPDX-License-Identifier: Apache-2.0
#include "support/toy_driver.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "io/digest.hpp"

namespace vbackup::test {

namespace {

using model::Phase;
using model::Step;
using model::StepKind;

std::string target_name(const model::Request& request, const std::string& name) {
    for (const auto& [from, to] : request.renames) {
        if (from == name) return to;
    }
    return name;
}

Step step(std::string id, StepKind kind, std::string collection) {
    Step made;
    made.what = id;
    made.id = std::move(id);
    made.kind = kind;
    made.part.collection = std::move(collection);
    return made;
}

std::string after_colon(const std::string& id) {
    return id.substr(id.find(':') + 1);
}

}  // namespace

void ToyDriver::ask(const std::string& function, const std::string& about) {
    if (db_.before) db_.before(function, about);
}

model::Inspection ToyDriver::inspect(Call&, const model::Scope& scope) {
    const std::scoped_lock lock(db_.mutex);
    ask("inspect", "");
    model::Inspection now;
    now.product = "Toy";
    now.version = "1.0.0";
    now.ready = true;
    for (const auto& [name, count] : db_.collections) {
        if (!scope.matches(name)) continue;
        model::Collection collection;
        collection.name = name;
        if (scope.counts) collection.count = count;
        now.collections.push_back(std::move(collection));
    }
    for (const auto& name : scope.include) {
        if (name.find('*') == std::string::npos && !db_.collections.contains(name))
            throw Error(ErrorKind::not_found, "no collection " + name);
    }
    return now;
}

std::vector<model::Found> ToyDriver::list(Call&, const model::Options&) {
    const std::scoped_lock lock(db_.mutex);
    ask("list", "");
    std::vector<model::Found> all;
    for (const auto& [name, snapshot] : db_.snapshots) {
        model::Found found;
        found.name = name;
        found.phase = snapshot.looks_left > 0 ? Phase::running : snapshot.end;
        found.said = model::word(found.phase);
        found.collections = {snapshot.collection};
        found.job.name = name;
        found.started = snapshot.started;
        all.push_back(std::move(found));
    }
    if (!db_.unreached.empty())
        all.push_back({.said = std::string(model::not_reached),
                       .why = db_.unreached + " does not answer",
                       .where = db_.unreached});
    return all;
}

model::Plan ToyDriver::plan_create(const model::Request& request) {
    model::Plan plan;
    for (const auto& collection : request.inspection->collections) {
        auto make = step("snapshot:" + collection.name, StepKind::change, collection.name);
        make.details = "\"" + request.id + "\"";
        plan.steps.push_back(make);
        if (!request.keep) continue;
        auto fetch = step("fetch:" + collection.name, StepKind::fetch, collection.name);
        fetch.of = make.id;
        fetch.after = {make.id};
        plan.steps.push_back(std::move(fetch));
        if (request.options.contains("keep-on-server")) continue;
        auto tidy = step("drop:" + request.id + "." + collection.name, StepKind::change, collection.name);
        tidy.tidy = true;
        plan.steps.push_back(std::move(tidy));
    }
    return plan;
}

model::Plan ToyDriver::plan_restore(const model::Request& request) {
    model::Plan plan;
    for (const auto& file : request.manifest->files) {
        const auto& old = file.part.collection;
        if (!request.scope.matches(old)) continue;
        const auto name = target_name(request, old);
        const bool exists = db_.collections.contains(name);
        if (exists && !request.overwrite) throw Error(ErrorKind::conflict, "collection " + name + " exists");
        auto send = step("send:" + name, StepKind::send, name);
        send.file = file.name;
        if (exists) {
            auto clear = step("clear:" + name, StepKind::change, name);
            clear.destroys = true;
            send.after = {clear.id};
            plan.steps.push_back(std::move(clear));
        }
        auto settle = step("settle:" + name, StepKind::settle, name);
        settle.after = {send.id};
        plan.steps.push_back(std::move(send));
        plan.steps.push_back(std::move(settle));
    }
    if (!db_.tidy_after_restore.empty()) {
        auto tidy = step("drop:" + db_.tidy_after_restore, StepKind::change, "");
        tidy.tidy = true;
        plan.steps.push_back(std::move(tidy));
    }
    return plan;
}

model::Plan ToyDriver::plan(Call&, const model::Request& request, const driver::Peek&) {
    const std::scoped_lock lock(db_.mutex);
    ask("plan", std::string(model::word(request.verb)));
    db_.asked = request.options;
    if (request.verb == model::Verb::create) return plan_create(request);
    if (request.verb == model::Verb::restore) return plan_restore(request);
    model::Plan plan;
    std::vector<std::string> names;
    if (request.found) names = {request.found->job.name};
    if (request.manifest) {
        for (const auto& job : request.manifest->jobs) names.push_back(job.name);
    }
    for (const auto& name : names) {
        if (request.verb == model::Verb::download) {
            auto fetch = step("fetch:" + name, StepKind::fetch, db_.snapshots.at(name).collection);
            fetch.job = model::JobRef{.name = name};
            plan.steps.push_back(std::move(fetch));
        } else {
            auto change =
                step((request.verb == model::Verb::cancel ? "cancel:" : "drop:") + name, StepKind::change, "");
            change.destroys = request.verb == model::Verb::remove;
            plan.steps.push_back(std::move(change));
        }
    }
    return plan;
}

std::optional<model::Outcome> ToyDriver::done(Call&, const Step& one) {
    const std::scoped_lock lock(db_.mutex);
    ask("done", one.id);
    const auto about = after_colon(one.id);
    model::Outcome outcome;
    if (one.id.starts_with("snapshot:")) {
        const auto name = one.details.substr(1, one.details.size() - 2) + "." + about;
        if (!db_.snapshots.contains(name)) return std::nullopt;
        outcome.job = model::JobRef{.name = name, .part = one.part};
        return outcome;
    }
    if (one.id.starts_with("drop:")) return db_.snapshots.contains(about) ? std::nullopt : std::optional(outcome);
    if (one.id.starts_with("clear:")) return db_.collections.contains(about) ? std::nullopt : std::optional(outcome);
    if (one.id.starts_with("send:")) return db_.collections.contains(about) ? std::optional(outcome) : std::nullopt;
    const auto held = db_.schedules.find(about);
    if (one.id.starts_with("schedule:"))
        return held != db_.schedules.end() && "\"" + held->second.cron + "\"" == one.details ? std::optional(outcome)
                                                                                             : std::nullopt;
    if (one.id.starts_with("unschedule:")) return held == db_.schedules.end() ? std::optional(outcome) : std::nullopt;
    return std::nullopt;
}

model::Outcome ToyDriver::run(Call&, const Step& one, io::Source* source) {
    const std::scoped_lock lock(db_.mutex);
    ask("run", one.id);
    const auto about = after_colon(one.id);
    model::Outcome outcome;
    db_.changes.push_back(one.id);
    if (one.id.starts_with("snapshot:")) {
        const auto name = one.details.substr(1, one.details.size() - 2) + "." + about;
        db_.snapshots[name] = {about, about + "=" + std::to_string(db_.collections.at(about)), db_.looks_needed,
                               db_.end};
        outcome.job = model::JobRef{.name = name, .part = one.part};
    } else if (one.id.starts_with("send:")) {
        const auto bytes = io::read_all(*source, 1'000);
        db_.collections[about] = std::stoull(bytes.substr(bytes.find('=') + 1));
        if (db_.restore_looks > 0) outcome.job = model::JobRef{.name = "restore." + about, .part = one.part};
    } else if (one.id.starts_with("drop:")) {
        db_.snapshots.erase(about);
    } else if (one.id.starts_with("schedule:")) {
        model::Schedule schedule;
        schedule.name = about;
        schedule.cron = one.details.substr(1, one.details.size() - 2);
        if (!db_.forgets_schedules) db_.schedules[about] = schedule;
    } else if (one.id.starts_with("unschedule:")) {
        if (!db_.forgets_schedules) db_.schedules.erase(about);
    } else if (one.id.starts_with("clear:")) {
        db_.collections.erase(about);
    } else if (one.id.starts_with("cancel:")) {
        db_.snapshots.at(about).end = Phase::cancelled;
        outcome.job = model::JobRef{.name = about};
    }
    ask("answer", one.id);
    return outcome;
}

model::Seen ToyDriver::observe(Call&, const model::JobRef& job, Milliseconds) {
    const std::scoped_lock lock(db_.mutex);
    ask("observe", job.name);
    if (job.name.starts_with("restore.")) {
        if (db_.restore_looks > 0) --db_.restore_looks;
        model::Seen seen;
        seen.phase = db_.restore_looks > 0 ? Phase::running : db_.end;
        seen.said = model::word(seen.phase);
        return seen;
    }
    const auto found = db_.snapshots.find(job.name);
    model::Seen seen;
    if (found == db_.snapshots.end()) {
        seen.phase = Phase::gone;
        return seen;
    }
    auto& snapshot = found->second;
    seen.phase = snapshot.looks_left > 0 ? Phase::running : snapshot.end;
    if (snapshot.looks_left > 0) --snapshot.looks_left;
    seen.said = model::word(seen.phase);
    if (seen.phase == Phase::failed) seen.why = "no space left";
    if (seen.phase == Phase::succeeded && !db_.followed_by.empty()) seen.next = model::JobRef{.name = db_.followed_by};
    return seen;
}

model::Seen ToyDriver::settled(Call&, const Step& one) {
    const std::scoped_lock lock(db_.mutex);
    ask("settled", one.id);
    model::Seen seen;
    seen.phase = Phase::succeeded;
    seen.said = "green";
    return seen;
}

driver::Driver::Files ToyDriver::files(Call&, const model::JobRef& job, const driver::Peek&) {
    const std::scoped_lock lock(db_.mutex);
    ask("files", job.name);
    const auto& snapshot = db_.snapshots.at(job.name);
    model::File file;
    file.name = "data/" + snapshot.collection + ".toy";
    file.part.collection = snapshot.collection;
    file.server_name = job.name;
    file.size = snapshot.bytes.size();
    file.server_sha256 = io::sha256(snapshot.bytes);
    return {{file}, std::nullopt};
}

std::unique_ptr<io::Source> ToyDriver::open(Call&, const model::File& file, std::uint64_t offset) {
    const std::scoped_lock lock(db_.mutex);
    ask("open", file.server_name);
    return io::memory_source(db_.snapshots.at(file.server_name).bytes, offset);
}

model::Proof ToyDriver::prove(Call&, const model::Manifest& manifest, const model::Request& request) {
    const std::scoped_lock lock(db_.mutex);
    ask("prove", manifest.id);
    model::Proof proof;
    for (const auto& entry : manifest.collections) {
        if (!request.scope.matches(entry.before.name)) continue;
        const auto name = target_name(request, entry.before.name);
        const bool same = db_.collections.contains(name) && entry.before.count == db_.collections.at(name);
        proof.findings.push_back({"collection " + name + (same ? " is as in the backup" : " differs"), same});
    }
    return proof;
}

std::vector<model::Schedule> ToySchedules::list(Call&, const model::Options&) {
    const std::scoped_lock lock(db_.mutex);
    std::vector<model::Schedule> all;
    for (const auto& [name, schedule] : db_.schedules) all.insert(all.begin(), schedule);
    return all;
}

model::Plan ToySchedules::plan_set(Call&, const model::Schedule& wish, const model::Options&) {
    if (wish.cron.empty()) throw Error(ErrorKind::unsupported, "toys hold no weekdays", "say it as --cron");
    auto set = step("schedule:" + (wish.name.empty() ? "nightly" : wish.name), StepKind::change, "");
    set.details = "\"" + wish.cron + "\"";
    return {.steps = {set}, .notes = {"toys forget easily"}, .details = {}};
}

model::Plan ToySchedules::plan_remove(Call&, const std::string& name, const model::Options&) {
    const std::scoped_lock lock(db_.mutex);
    if (!db_.schedules.contains(name)) throw Error(ErrorKind::not_found, "there is no schedule " + name);
    auto unset = step("unschedule:" + name, StepKind::change, "");
    unset.destroys = true;
    return {.steps = {unset}, .notes = {}, .details = {}};
}

}  // namespace vbackup::test
