// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"
#include "driver/weaviate/census.hpp"
#include "driver/weaviate/options.hpp"
#include "driver/weaviate/plans.hpp"

namespace vbackup::driver::weaviate {

namespace {

void require_id(const std::string& id) {
    const bool good = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (!good)
        throw Error(ErrorKind::usage, fmt::format("\"{}\" cannot be the id of a Weaviate backup", one_line(id, 120)),
                    "lower-case letters, digits, _ and - are allowed");
}

void require_base(const Planning& planning, const Job& job) {
    const auto& base = value(planning.options, "base");
    if (base.empty()) return;
    if (base == job.id) throw Error(ErrorKind::usage, fmt::format("backup {} cannot be its own base", base));
    auto asked = job;
    asked.id = base;
    const auto status = planning.routes.status(planning.call, asked);
    if (!status) throw Error(ErrorKind::not_found, fmt::format("there is no backup {} to build on", base));
    if (phase_of(status->word) != model::Phase::succeeded)
        throw Error(ErrorKind::refused, fmt::format("backup {} is {}: nothing can build on it", base, status->word));
}

void require_free_id(const Planning& planning, const Job& job) {
    const auto status = planning.routes.status(planning.call, job);
    if (!status) return;
    throw Error(ErrorKind::conflict, fmt::format("the server has a backup {} already ({})", job.id, status->word),
                "choose another --id; Weaviate never takes one again, not even of a cancelled backup");
}

// One backup at a time. What the list shows as active may have been left by a crash, which blocks nothing.
void require_idle(const Planning& planning, const Server& server, const Job& job, std::vector<std::string>& notes) {
    if (!has(server.version, Feature::list)) return;
    for (const auto& status : planning.routes.list(planning.call, job.place.backend, {})) {
        if (!is_active(status.word)) continue;
        auto other = job;
        other.id = status.id;
        if (runs_now(planning.call, planning.routes, server, other))
            throw Error(ErrorKind::busy, fmt::format("backup {} is under way ({})", status.id, status.word),
                        fmt::format("wait for it, or `vbackup cancel` it; Weaviate makes one backup at a time"));
        notes.push_back(
            fmt::format("backup {} is shown as {}, but this node does not run it: a crash left it so, or another node "
                        "runs it and will refuse a second one",
                        status.id, status.word));
    }
}

// "Mt: tb (COLD)".
std::vector<std::string> left_out_tenants(const Version& server, const std::vector<model::Collection>& collections) {
    std::vector<std::string> left_out;
    for (const auto& collection : collections) {
        for (const auto& tenant : parse_tenant_details(collection.details)) {
            if (is_left_out(server, tenant.status))
                left_out.push_back(fmt::format("{}: {} ({})", collection.name, tenant.name, tenant.status));
        }
    }
    return left_out;
}

std::string some_of(const std::vector<std::string>& names, std::size_t most) {
    const auto shown = std::min(most, names.size());
    auto text = fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
    if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
    return text;
}

void require_whole(const Planning& planning, const std::vector<std::string>& left_out,
                   std::vector<std::string>& notes) {
    if (left_out.empty()) return;
    if (value(planning.options, "allow-skipped-tenants") != "true")
        throw Error(
            ErrorKind::refused,
            fmt::format("{} tenants would be left out of the backup: {}", left_out.size(), some_of(left_out, 10)),
            "activate them first, or say --allow-skipped-tenants");
    notes.push_back(fmt::format("{} tenants are left out of the backup: {}", left_out.size(), some_of(left_out, 50)));
}

// With --to the files must lie where this machine can read them. Whether it does is known only from backups that are there.
void require_readable(const Planning& planning, const Server& server, const Job& job) {
    if (!planning.request.keep) return;
    if (job.place.backend != "filesystem")
        throw Error(ErrorKind::unsupported,
                    fmt::format("vbackup does not reach the backups that Weaviate keeps in {}", job.place.backend),
                    "leave out --to and keep the backup there, or copy it with your cloud's tool");
    if (!job.place.path.empty() || !has(server.version, Feature::list)) return;
    bool any = false;
    for (const auto& status : planning.routes.list(planning.call, job.place.backend, {})) {
        any = true;
        const auto slash = job.location.rfind('/');
        const model::Location there{job.location.substr(0, slash + 1) + status.id, std::string(descriptor_name)};
        if (planning.peek(there, there.descriptor)) return;
    }
    if (any)
        throw Error(ErrorKind::unsupported, fmt::format("this machine does not see the backups at {}", job.location),
                    "run vbackup where that directory is mounted, or leave out --to");
}

std::vector<std::string> names_of(const std::vector<model::Collection>& collections) {
    std::vector<std::string> names;
    for (const auto& collection : collections) names.push_back(collection.name);
    return names;
}

void say_costs(const Planning& planning, std::vector<std::string>& notes) {
    if (is_set(planning.options, "chunk-size"))
        notes.push_back("chunk-size is accepted by Weaviate and ignored by current servers");
    if (const auto& base = value(planning.options, "base"); !base.empty())
        notes.push_back(fmt::format("this backup builds on {} and cannot be restored without it", base));
}

}  // namespace

model::Plan plan_create(const Planning& planning, const model::Inspection& inspection) {
    const auto& request = planning.request;
    require_id(request.id);
    const auto server = planning.routes.server(planning.call);
    check_version(server.version, planning.options);
    Job job{.id = request.id,
            .work = Work::backup,
            .place = choose_place(server, planning.options),
            .location = {},
            .started = {},
            .collections = names_of(inspection.collections)};
    for (const auto& backend : server.backends) {
        if (backend.name == job.place.backend && !backend.root.empty()) job.location = backend.root + "/" + job.id;
    }
    if (!job.place.path.empty() && job.place.backend == "filesystem")
        job.location = location_of(job.place.path) + "/" + job.id;

    require_healthy(inspection.nodes);
    if (job.place.backend == "filesystem" && inspection.nodes.size() > 1)
        throw Error(ErrorKind::refused, "the filesystem module cannot back up a cluster of more than one node",
                    "enable backup-s3, backup-gcs or backup-azure on the server");
    if (job.collections.empty())
        throw Error(ErrorKind::refused, "there is nothing to back up: the server shows no such collection",
                    "is the database empty, or may the key not see its collections? it needs read_collections");
    model::Plan plan;
    require_base(planning, job);
    require_free_id(planning, job);
    require_idle(planning, server, job, plan.notes);
    const auto left_out = left_out_tenants(server.version, inspection.collections);
    require_whole(planning, left_out, plan.notes);
    require_readable(planning, server, job);
    say_costs(planning, plan.notes);
    if (const auto& base = value(planning.options, "base"); !base.empty()) plan.bases = {base};

    const StepData data{.job = job,
                        .method = "POST",
                        .body = create_body(job.id, job.collections, planning.options),
                        .headers = azure_headers(planning.options),
                        .collections = job.collections,
                        .word = {},
                        .why = {}};
    model::Step create{
        .id = "create",
        .kind = model::StepKind::change,
        .part = {},
        .what = fmt::format("back up {} collections to {}", job.collections.size(),
                            job.location.empty() || !job.place.bucket.empty() ? job.place.backend : job.location),
        .after = {},
        .of = {},
        .job = {},
        .file = {},
        .location = {},
        .destroys = false,
        .tidy = false,
        .details = render(data)};
    plan.steps.push_back(std::move(create));
    if (request.keep) {
        model::Step fetch;
        fetch.id = "fetch";
        fetch.kind = model::StepKind::fetch;
        fetch.what = "bring the files home";
        fetch.after = {"create"};
        fetch.of = "create";
        plan.steps.push_back(std::move(fetch));
    }
    plan.details = render(Notes{job.place, value(planning.options, "base"), left_out});
    return plan;
}

}  // namespace vbackup::driver::weaviate
