// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "driver/weaviate/options.hpp"
#include "driver/weaviate/plans.hpp"

namespace vbackup::driver::weaviate {

namespace {

using Names = std::vector<std::string>;

void require_no_renames(const model::Request& request) {
    if (request.renames.empty()) return;
    throw Error(ErrorKind::unsupported, "Weaviate restores a collection only under its own name",
                "restore it on another server, or give the existing one way with --overwrite");
}

// What the backup knows about where it came from, as far as anybody can tell.
struct Origin {
    Version version;
    std::string version_text;
    Names nodes;        // empty: not known
    Names collections;  // empty: not known
    std::string base;
};

Origin origin_of(const Planning& planning, const Job& job) {
    Origin origin;
    if (const auto* manifest = planning.request.manifest) {
        origin.version_text = manifest->server_version;
        for (const auto& node : manifest->nodes) origin.nodes.push_back(node.name);
        for (const auto& entry : manifest->collections) origin.collections.push_back(entry.before.name);
        origin.base = parse_notes(manifest->driver_data).base;
    } else if (planning.request.found) {
        origin.collections = planning.request.found->collections;
    }
    if (job.location.starts_with("file://")) {
        const auto text = planning.peek({job.location, std::string(descriptor_name)}, std::string(descriptor_name));
        const auto descriptor = text ? parse_descriptor(*text) : std::nullopt;
        if (descriptor && descriptor->id == job.id && same_start(descriptor->started, job.started)) {
            if (origin.collections.empty()) origin.collections = descriptor->collections;
            if (origin.nodes.empty()) origin.nodes = descriptor->nodes;
            if (origin.base.empty()) origin.base = descriptor->base;
        }
    }
    if (origin.collections.empty()) origin.collections = job.collections;
    origin.version = parse_version(origin.version_text).value_or(Version{});
    return origin;
}

// The collections to restore, each by name: a wildcard that matches nothing would make the server restore all of them.
Names wanted_of(const Planning& planning, const Origin& origin) {
    const auto& scope = planning.request.scope;
    const auto is_pattern = [](const std::string& name) { return name.find_first_of("*?") != std::string::npos; };
    if (origin.collections.empty() &&
        (scope.include.empty() || std::any_of(scope.include.begin(), scope.include.end(), is_pattern)))
        throw Error(ErrorKind::usage, "the server does not say which collections this backup holds",
                    "name each of them with --collection");
    if (origin.collections.empty()) return scope.include;
    for (const auto& name : scope.include) {
        if (!is_pattern(name) &&
            std::find(origin.collections.begin(), origin.collections.end(), name) == origin.collections.end())
            throw Error(ErrorKind::not_found, fmt::format("collection {} is not in the backup", one_line(name, 120)),
                        fmt::format("it holds {}", fmt::join(origin.collections, ", ")));
    }
    Names wanted;
    std::copy_if(origin.collections.begin(), origin.collections.end(), std::back_inserter(wanted),
                 [&](const auto& name) { return scope.matches(name); });
    if (wanted.empty())
        throw Error(ErrorKind::not_found, "no collection of the backup is meant",
                    fmt::format("it holds {}", fmt::join(origin.collections, ", ")));
    return wanted;
}

void require_version(const Server& server, const Origin& origin, Names& notes) {
    if (!has(server.version, Feature::safe_restore))
        throw Error(ErrorKind::refused, fmt::format("Weaviate {} may store a restored backup wrongly", server.text),
                    "update the server to 1.23.13 or later before any restore");
    const auto line = [](const Version& version) { return Version{version.major, version.minor, 0}; };
    if (line(origin.version) > line(server.version))
        throw Error(
            ErrorKind::refused,
            fmt::format("the backup was made by Weaviate {}, this is the older {}", origin.version_text, server.text),
            "update the server first");
    if (origin.version > server.version)
        notes.push_back(
            fmt::format("the backup was made by Weaviate {}, this is {}", origin.version_text, server.text));
}

// The vendor's rule: as many nodes of the same names, or mapped.
void require_nodes(const Planning& planning, const Origin& origin, const std::vector<model::Node>& nodes,
                   Names& notes) {
    const auto mapping = node_mapping(planning.options);
    std::set<std::string> here;
    for (const auto& node : nodes) here.insert(node.name);
    for (const auto& [from, to] : mapping) {
        if (!here.contains(to))
            throw Error(ErrorKind::refused, fmt::format("node-mapping names {}, which is no node here", to),
                        fmt::format("the nodes are {}", fmt::join(here, ", ")));
    }
    if (origin.nodes.empty()) {
        notes.emplace_back("the nodes of the backup are not known, so they could not be compared with those here");
        return;
    }
    std::set<std::string> there;
    for (const auto& name : origin.nodes) {
        const auto pair =
            std::find_if(mapping.begin(), mapping.end(), [&](const auto& one) { return one.first == name; });
        there.insert(pair == mapping.end() ? name : pair->second);
    }
    if (there == here && there.size() == origin.nodes.size()) return;
    throw Error(
        ErrorKind::refused,
        fmt::format("the backup is of the nodes {}, here are {}", fmt::join(origin.nodes, ", "), fmt::join(here, ", ")),
        "number and names must agree; map names with -o node-mapping=old=new");
}

// Increments are read while they are restored, after collections were overwritten: each base must be there before.
void require_bases(const Planning& planning, const Job& job, std::string base) {
    std::set<std::string> seen{job.id};
    while (!base.empty() && seen.insert(base).second) {
        auto asked = job;
        asked.id = base;
        const auto status = planning.routes.status(planning.call, asked);
        if (!status || phase_of(status->word) != model::Phase::succeeded)
            throw Error(ErrorKind::not_found,
                        fmt::format("backup {} builds on {}, which the server does not have", job.id, base),
                        "bring the base back first: an increment cannot be restored without it");
        base = status->base;
    }
}

void require_idle(const Planning& planning, const Server& server, const Job& restore,
                  const std::optional<Status>& before, Names& notes) {
    if (!before || !is_active(before->word)) return;
    if (runs_now(planning.call, planning.routes, server, restore))
        throw Error(ErrorKind::busy, fmt::format("a restore of {} is under way ({})", restore.id, before->word),
                    "wait for its end, or cancel it");
    notes.push_back(fmt::format("an earlier restore of {} is shown as {}, but this node does not run it", restore.id,
                                before->word));
}

// An alias that has a collection's name, or that points elsewhere, is in the way.
void require_aliases(const Planning& planning, const Server& server, const Names& wanted) {
    if (!has(server.version, Feature::aliases)) return;
    const auto here = planning.routes.aliases(planning.call);
    const auto target = [&](const std::string& alias) -> const std::string* {
        const auto found = std::find_if(here.begin(), here.end(), [&](const auto& one) { return one.first == alias; });
        return found == here.end() ? nullptr : &found->second;
    };
    for (const auto& name : wanted) {
        if (target(name))
            throw Error(ErrorKind::conflict, fmt::format("{} is an alias here, and a collection in the backup", name),
                        "remove the alias first");
    }
    if (!planning.request.manifest || value(planning.options, "overwrite-alias") == "true") return;
    for (const auto& entry : planning.request.manifest->collections) {
        if (std::find(wanted.begin(), wanted.end(), entry.before.name) == wanted.end()) continue;
        for (const auto& alias : entry.before.aliases) {
            if (const auto* other = target(alias); other && *other != entry.before.name)
                throw Error(ErrorKind::conflict,
                            fmt::format("the alias {} belongs to {} here and to {} in the backup", alias, *other,
                                        entry.before.name),
                            "say -o overwrite-alias=true to move it");
        }
    }
}

Names in_the_way(const Planning& planning, const Names& wanted) {
    Names names;
    for (const auto& collection : planning.routes.schema(planning.call)) {
        if (std::find(wanted.begin(), wanted.end(), collection.name) != wanted.end()) names.push_back(collection.name);
    }
    if (!names.empty() && !planning.request.overwrite)
        throw Error(ErrorKind::conflict, fmt::format("these collections exist already: {}", fmt::join(names, ", ")),
                    "delete them, or say --overwrite to have them replaced");
    return names;
}

class Steps {
public:
    explicit Steps(model::Plan& plan) : plan_(plan) {}

