// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/plans.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "driver/weaviate/options.hpp"

namespace vbackup::driver::weaviate {

namespace {

std::string names_of(const Server& server) {
    std::string names;
    for (const auto& backend : server.backends) names += (names.empty() ? "" : ", ") + backend.name;
    return names.empty() ? "none" : names;
}

model::Step step_of(std::string id, model::StepKind kind, std::string what) {
    model::Step step;
    step.id = std::move(id);
    step.kind = kind;
    step.what = std::move(what);
    return step;
}

// Where the backup can be seen, for people.
std::string place_text(const Job& job) {
    return job.location.empty() ? job.place.backend : job.location;
}

Status require_status(const Planning& planning, const Job& job) {
    auto status = planning.routes.status(planning.call, job);
    if (!status)
        throw Error(ErrorKind::not_found, fmt::format("the server has no backup {} at {}", job.id, place_text(job)),
                    "a backup at another path or in another bucket is found with -o path=… and -o bucket=…");
    if (!same_start(job.started, status->started))
        throw Error(ErrorKind::not_found, fmt::format("another backup is called {} on the server: it began at {}",
                                                      job.id, format_time(*status->started)));
    return *status;
}

// Backups that name this one as their base. Only root users are shown bases, so the descriptors are looked at too.
std::vector<std::string> built_on(const Planning& planning, const Server& server, const Job& job,
                                  const model::Location& folder) {
    std::vector<std::string> names;
    if (!has(server.version, Feature::list)) return names;
    const auto root = folder.url.substr(0, folder.url.rfind('/') + 1);
    for (const auto& other : planning.routes.list(planning.call, job.place.backend, {})) {
        auto base = other.base;
        if (const auto text = planning.peek({root + other.id, folder.descriptor}, folder.descriptor);
            base.empty() && text) {
            if (const auto descriptor = parse_descriptor(*text)) base = descriptor->base;
        }
        if (base == job.id) names.push_back(other.id);
    }
    return names;
}

// The backup or its restore, whichever runs; the option decides when given.
Job active_job(const Planning& planning, Job job, const std::string& wanted) {
    auto restore = job;
    restore.work = Work::restore;
    if (wanted == "restore") return restore;
    if (wanted == "backup" || job.work == Work::restore) return job;
    const auto status = planning.routes.status(planning.call, job);
    if (status && is_active(status->word)) return job;
    const auto restoring = planning.routes.status(planning.call, restore);
    return restoring && is_active(restoring->word) ? restore : job;
}

}  // namespace

void require_one_sided(const model::Scope& scope) {
    if (!scope.include.empty() && !scope.exclude.empty())
        throw Error(ErrorKind::usage, "Weaviate takes collections to include or collections to exclude, not both",
                    "use --collection or --exclude");
}

Place choose_place(const Server& server, const model::Options& options) {
    Place place{value(options, "backend"), value(options, "bucket"), value(options, "path"),
                value(options, "endpoint")};
    if (place.backend.empty() && server.backends.size() > 1)
        throw Error(ErrorKind::usage, fmt::format("the server has several backup modules on: {}", names_of(server)),
                    "choose one with -o backend=NAME");
    if (place.backend.empty() && server.backends.empty())
        throw Error(ErrorKind::refused, "no backup module is on",
                    "add backup-s3, backup-gcs, backup-azure or backup-filesystem to the server's ENABLE_MODULES");
    if (place.backend.empty()) place.backend = server.backends.front().name;
    const bool is_on = std::any_of(server.backends.begin(), server.backends.end(),
                                   [&](const auto& one) { return one.name == place.backend; });
    if (!is_on)
        throw Error(ErrorKind::refused, fmt::format("the backup module {} is not on", place.backend),
                    fmt::format("these are: {}; add backup-{} to the server's ENABLE_MODULES", names_of(server),
                                place.backend));
    if (place.backend == "filesystem" && !place.bucket.empty())
        throw Error(ErrorKind::usage, "the filesystem module has no buckets", "leave out -o bucket");
    if (place.backend == "filesystem" && !place.path.empty() && !place.path.starts_with('/'))
        throw Error(ErrorKind::usage,
                    fmt::format("path must begin with / for the filesystem module: {}", one_line(place.path, 120)));
    return place;
}

Job job_of(const Planning& planning) {
    const auto& request = planning.request;
    Job job;
    if (request.manifest && !request.manifest->jobs.empty()) {
        job = to_job(request.manifest->jobs.front());
    } else if (request.manifest) {
        job.id = request.manifest->id;
        job.place = parse_notes(request.manifest->driver_data).place;
    } else if (request.found) {
        job = to_job(request.found->job);
    } else {
        throw Error(ErrorKind::refused, fmt::format("nothing says where the server keeps {}", request.id));
    }
    const auto replace = [&](const char* name, std::string& what) {
        const auto& given = value(request.options, name);
        if (given.empty() || given == what) return;
        what = given;
        job.location.clear();
    };
    replace("backend", job.place.backend);
    replace("bucket", job.place.bucket);
    replace("path", job.place.path);
    replace("endpoint", job.place.endpoint);
    return job;
}

void require_healthy(const std::vector<model::Node>& nodes) {
    std::string sick;
    for (const auto& node : nodes) {
        if (!node.healthy) sick += fmt::format("{}node {} is {}", sick.empty() ? "" : "; ", node.name, node.state);
    }
    if (!sick.empty()) throw Error(ErrorKind::refused, sick, "every node takes part in a backup and in a restore");
}

bool runs_now(Call& call, const Routes& routes, const Server& server, const Job& job) {
    return !has(server.version, Feature::place) || routes.holds(call, job);
}

model::Location require_folder(const Job& job, const Status& status, const Peek& peek) {
    const bool in_bucket = job.place.backend == "s3" && status.path.starts_with("s3://");
    model::Location folder{location_of(status.path), std::string(descriptor_name)};
    const auto text = in_bucket || status.path.starts_with('/') ? peek(folder, folder.descriptor) : std::nullopt;
    if (job.place.backend != "filesystem" && !text)
        throw Error(ErrorKind::unsupported,
                    fmt::format("vbackup does not reach {} yet", status.path.empty() ? job.place.backend : status.path),
                    in_bucket ? "name a store in that bucket in the configuration, or use your cloud's tool"
                              : "copy or remove it with your cloud's tool");
    if (!text)
        throw Error(ErrorKind::unsupported,
                    fmt::format("this machine does not see {}, where the server keeps the backup", status.path),
                    "run vbackup where that directory is mounted");
    const auto descriptor = parse_descriptor(*text);
    if (!descriptor || descriptor->id != job.id || !descriptor->started || !status.started ||
        !same_start(descriptor->started, status.started))
        throw Error(
            ErrorKind::unsupported,
            fmt::format("what lies at {} on this machine is not the server's backup {}", status.path, job.id),
            "the server may run on another machine or in a container; run vbackup where its directory is mounted");
    return folder;
}

model::Plan plan_download(const Planning& planning) {
    const auto job = job_of(planning);
    const auto status = require_status(planning, job);
    if (phase_of(status.word) != model::Phase::succeeded)
        throw Error(ErrorKind::refused,
                    fmt::format("backup {} is {}: there is nothing whole to bring home", job.id, status.word));
    const auto folder = require_folder(job, status, planning.peek);
    model::Plan plan;
    auto fetch = step_of("fetch", model::StepKind::fetch, fmt::format("bring the files at {} home", folder.url));
    fetch.job = to_ref(job);
    plan.steps.push_back(std::move(fetch));
    const auto text = planning.peek(folder, folder.descriptor);
    const auto descriptor = text ? parse_descriptor(*text) : std::nullopt;
    const auto base = descriptor ? descriptor->base : status.base;
    if (!base.empty())
        plan.notes.push_back(
            fmt::format("this backup builds on {}: download that one too, it cannot be restored without", base));
    plan.details = render(Notes{job.place, base, {}});
    return plan;
}

model::Plan plan_remove(const Planning& planning) {
    const auto job = job_of(planning);
    const auto server = planning.routes.server(planning.call);
    model::Plan plan;
    const auto status = planning.routes.status(planning.call, job);
    if (!status || !same_start(job.started, status->started)) {
        plan.notes.push_back(fmt::format("the server has no such backup {} any more", job.id));
        return plan;
    }
    if (is_active(status->word) && runs_now(planning.call, planning.routes, server, job))
        throw Error(ErrorKind::busy, fmt::format("backup {} is under way ({})", job.id, status->word),
                    "cancel it first");
    const auto folder = require_folder(job, *status, planning.peek);
    if (const auto others = built_on(planning, server, job, folder); !others.empty())
        throw Error(ErrorKind::refused, fmt::format("backup {} builds on {}", others.front(), job.id),
                    "remove the increments first: they cannot be restored without their base");
    auto erase = step_of("erase", model::StepKind::erase, fmt::format("remove the files at {}", folder.url));
    erase.location = folder;
    erase.destroys = true;
    plan.steps.push_back(std::move(erase));
    return plan;
}

model::Plan plan_cancel(const Planning& planning) {
    const auto server = planning.routes.server(planning.call);
    const auto job = active_job(planning, job_of(planning), value(planning.options, "job"));
    const bool restores = job.work == Work::restore;
    require(server.version, restores ? Feature::cancel_restore : Feature::cancel,
            restores ? "cancel of a restore" : "cancel");
    const auto kind = restores ? "restore" : "backup";
    const auto status = restores ? planning.routes.status(planning.call, job) : require_status(planning, job);
    if (!status) throw Error(ErrorKind::not_found, fmt::format("the server knows no restore of {}", job.id));
    // The server answers 204 to almost anything, so what makes no sense is said here.
    if (phase_of(status->word) == model::Phase::succeeded)
        throw Error(ErrorKind::refused, fmt::format("{} {} has already succeeded", kind, job.id),
                    restores ? "" : "to remove it use `vbackup delete`");
    if (model::is_final(phase_of(status->word)))
        throw Error(ErrorKind::refused, fmt::format("{} {} has already ended: {}", kind, job.id, status->word));
    if (status->word == "FINALIZING")
        throw Error(ErrorKind::refused, fmt::format("{} {} is past the point where it can be cancelled", kind, job.id),
                    "wait for its end");
    model::Plan plan;
    if (!runs_now(planning.call, planning.routes, server, job))
        plan.notes.push_back(
            fmt::format("{} {} is shown as {}, but this node does not run it: after a crash of the server a cancel "
                        "changes nothing",
                        kind, job.id, status->word));
    auto step = step_of("cancel", model::StepKind::change, fmt::format("cancel {} {}", kind, job.id));
    step.details = render(StepData{
        .job = job, .method = "DELETE", .body = {}, .headers = {}, .collections = {}, .word = status->word, .why = {}});
    plan.steps.push_back(std::move(step));
    return plan;
}

}  // namespace vbackup::driver::weaviate
