// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/zilliz/plans.hpp"

namespace vbackup::driver::zilliz {

namespace {

constexpr std::string_view left_out =
    "not part of a backup, and not restored: the collections' time to live, the password of db_admin, scaling settings";

// The backup as the server describes it, which must be whole.
Backup require_backup(const Planning& planning, const Work& work) {
    auto backup = planning.routes.backup(planning.call, work.cluster, work.backup);
    if (!backup)
        throw Error(ErrorKind::not_found, fmt::format("Zilliz Cloud no longer has the backup {}", work.backup),
                    "automatic ones go at the end of their retention, and with their cluster");
    if (phase_of_backup(backup->word) != model::Phase::succeeded)
        throw Error(ErrorKind::refused,
                    fmt::format("backup {} is {}: there is nothing whole to restore", work.backup, backup->word));
    if (backup->cluster.empty()) backup->cluster = work.cluster;
    return *backup;
}

void require_runs(const Cluster& cluster) {
    require_dedicated(cluster);
    if (phase_of_cluster(cluster.word) == model::Phase::succeeded) return;
    throw Error(ErrorKind::refused, fmt::format("cluster {} is {}, not RUNNING", cluster.id, cluster.word),
                "resume it, or wait until what is going on there has ended");
}

std::string member_text(const Member& member) {
    return text_of({member.database, member.name});
}

// Those of the backup that the scope names, by either way of writing a name; all without one.
std::vector<Member> wanted(const Backup& backup, const model::Scope& scope) {
    if (scope.include.empty()) return backup.members;
    std::vector<Member> members;
    for (const auto& name : names_in(scope)) {
        const auto found = std::find_if(backup.members.begin(), backup.members.end(), [&](const Member& one) {
            return one.database == name.database && one.name == name.collection;
        });
        if (found == backup.members.end()) {
            std::vector<std::string> names;
            for (const auto& one : backup.members) names.push_back(member_text(one));
            throw Error(ErrorKind::not_found,
                        fmt::format("there is no collection {} in the backup {}", text_of(name), backup.id),
                        names.empty() ? "" : fmt::format("it holds {}", fmt::join(names, ", ")));
        }
        members.push_back(*found);
    }
    return members;
}

// Where a collection goes: its own name, or what --rename and -o database say.
Name destination(const Planning& planning, const Member& member) {
    Name to{member.database, member.name};
    if (const auto& database = value(planning.request.options, "database"); !database.empty()) to.database = database;
    for (const auto& [from, name] : planning.request.renames) {
        if (!(parse_name(from) == Name{member.database, member.name})) continue;
        const auto renamed = parse_name(name);
        to.collection = renamed.collection;
        if (name.find('.') != std::string::npos) to.database = renamed.database;
    }
    return to;
}

void require_renames_used(const Planning& planning, const std::vector<Member>& members) {
    for (const auto& [from, to] : planning.request.renames) {
        const auto name = parse_name(from);
        const bool used = std::any_of(members.begin(), members.end(), [&](const Member& one) {
            return Name{one.database, one.name} == name;
        });
        if (!used)
            throw Error(ErrorKind::not_found, fmt::format("--rename names {}, which is not restored", from),
                        "name it with --collection too, or leave the rename out");
    }
}

bool loads(const Planning& planning, const Member& member) {
    const auto& load = value(planning.request.options, "load");
    return load == "yes" || (load != "no" && member.state == "LOADED");
}

// The way that the service has for a backup of which it does not say what is in it.
model::Plan plan_whole(const Planning& planning, const Backup& backup, const std::string& to) {
    const auto& request = planning.request;
    const bool chooses = !request.scope.include.empty() || !request.renames.empty() ||
                         is_set(request.options, "database") || value(request.options, "load") == "yes";
    if (chooses)
        throw Error(ErrorKind::refused,
                    fmt::format("Zilliz Cloud does not say which collections the backup {} holds", backup.id),
                    "without --collection, --rename, -o database and -o load=yes all of them are restored");
    model::Plan plan;
    plan.steps.push_back(step_of("restore",
                                 {.deed = Deed::restore_collection,
                                  .cluster = backup.cluster,
                                  .backup = backup.id,
                                  .body = restore_all_body(to),
                                  .what = fmt::format("all collections of {} restored in {}", backup.id, to)},
                                 fmt::format("restore all collections of {} in {}, unloaded", backup.id, to)));
    return plan;
}

model::Plan plan_collections(const Planning& planning, const Backup& backup) {
    const auto& options = planning.request.options;
    const auto& to = is_set(options, "to-cluster") ? value(options, "to-cluster") : planning.cluster;
    require_dedicated(to);
    require_runs(planning.routes.cluster(planning.call, to));
    if (planning.request.overwrite)
        throw Error(ErrorKind::unsupported, "Zilliz Cloud replaces no collections",
                    "drop the collection first, or restore it under another name with --rename");
    if (backup.members.empty()) return plan_whole(planning, backup, to);
    const auto members = wanted(backup, planning.request.scope);
    require_renames_used(planning, members);
    model::Plan plan;
    std::set<std::string> taken;
    for (const auto& member : members) {
        const Name from{member.database, member.name};
        const auto name = destination(planning, member);
        if (!taken.insert(name.database + "." + name.collection).second)
            throw Error(ErrorKind::usage, fmt::format("two collections would become {}", text_of(name)),
                        "give each another name with --rename");
        const bool loaded = loads(planning, member);
        const auto arrow = from == name ? text_of(from) : fmt::format("{} as {}", text_of(from), text_of(name));
        auto step = step_of("restore:" + text_of(from),
                            {.deed = Deed::restore_collection,
                             .cluster = backup.cluster,
                             .backup = backup.id,
                             .body = restore_collection_body(to, from, name, loaded),
                             .what = fmt::format("collection {} restored in {}", arrow, to)},
                            fmt::format("restore {} in {}, {}", arrow, to, loaded ? "loaded" : "unloaded"));
        step.part.collection = text_of(from);
        plan.steps.push_back(std::move(step));
    }
    plan.notes.emplace_back("the control plane counts no entities: proof is that each job ended well");
    return plan;
}

int size_of(const Planning& planning, const Backup& backup) {
    if (const auto& given = value(planning.request.options, "cu-size"); !given.empty()) return std::stoi(given);
    try {
        if (const auto cu = planning.routes.cluster(planning.call, backup.cluster).cu; cu > 0)
            return static_cast<int>(cu);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found && error.kind() != ErrorKind::refused) throw;
    }
    throw Error(ErrorKind::usage, fmt::format("the size of the cluster {} is no longer known", backup.cluster),
                "say how large the new one shall be: -o cu-size=NUMBER");
}

NewCluster wish_of(const Planning& planning, const Backup& backup) {
    const auto& options = planning.request.options;
    NewCluster wish{.project = is_set(options, "project") ? value(options, "project") : backup.project,
                    .name = value(options, "new-cluster"),
                    .keep = value(options, "load") != "no",
                    .version = value(options, "version")};
    if (wish.project.empty())
        throw Error(ErrorKind::usage, "nothing says to which project the new cluster belongs",
                    "name it with -o project=ID");
    const auto& policies = backup.policies;
    if (!wish.version.empty() && std::find(policies.begin(), policies.end(), wish.version) == policies.end())
        throw Error(
            ErrorKind::refused,
            fmt::format("no new cluster can be made of {} with -o version={}", backup.id, wish.version),
            fmt::format("it allows: {}", policies.empty() ? "none" : fmt::format("{}", fmt::join(policies, ", "))));
    for (const auto& other : planning.routes.clusters(planning.call)) {
        if (other.project == wish.project && other.name == wish.name)
            throw Error(ErrorKind::conflict, fmt::format("a cluster is called {} already: {}", wish.name, other.id),
                        "choose another -o new-cluster=NAME");
    }
    wish.cu = size_of(planning, backup);
    return wish;
}

model::Plan plan_new_cluster(const Planning& planning, const Backup& backup) {
    const auto& request = planning.request;
    if (!request.scope.all() || !request.renames.empty() || request.overwrite)
        throw Error(ErrorKind::usage, "a new cluster is made of the whole backup, under the names it has",
                    "leave out --collection, --rename and --overwrite, or restore into a cluster that exists");
    if (backup.type == "COLLECTION")
        throw Error(ErrorKind::refused,
                    fmt::format("{} is a backup of collections: no cluster can be made of it", backup.id),
                    "restore its collections into a cluster that exists");
    const auto wish = wish_of(planning, backup);
    model::Plan plan;
    auto step = step_of("restore",
                        {.deed = Deed::restore_cluster,
                         .cluster = backup.cluster,
                         .backup = backup.id,
                         .body = restore_cluster_body(wish),
                         .what = fmt::format("backup {} restored as the new cluster {}", backup.id, wish.name),
                         .name = wish.name,
                         .project = wish.project},
                        fmt::format("make the cluster {} of {} CU in the project {} out of {}", wish.name, wish.cu,
                                    wish.project, backup.id));
    step.reveals = fmt::format("the password of the new cluster {}", wish.name);
    plan.steps.push_back(std::move(step));
    plan.notes.emplace_back(
        "a new cluster is charged for from the moment it is made; users and roles are not restored");
    plan.notes.emplace_back(left_out);
    return plan;
}

}  // namespace

model::Plan plan_restore(const Planning& planning) {
    const auto backup = require_backup(planning, work_of(planning.request));
    return is_set(planning.request.options, "new-cluster") ? plan_new_cluster(planning, backup)
                                                           : plan_collections(planning, backup);
}

}  // namespace vbackup::driver::zilliz