    model::Step& add(std::string id, model::StepKind kind, std::string what) {
        model::Step step;
        step.id = std::move(id);
        step.kind = kind;
        step.what = std::move(what);
        // One after another: nothing is deleted before the server was seen to have the backup.
        if (!plan_.steps.empty()) step.after = {plan_.steps.back().id};
        plan_.steps.push_back(std::move(step));
        return plan_.steps.back();
    }

private:
    model::Plan& plan_;
};

// The files come from our store: they are put where the server reads, and seen by it, before anything is changed.
void add_place(Steps& steps, const Job& job) {
    auto& place = steps.add("place", model::StepKind::place, fmt::format("put the files at {}", job.location));
    place.location = model::Location{job.location, std::string(descriptor_name)};
    auto& seen = steps.add("placed", model::StepKind::settle,
                           fmt::format("the server sees backup {} at {}", job.id, job.location));
    seen.details =
        render(StepData{.job = job, .method = {}, .body = {}, .headers = {}, .collections = {}, .word = {}, .why = {}});
}

void require_place(const Planning& planning, const Job& job) {
    if (!planning.request.manifest || !planning.request.manifest->kept)
        throw Error(ErrorKind::not_found,
                    fmt::format("the server has no backup {} at {}", job.id,
                                job.location.empty() ? job.place.backend : job.location),
                    "a backup at another path or in another bucket is found with -o path=… and -o bucket=…");
    if (job.place.backend == "filesystem" && !job.location.empty()) return;
    throw Error(
        ErrorKind::unsupported,
        fmt::format("the backup lies in your store, but this Weaviate reads from {}, which vbackup does not reach yet",
                    job.place.backend),
        fmt::format("copy its data folder there as {} with your cloud's tool, then restore again", job.id));
}

// Where the target keeps backups: what the command line says, else as the backup was made, else its only module.
Job restored_job(const Planning& planning, const Server& server) {
    auto job = job_of(planning);
    job.work = Work::backup;
    auto options = planning.options;
    const bool same = std::any_of(server.backends.begin(), server.backends.end(),
                                  [&](const auto& one) { return one.name == job.place.backend; });
    if (same) {
        options["backend"] = job.place.backend;
        options["bucket"] = job.place.bucket;
        options["path"] = job.place.path;
        // A list cannot tell it, so one that is configured stays where nothing was noted.
        if (!job.place.endpoint.empty()) options["endpoint"] = job.place.endpoint;
    }
    job.place = choose_place(server, options);
    const auto module = std::find_if(server.backends.begin(), server.backends.end(),
                                     [&](const auto& one) { return one.name == job.place.backend; });
    if (!job.place.path.empty()) {
        job.location = job.place.backend == "filesystem" ? location_of(job.place.path) + "/" + job.id : "";
    } else {
        job.location = module->root.empty() || !job.place.bucket.empty() ? "" : module->root + "/" + job.id;
    }
    return job;
}

void say_what_stays(const Planning& planning, const Server& server, Names& notes) {
    if (!has(server.version, Feature::access_restore)) return;
    for (const auto name : {"roles", "users"}) {
        if (value(planning.options, name) != "all")
            notes.push_back(fmt::format("{} are not restored; say -o {}=all for them", name, name));
    }
}

}  // namespace

model::Plan plan_restore(const Planning& planning) {
    require_no_renames(planning.request);
    const auto server = planning.routes.server(planning.call);
    check_version(server.version, planning.options);
    model::Plan plan;
    const auto job = restored_job(planning, server);
    const auto origin = origin_of(planning, job);
    require_version(server, origin, plan.notes);
    std::vector<model::Node> nodes;
    for (auto& state : planning.routes.nodes(planning.call)) nodes.push_back(std::move(state.node));
    require_healthy(nodes);
    if (job.place.backend == "filesystem" && nodes.size() > 1)
        throw Error(ErrorKind::refused, "the filesystem module cannot restore to a cluster of more than one node",
                    "use s3, gcs or azure");
    require_nodes(planning, origin, nodes, plan.notes);
    const auto wanted = wanted_of(planning, origin);

    // The backup itself, as the server sees it.
    const auto status = planning.routes.status(planning.call, job);
    if (!status) require_place(planning, job);
    if (status && !same_start(job.started, status->started))
        throw Error(ErrorKind::conflict,
                    fmt::format("another backup is called {} on the server: it began at {}", job.id,
                                format_time(*status->started)),
                    "choose another place with -o path=…");
    if (status && phase_of(status->word) != model::Phase::succeeded)
        throw Error(ErrorKind::refused, fmt::format("backup {} is {} on the server: only a whole one can be restored",
                                                    job.id, status->word));
    require_bases(planning, job, status && !status->base.empty() ? status->base : origin.base);

    auto restore = job;
    restore.work = Work::restore;
    restore.collections = wanted;
    const auto before = planning.routes.status(planning.call, restore);
    require_idle(planning, server, restore, before, plan.notes);
    require_aliases(planning, server, wanted);
    const auto existing = in_the_way(planning, wanted);

    Steps steps(plan);
    if (!status) add_place(steps, job);
    for (const auto& name : existing) {
        auto& step = steps.add("delete:" + name, model::StepKind::change,
                               fmt::format("delete the existing collection {}", name));
        step.part.collection = name;
        step.destroys = true;
        step.details = render(StepData{.job = restore,
                                       .method = "DELETE",
                                       .body = {},
                                       .headers = {},
                                       .collections = {name},
                                       .word = {},
                                       .why = {}});
    }
    auto& step = steps.add("restore", model::StepKind::change,
                           fmt::format("restore {} collections from {}", wanted.size(),
                                       job.location.empty() ? job.place.backend : job.location));
    step.details = render(StepData{.job = restore,
                                   .method = "POST",
                                   .body = restore_body(wanted, planning.options, job.place),
                                   .headers = azure_headers(planning.options),
                                   .collections = wanted,
                                   .word = before ? before->word : "",
                                   .why = before ? before->why : "",
                                   .placed = !status});
    if (!status) {
        auto& forget = steps.add("forget", model::StepKind::erase, "remove the files that were put there");
        forget.location = model::Location{job.location, std::string(descriptor_name)};
        forget.tidy = true;
    }
    say_what_stays(planning, server, plan.notes);
    return plan;
}

}  // namespace vbackup::driver::weaviate
