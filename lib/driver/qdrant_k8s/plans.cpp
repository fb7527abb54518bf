// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant_k8s/plans.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::driver::qdrant_k8s {

namespace {

std::int64_t seconds_of(Moment moment) {
    return std::chrono::floor<Seconds>(moment).time_since_epoch().count();
}

// The job of the backup that a request is about: from its manifest or from the server.
Job job_of(const model::Request& request) {
    if (request.found) return to_job(request.found->job);
    if (request.manifest && !request.manifest->jobs.empty()) return to_job(request.manifest->jobs.front());
    throw Error(ErrorKind::refused, fmt::format("nothing is known of which object {} is", request.id),
                "`vbackup list` shows what is there");
}

Job require_snapshot(const model::Request& request) {
    auto job = job_of(request);
    if (job.kind != Kind::snapshot)
        throw Error(ErrorKind::refused, fmt::format("{} is a {}, and no backup", request.id, words_of(job.kind).kind),
                    "`vbackup list` shows the backups");
    return job;
}

Snapshot require_good(Call& call, const Target& target, const Job& job) {
    const auto text = target.routes().read(call, Kind::snapshot, job.space, job.name);
    if (!text)
        throw Error(ErrorKind::not_found, fmt::format("there is no QdrantClusterSnapshot {}/{}", job.space, job.name),
                    "it may have been deleted, or its retention is over; `vbackup list` shows what is there");
    auto snapshot = parse_snapshot(*text);
    if (!job.uid.empty() && snapshot.meta.uid != job.uid)
        throw Error(ErrorKind::not_found,
                    fmt::format("QdrantClusterSnapshot {}/{} is another one than the backup", job.space, job.name),
                    "somebody deleted it and made another of its name");
    const auto seen = seen_of(snapshot);
    if (seen.phase != model::Phase::succeeded)
        throw Error(ErrorKind::refused,
                    fmt::format("{} is no good backup: the operator says {}{}{}", job.name, seen.said,
                                seen.why.empty() ? "" : ": ", seen.why),
                    "restore from another one");
    return snapshot;
}

struct Destination {
    std::string name, space;
    Owner owner;
    bool creates = false;
};

Destination destination_of(Call& call, const Target& target, const model::Request& request, const Snapshot& snapshot) {
    const auto& fresh = value(request.options, "new-cluster");
    if (fresh.empty()) {
        const auto cluster = target.cluster(call);
        return {cluster.meta.name, cluster.meta.space, owner_of(cluster), false};
    }
    if (target.routes().read(call, Kind::cluster, target.space(), fresh))
        throw Error(ErrorKind::conflict, fmt::format("there is a QdrantCluster {}/{} already", target.space(), fresh),
                    fmt::format("name another one, or restore in place: vbackup restore qdrant-k8s://{}/{} {}",
                                target.space(), fresh, request.id));
    return {fresh, target.space(), owner_of(snapshot), true};
}

std::string restore_words(const Destination& to, const Snapshot& from) {
    const auto source = fmt::format("QdrantClusterSnapshot {}/{}", from.meta.space, from.meta.name);
    if (to.creates) return fmt::format("make the new cluster {}/{} from {}", to.space, to.name, source);
    return fmt::format(
        "put the cluster {}/{} back to {}: it is not available meanwhile, and its data, version and size become those "
        "of the backup",
        to.space, to.name, source);
}

StepData deletion(const Job& job, Wanted wanted) {
    auto gone = job;
    gone.wanted = wanted;
    return {.method = "DELETE", .job = std::move(gone), .id = {}, .body = {}};
}

// Never the cluster itself: after a restore it is what is waited for, and deleting it is not what anybody means.
void require_no_cluster(const Job& job, std::string_view verb) {
    if (job.kind != Kind::cluster) return;
    throw Error(
        ErrorKind::refused,
        fmt::format("the restore is over and cannot be {}: the cluster {}/{} is coming up", verb, job.space, job.name),
        "`vbackup check` shows its state");
}

// The name has no more than the second: whatever was made in this one has it already.
std::int64_t free_second(Call& call, const Target& target, const Cluster& cluster) {
    const auto now = seconds_of(call.clock.wall());
    for (auto second = now; second < now + 3; ++second) {
        if (!target.routes().read(call, Kind::snapshot, cluster.meta.space, snapshot_name(cluster.id, second)))
            return second;
    }
    return now;
}

}  // namespace

std::string snapshot_name(const std::string& cluster_id, std::int64_t seconds) {
    return fmt::format("qdrant-{}-snapshot-{}", cluster_id, seconds);
}

void throw_ended(const Job& job, const model::Seen& seen) {
    throw Error(
        ErrorKind::refused,
        fmt::format("{} has ended already: {}{}{}", job.name, seen.said, seen.why.empty() ? "" : ": ", seen.why),
        "`vbackup delete` removes it");
}

void require_whole(const model::Scope& scope) {
    if (scope.all()) return;
    throw Error(ErrorKind::unsupported, "a snapshot of a Qdrant cluster's volumes holds all of its collections",
                "leave out --collection and --exclude");
}

