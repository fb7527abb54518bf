// SPDX-License-Identifier: Apache-2.0
#include "backup/find.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "backup/near.hpp"
#include "base/text.hpp"
#include "io/digest.hpp"

namespace vbackup::backup {

namespace {

// The rest of an unfinished restore is sent for this long; after that the database may have become another one. What was
// sent is waited for however long it takes.
constexpr auto resumable = std::chrono::hours(24);

void fill_from(const model::Manifest& manifest, model::Found& found) {
    found.id = found.name = manifest.id;
    found.managed = true;
    found.started = manifest.created;
    found.kept = manifest.kept;
    found.driver = manifest.driver;
    found.target = manifest.target.empty() ? manifest.target_url : manifest.target;
    found.description = manifest.description;
    found.retention = manifest.retention;
    found.bases = manifest.bases;
    for (const auto& file : manifest.files)
        if (!file.base.empty()) found.bases.push_back(file.base);
    if (!manifest.jobs.empty()) found.job = manifest.jobs.front();
    for (const auto& entry : manifest.collections) found.collections.push_back(entry.before.name);
}

// Targets are told apart by what their address digests to, since an address is no file name.
std::shared_ptr<void> lock_address(const Stage& stage, const std::string& address) {
    return stage.journal.lock("target-" + io::sha256(stage.target.driver_name + " " + address).substr(0, 16));
}

}  // namespace

bool is_of(const model::Manifest& manifest, const Target& target) {
    // One cluster is reached by the address of any of its nodes.
    const auto leads_there = [&](const auto& node) { return node.address == target.url; };
    return manifest.driver == target.driver_name &&
           (manifest.target_url == target.url || (!target.name.empty() && manifest.target == target.name) ||
            std::any_of(manifest.nodes.begin(), manifest.nodes.end(), leads_there));
}

bool is_of(const model::Intent& intent, const Target& target) {
    // What a restore has for a draft tells of the database that was backed up.
    return intent.target_url == target.url || (intent.verb == "create" && is_of(intent.draft, target));
}

std::string id_from_name(const std::string& name) {
    std::string id;
    for (const char c : name) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool good = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (good) {
            id += lower;
        } else if (!id.empty() && id.back() != '-') {
            id += '-';
        }
    }
    id.resize(std::min<std::size_t>(id.size(), 100));
    while (!id.empty() && id.back() == '-') id.pop_back();
    return id.empty() ? "backup" : id;
}

std::string restore_key(const std::string& id) {
    const auto ours = id_from_name(id);
    // Two names of the server may come to the same id.
    return ours == id ? id + "--restore" : fmt::format("{}-{}--restore", ours, io::sha256(id).substr(0, 8));
}

Known find_at_home(const Stage& stage, const std::string& id) {
    Known known;
    for (auto* home : {stage.store, &stage.journal}) {
        if (!home) continue;
        auto manifest = home->manifest(id);
        if (manifest && home == &stage.journal && !is_of(*manifest, stage.target)) continue;
        auto intent = manifest ? std::nullopt : home->intent(id);
        if (intent && !is_of(*intent, stage.target)) continue;
        if (!manifest && !intent) continue;
        // A finished backup says more than an unfinished one elsewhere.
        if (known.home && !manifest) continue;
        known = {home, std::move(manifest), std::move(intent), std::nullopt};
        if (known.manifest) return known;
    }
    return known;
}

Known require_known(Call& call, const Stage& stage, const std::string& id, const model::Options& options) {
    auto known = find_at_home(stage, id);
    if (known.home) return known;
    auto asked = options;
    asked["name"] = id;
    auto all = stage.target.driver.list(call, asked);
    const auto match = std::find_if(all.begin(), all.end(), [&](const auto& found) { return found.name == id; });
    if (match == all.end()) {
        std::vector<std::string> names;
        for (const auto& found : all) names.push_back(found.name);
        const auto near = near_at_home(stage, id, names);
        throw Error(ErrorKind::not_found, fmt::format("there is no backup {}", one_line(id, 120)),
                    fmt::format("{}looked in {}, in the journal {} and at {}; `vbackup list` shows what is there",
                                near ? fmt::format("did you mean {}? ", one_line(*near, 120)) : "",
                                stage.store ? stage.store->store().where() : "no store", stage.journal.store().where(),
                                stage.target.url));
    }
    known.found = std::move(*match);
    // Reached through another node, a cluster is another address; what the journal knows of the backup still holds when the
    // server has just that one.
    auto manifest = stage.journal.manifest(id);
    if (!manifest || manifest->driver != stage.target.driver_name || manifest->kept || manifest->jobs.empty())
        return known;
    for (const auto& job : manifest->jobs) {
        const auto seen = stage.target.driver.observe(call, job, Milliseconds{0});
        if (seen.phase != model::Phase::succeeded) return known;
    }
    return {&stage.journal, std::move(manifest), std::nullopt, std::nullopt};
}

