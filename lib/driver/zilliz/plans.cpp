// SPDX-License-Identifier: Apache-2.0
#include "driver/zilliz/plans.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::driver::zilliz {

namespace {

std::vector<std::string> ids_of(const std::vector<Backup>& backups) {
    std::vector<std::string> ids;
    for (const auto& backup : backups) ids.push_back(backup.id);
    return ids;
}

void require_one_database(const std::vector<Name>& members) {
    const auto other = std::find_if(members.begin(), members.end(),
                                    [&](const Name& one) { return one.database != members.front().database; });
    if (other == members.end()) return;
    throw Error(ErrorKind::usage,
                fmt::format("{} and {} lie in two databases: a backup of collections is of one database",
                            text_of(members.front()), text_of(*other)),
                "make one backup for each database, or one of the whole cluster");
}

std::string what_of(const std::string& cluster, const std::vector<Name>& members,
                    const std::vector<std::string>& copy_to) {
    std::vector<std::string> names;
    for (const auto& member : members) names.push_back(member.collection);
    auto what = members.empty() ? fmt::format("back up the cluster {}", cluster)
                                : fmt::format("back up {} of the database {} of {}", fmt::join(names, ", "),
                                              members.front().database, cluster);
    if (!copy_to.empty()) what += fmt::format(", copied to {}", fmt::join(copy_to, ", "));
    return what;
}

std::string_view vendor_of(std::string_view region) {
    return region.substr(0, region.find('-'));
}

}  // namespace

model::Step step_of(std::string id, const StepData& data, std::string what) {
    model::Step step;
    step.id = std::move(id);
    step.kind = data.deed == Deed::slot ? model::StepKind::settle : model::StepKind::change;
    step.what = std::move(what);
    step.details = render(data);
    return step;
}

Work work_of(const model::Request& request) {
    const auto backup_in = [&](const model::JobRef& ref) {
        auto work = to_work(ref);
        if (!work.backup.empty()) return work;
        throw Error(ErrorKind::refused,
                    fmt::format("{} is a job of Zilliz Cloud, not a backup", one_line(request.id, 120)),
                    "`vbackup list` shows the backups");
    };
    if (request.manifest && !request.manifest->jobs.empty()) return backup_in(request.manifest->jobs.front());
    if (request.found) return backup_in(request.found->job);
    throw Error(ErrorKind::refused, fmt::format("nothing says what Zilliz Cloud calls {}", request.id));
}

void require_dedicated(const Cluster& cluster) {
    require_dedicated(cluster.id);
    const auto& kind = cluster.deployment.empty() ? cluster.plan : cluster.deployment;
    if (kind != "Free" && kind != "Serverless") return;
    throw Error(ErrorKind::unsupported,
                fmt::format("{} is a {} cluster, which Zilliz Cloud does not back up", cluster.id, kind),
                "upgrade or migrate it to a Dedicated cluster first");
}

std::vector<Backup> under_way(const std::vector<Backup>& backups, const std::string& cluster) {
    std::vector<Backup> running;
    std::copy_if(backups.begin(), backups.end(), std::back_inserter(running), [&](const Backup& one) {
        return one.cluster == cluster && phase_of_backup(one.word) == model::Phase::running;
    });
    return running;
}

Error busy_with(const std::vector<Backup>& running) {
    const auto& one = running.front();
    return {ErrorKind::busy,
            fmt::format("another backup of {} is under way: {} ({}, {}){}", one.cluster, one.id, one.name,
                        one.method == "AUTO" ? "by its policy" : "made by hand",
                        one.created ? ", begun " + format_time(*one.created) : std::string()),
            "a cluster makes one backup at a time: -o wait-for-slot=true waits for its end"};
}

std::vector<Name> names_in(const model::Scope& scope) {
    if (!scope.exclude.empty())
        throw Error(ErrorKind::usage, "Zilliz Cloud's control plane does not list the collections to leave some out",
                    "name those that are wanted with --collection");
    std::vector<Name> names;
    for (const auto& text : scope.include) {
        auto name = parse_name(text);
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
    }
    return names;
}

void require_copies(const std::string& from, const std::vector<std::string>& regions) {
    for (const auto& region : regions) {
        if (vendor_of(region).starts_with("az"))
            throw Error(ErrorKind::unsupported,
                        fmt::format("{} gets no copies: Zilliz Cloud makes none on Azure", region));
        if (from.empty() || vendor_of(region) == vendor_of(from)) continue;
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} gets no copy of what lies in {}: copies stay with one cloud", region, from));
    }
}