model::Step step_of(std::string id, std::string what, const StepData& data, bool destroys) {
    model::Step step{.id = std::move(id), .kind = model::StepKind::change, .what = std::move(what)};
    step.destroys = destroys;
    step.details = render(data);
    if (data.method == "POST") step.document = as_yaml(data.body);
    return step;
}

model::Plan plan_create(Call& call, const Target& target, const model::Request& request) {
    if (request.keep)
        throw Error(ErrorKind::unsupported,
                    "the backups of a Qdrant Private Cloud cannot be brought home: they are CSI snapshots of its "
                    "volumes, which "
                    "only the storage of the Kubernetes cluster can read",
                    "leave out --to; where bytes are to be kept elsewhere, back up the cluster by its REST address "
                    "with the driver "
                    "qdrant");
    const auto cluster = target.cluster(call);
    SnapshotWish wish{.space = cluster.meta.space, .owner = owner_of(cluster)};
    wish.seconds = free_second(call, target, cluster);
    wish.name = snapshot_name(cluster.id, wish.seconds);
    if (request.retention) wish.retention = render_retention(*request.retention);
    wish.id = request.id;
    wish.description = request.description;
    wish.nodes = nodes_to_expect(cluster);
    const Job job{.kind = Kind::snapshot, .space = wish.space, .name = wish.name};
    const StepData data{.method = "POST", .job = job, .id = request.id, .body = snapshot_body(wish)};
    model::Plan plan;
    plan.steps.push_back(
        step_of("create",
                fmt::format("create QdrantClusterSnapshot {}/{}: snapshots of the volumes of {} node{}", wish.space,
                            wish.name, cluster.size, cluster.size == 1 ? "" : "s"),
                data, false));
    return plan;
}

model::Plan plan_restore(Call& call, const Target& target, const model::Request& request) {
    if (!request.renames.empty())
        throw Error(ErrorKind::unsupported,
                    "a snapshot of a Qdrant cluster's volumes keeps the names of its collections",
                    "leave out --rename; -o new-cluster=NAME restores beside what is there");
    const auto snapshot = require_good(call, target, require_snapshot(request));
    const auto to = destination_of(call, target, request, snapshot);
    const RestoreWish wish{.name = fmt::format("{}-restore-{}", to.name, seconds_of(call.clock.wall())),
                           .space = target.space(),
                           .owner = to.owner,
                           .source = snapshot.meta.name,
                           .source_space = snapshot.meta.space,
                           .destination = to.name,
                           .destination_space = to.space,
                           .creates = to.creates,
                           .id = request.id};
    const Job job{
        .kind = Kind::restore, .space = wish.space, .name = wish.name, .cluster = to.name, .cluster_space = to.space};
    const StepData data{.method = "POST", .job = job, .id = request.id, .body = restore_body(wish)};
    model::Plan plan;
    plan.steps.push_back(step_of("restore", restore_words(to, snapshot), data, !to.creates));
    if (!to.creates && snapshot.cluster_id != to.owner.cluster_id)
        plan.notes.push_back(fmt::format("the backup is of another cluster, {}", snapshot.cluster_id));
    return plan;
}

model::Plan plan_remove(Call& call, const Target& target, const model::Request& request) {
    const auto job = job_of(request);
    require_no_cluster(job, "deleted");
    const auto text = target.routes().read(call, job.kind, job.space, job.name);
    const auto seen = !text                        ? model::Seen{.phase = model::Phase::gone}
                      : job.kind == Kind::snapshot ? seen_of(parse_snapshot(*text))
                                                   : seen_of(parse_restore(*text));
    if (seen.phase == model::Phase::queued || seen.phase == model::Phase::running)
        throw Error(ErrorKind::refused, fmt::format("{} is under way: the operator says {}", job.name, seen.said),
                    "`vbackup cancel` ends it, `vbackup wait` waits for it");
    model::Plan plan;
    plan.steps.push_back(step_of("remove",
                                 fmt::format("delete {} {}/{}{}", words_of(job.kind).kind, job.space, job.name,
                                             job.kind == Kind::snapshot ? " and its volume snapshots" : ""),
                                 deletion(job, Wanted::gone), true));
    return plan;
}

model::Plan plan_cancel(Call& call, const Target& target, const model::Request& request) {
    const auto job = job_of(request);
    require_no_cluster(job, "cancelled");
    const auto text = target.routes().read(call, job.kind, job.space, job.name);
    if (!text)
        throw Error(ErrorKind::not_found,
                    fmt::format("there is no {} {}/{}", words_of(job.kind).kind, job.space, job.name),
                    "it was deleted already");
    const auto seen = job.kind == Kind::snapshot ? seen_of(parse_snapshot(*text)) : seen_of(parse_restore(*text));
    if (model::is_final(seen.phase)) throw_ended(job, seen);
    model::Plan plan;
    plan.steps.push_back(step_of(
        "cancel",
        fmt::format("delete {} {}/{} while the operator is at work on it, since this API has no other way to end it{}",
                    words_of(job.kind).kind, job.space, job.name,
                    job.kind == Kind::restore ? "; what the restore has done to its cluster so far stays" : ""),
        deletion(job, Wanted::cancelled), true));
    return plan;
}

}  // namespace vbackup::driver::qdrant_k8s