bool is_untouched(const model::Intent& intent) {
    return std::none_of(intent.records.begin(), intent.records.end(), [](const auto& record) {
        return record.sent || record.done || record.job || !record.failed.empty();
    });
}

bool is_at_work(const model::Intent& intent) {
    return std::any_of(intent.records.begin(), intent.records.end(),
                       [](const auto& record) { return record.job && !record.done && record.failed.empty(); });
}

bool is_young(const Call& call, const model::Intent& intent) {
    return call.clock.wall() - intent.begun < resumable;
}

bool is_resumable(const Call& call, const Stage& stage, const model::Intent& intent) {
    if (intent.target_url != stage.target.url) return false;
    if (is_young(call, intent)) return true;
    const auto left = rest_of(intent);
    const bool only_waits = std::all_of(left.steps.begin(), left.steps.end(), [&](const auto& step) {
        return step.tidy || step.kind == model::StepKind::settle ||
               std::any_of(intent.records.begin(), intent.records.end(), [&](const auto& record) {
                   return record.step == step.id && record.job && record.failed.empty();
               });
    });
    return only_waits && is_at_work(intent);
}

model::Plan rest_of(const model::Intent& intent) {
    auto plan = intent.plan;
    std::erase_if(plan.steps, [&](const auto& step) {
        return std::any_of(intent.records.begin(), intent.records.end(),
                           [&](const auto& record) { return record.step == step.id && record.done; });
    });
    return plan;
}

model::Found describe(const model::Manifest& manifest, const std::string& where) {
    model::Found found;
    fill_from(manifest, found);
    found.phase = model::Phase::succeeded;
    found.said = manifest.state;
    found.completed = manifest.completed;
    if (const auto size = manifest.size()) found.size = size;
    if (manifest.retention) found.expires = later(manifest.created, *manifest.retention);
    found.where = manifest.kept || manifest.location.empty() ? where : manifest.location;
    return found;
}

model::Found describe(const model::Intent& intent, const std::string& where) {
    model::Found found;
    fill_from(intent.draft, found);
    found.started = intent.begun;
    found.restoring = intent.verb == "restore";
    found.phase = model::Phase::running;
    found.said = fmt::format("{} under way", intent.verb);
    found.where = where;
    found.kept = intent.draft.kept;
    for (const auto& record : intent.records) {
        if (record.job) found.job = *record.job;
        if (record.failed.empty()) continue;
        const bool cancelled = record.failed.starts_with(was_cancelled);
        found.phase = cancelled ? model::Phase::cancelled : model::Phase::failed;
        found.said = model::word(found.phase);
        found.why = record.failed;
    }
    return found;
}

std::shared_ptr<void> lock_target(const Stage& stage) {
    return lock_address(stage, stage.target.url);
}

Locks lock_nodes(const Stage& stage, const std::vector<model::Node>& nodes) {
    std::set<std::string> addresses;
    for (const auto& node : nodes) addresses.insert(node.address);
    addresses.erase("");
    addresses.erase(stage.target.url);
    Locks locks;
    for (const auto& address : addresses) locks.push_back(lock_address(stage, address));
    return locks;
}

std::shared_ptr<void> lock_source(const Stage& stage, const model::Intent& restore) {
    return restore.draft.kept && stage.store ? stage.store->lock(restore.draft.id) : nullptr;
}

Locks lock_nodes_as_seen(Call& call, const Stage& stage) {
    std::vector<model::Node> nodes;
    try {
        nodes = look_around(call, stage).nodes;
    } catch (const Error& error) {
        const bool passes = describe(error.kind()).transient || error.kind() == ErrorKind::failed ||
                            error.kind() == ErrorKind::stalled || error.kind() == ErrorKind::not_understood;
        if (!passes) throw;
    }
    return lock_nodes(stage, nodes);
}

model::Inspection look_around(Call& call, const Stage& stage) {
    model::Scope everything;
    everything.counts = false;
    return stage.target.driver.inspect(call, everything);
}

void require_consent(const Confirm& confirm, const model::Plan& plan) {
    const bool destroys =
        std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) { return step.destroys; });
    if (!destroys) return;
    if (confirm && confirm(plan)) return;
    std::string what;
    for (const auto& step : plan.steps) {
        if (step.destroys) what += (what.empty() ? "" : "; ") + step.what;
    }
    throw Error(ErrorKind::refused, fmt::format("this destroys data and nobody agreed to it: {}", what),
                "say --yes, or answer yes on a terminal; --dry-run shows the whole plan");
}

model::Scope scope_of(const model::Manifest& manifest) {
    model::Scope scope;
    for (const auto& entry : manifest.collections) scope.include.push_back(entry.before.name);
    return scope;
}

}  // namespace vbackup::backup
