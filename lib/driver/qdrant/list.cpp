// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "driver/qdrant/snapshots.hpp"

namespace vbackup::driver::qdrant {

namespace {

using model::Phase;
using model::Step;
using model::StepKind;

model::Found found_of(const Place& place, const Snapshot& snapshot) {
    Note note{.action = std::string(action::snapshot), .place = place, .name = snapshot.name};
    note.sha256 = snapshot.checksum;
    model::Found found{.name = snapshot.name,
                       .phase = Phase::succeeded,
                       .said = "stored",
                       .completed = snapshot.created,
                       .size = snapshot.size,
                       .where = place.node.empty() ? "the server" : "node " + place.node,
                       .driver = "qdrant",
                       .job = job_of(note)};
    if (!place.collection.empty()) found.collections = {place.collection};
    return found;
}

// Of one node. Uploaded and hand-copied files are shown as well, but not the same file twice where S3 lists shards with their
// collection.
void add_found(Call& call, const Client& client, const Place& place, std::vector<model::Found>& all) {
    const auto listed = list_of(call, client, place, Repeat::yes);
    if (!listed) return;
    for (const auto& snapshot : *listed) {
        const auto found = found_of(place, snapshot);
        const bool shown = std::any_of(all.begin(), all.end(), [&](const auto& one) {
            return one.name == found.name && one.job.part.node == found.job.part.node;
        });
        // A bucket that all nodes share is listed by each of them, and never with a checksum.
        const bool shared = snapshot.checksum.empty() && std::any_of(all.begin(), all.end(), [&](const auto& one) {
                                return one.name == found.name && one.job.part.node != found.job.part.node &&
                                       one.collections == found.collections && one.size == found.size &&
                                       one.completed == found.completed;
                            });
        if (!shared && (!shown || place.owns(snapshot.name))) all.push_back(found);
    }
}

// Stands for what a node has that cannot be asked now.
model::Found unseen(const Member& member) {
    return {.phase = Phase::unknown,
            .said = std::string(model::not_reached),
            .why = member.trouble,
            .where = "node " + member.peer,
            .driver = "qdrant"};
}

const model::JobRef& only_job(const model::Request& request) {
    return request.found->job;
}

}  // namespace

model::Plan plan_download(const model::Request& request) {
    std::vector<model::JobRef> jobs;
    if (request.manifest)
        jobs = request.manifest->jobs;
    else
        jobs.push_back(only_job(request));
    model::Plan plan;
    for (const auto& job : jobs) {
        const auto note = parse_note(job.details);
        plan.steps.push_back({.id = step_name("fetch", note.place),
                              .kind = StepKind::fetch,
                              .part = note.place.part(),
                              .what = fmt::format("bring home the snapshot of {}", note.place.text()),
                              .job = job});
    }
    if (plan.steps.empty()) throw Error(ErrorKind::corrupt, "the backup names no snapshot");
    plan.details = render(Note{.action = "create", .place = {parse_note(jobs.front().details).place.unit}});
    return plan;
}

Step forget_step(const Place& place, const std::string& name) {
    Step step{.id = step_name("forget", place),
              .part = place.part(),
              .what = name.empty() ? fmt::format("delete the server's copy of the snapshot of {}", place.text())
                                   : fmt::format("delete snapshot {} of {} from the server", name, place.text())};
    step.destroys = true;
    step.details = render(Note{.action = std::string(action::forget), .place = place, .name = name});
    return step;
}

model::Plan plan_remove(const model::Request& request) {
    model::Plan plan;
    if (request.manifest) {
        for (const auto& file : request.manifest->files)
            if (!file.kept) plan.steps.push_back(forget_step(parse_note(file.details).place, file.server_name));
    } else {
        plan.steps.push_back(forget_step(parse_note(only_job(request).details).place, only_job(request).name));
    }
    return plan;
}

std::vector<model::Found> list(Call& call, Nodes& nodes) {
    const auto members = nodes.look(call);
    std::vector<model::Found> all;
    for (const auto& member : members.all) {
        if (!member.trouble.empty()) {
            all.push_back(unseen(member));
            continue;
        }
        const auto& client = nodes.at(call, member.peer);
        for (const auto& name : client.collections(call)) {
            call.require_time();
            for (const auto& shard : client.shards(call, name).local())
                add_found(call, client, {Unit::shard, name, std::to_string(shard.id), member.peer}, all);
            add_found(call, client, {Unit::collection, name, "", member.peer}, all);
        }
        add_found(call, client, {Unit::storage, "", "", member.peer}, all);
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return b.completed < a.completed; });
    return all;
}

}  // namespace vbackup::driver::qdrant