model::Plan plan_create(const Planning& planning) {
    const auto& options = planning.request.options;
    if (planning.request.keep)
        throw Error(ErrorKind::unsupported, "Zilliz Cloud offers no download: its backups stay there",
                    "leave out --to; `vbackup download … -o integration=ID -o directory=DIR` exports one to a bucket");
    const auto members = names_in(planning.request.scope);
    if (!members.empty()) require_one_database(members);
    const auto cluster = planning.routes.cluster(planning.call, planning.cluster);
    require_dedicated(cluster);
    const auto copy_to = words(value(options, "copy-to"));
    require_copies(cluster.region, copy_to);

    const auto there = planning.routes.backups(planning.call, {.cluster = planning.cluster});
    const auto running = under_way(there, planning.cluster);
    const bool waits = value(options, "wait-for-slot") == "true";
    if (!running.empty() && !waits) throw busy_with(running);

    model::Plan plan;
    StepData data{.deed = Deed::create,
                  .cluster = planning.cluster,
                  .body = create_body(members, copy_to),
                  .known = ids_of(there),
                  .planned = format_time(planning.call.clock.wall()),
                  .type = members.empty() ? "CLUSTER" : "COLLECTION",
                  .members = members};
    auto create = step_of("create", data, what_of(planning.cluster, members, copy_to));
    if (waits) {
        data.deed = Deed::slot;
        plan.steps.push_back(step_of("slot", data, "wait until no other backup of the cluster is under way"));
        create.after = {"slot"};
    }
    plan.steps.push_back(std::move(create));
    plan.notes.emplace_back(
        "the API key's user must be organisation owner or project admin, or have a role with the right to back up");
    plan.notes.emplace_back(
        "a manual backup is kept, and may be charged for, until it is deleted: `vbackup prune` removes old ones");
    if (!copy_to.empty())
        plan.notes.push_back(fmt::format("the copies to {} are made afterwards, and nothing tells whether they succeed",
                                         fmt::join(copy_to, ", ")));
    return plan;
}

model::Plan plan_download(const Planning& planning) {
    const auto& options = planning.request.options;
    const auto& integration = value(options, "integration");
    if (integration.empty())
        throw Error(ErrorKind::unsupported, "Zilliz Cloud offers no download of its backups",
                    "it can export one to a bucket of yours, which is registered there as a storage integration: "
                    "-o integration=ID -o directory=DIR");
    const auto work = work_of(planning.request);
    const auto backup = planning.routes.backup(planning.call, work.cluster, work.backup);
    if (!backup)
        throw Error(ErrorKind::not_found, fmt::format("Zilliz Cloud no longer has the backup {}", work.backup));
    if (phase_of_backup(backup->word) != model::Phase::succeeded)
        throw Error(ErrorKind::refused,
                    fmt::format("backup {} is {}: there is nothing whole to export", work.backup, backup->word));
    const auto& directory = value(options, "directory");
    model::Plan plan;
    plan.steps.push_back(
        step_of("export",
                {.deed = Deed::export_backup,
                 .cluster = work.cluster,
                 .backup = work.backup,
                 .body = export_body(integration, directory),
                 .what = fmt::format("exported to the integration {}, directory {}", integration, directory)},
                fmt::format("export {} to the integration {}, directory {}", work.backup, integration, directory)));
    plan.notes.emplace_back(
        "an export is a preview of Zilliz Cloud for Enterprise clusters; what lies in the bucket is not verified");
    return plan;
}

model::Plan plan_remove(const Planning& planning) {
    const auto work = work_of(planning.request);
    model::Plan plan;
    const auto backup = planning.routes.backup(planning.call, work.cluster, work.backup);
    if (!backup || phase_of_backup(backup->word) == model::Phase::gone) {
        plan.notes.push_back(fmt::format("Zilliz Cloud no longer has the backup {}", work.backup));
        return plan;
    }
    if (const auto& its = backup->cluster.empty() ? work.cluster : backup->cluster; its != planning.cluster)
        throw Error(ErrorKind::refused,
                    fmt::format("backup {} is of the cluster {}, not of {}", work.backup, its, planning.cluster),
                    fmt::format("to delete it name that one: zilliz://{}", its));
    if (phase_of_backup(backup->word) == model::Phase::running)
        throw Error(ErrorKind::busy, fmt::format("backup {} is under way ({})", work.backup, backup->word),
                    "wait for its end; it can be cancelled on the console's Jobs page only");
    auto step = step_of("delete", {.deed = Deed::remove, .cluster = work.cluster, .backup = work.backup},
                        fmt::format("delete {} ({}) from Zilliz Cloud", backup->id, backup->name));
    step.destroys = true;
    plan.steps.push_back(std::move(step));
    return plan;
}

}  // namespace vbackup::driver::zilliz
