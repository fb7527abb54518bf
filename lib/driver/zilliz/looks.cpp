// SPDX-License-Identifier: Apache-2.0
#include "driver/zilliz/looks.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::driver::zilliz {

namespace {

using model::Phase;

model::Seen gone(std::string why) {
    model::Seen seen;
    seen.phase = Phase::gone;
    seen.said = "gone";
    seen.why = std::move(why);
    return seen;
}

// A backup that failed is in no list any more: only its job tells why.
model::Seen look_for_reason(Call& call, const Routes& routes, const Work& work) {
    const auto job = work.job.empty() ? std::nullopt : routes.job(call, work.job);
    if (!job || phase_of_job(job->word) == Phase::succeeded)
        return gone(fmt::format("Zilliz Cloud no longer has the backup {}", work.backup));
    model::Seen seen;
    seen.phase = phase_of_job(job->word);
    seen.said = job->word;
    seen.why = one_line(job->why);
    return seen;
}

model::Seen look_at_backup(Call& call, const Routes& routes, const Work& work) {
    const auto backup = routes.backup(call, work.cluster, work.backup, true);
    if (!backup) return look_for_reason(call, routes, work);
    model::Seen seen;
    seen.phase = phase_of_backup(backup->word);
    seen.said = backup->word;
    seen.where = place_of(*backup);
    if (seen.phase == Phase::succeeded) seen.done = seen.total = backup->size;
    return seen;
}

model::Seen look_at_job(Call& call, const Routes& routes, const Work& work) {
    const auto job = routes.job(call, work.job);
    if (!job) {
        // Jobs are not kept for ever; what they made is.
        if (work.then == Watch::backup) return look_at_backup(call, routes, work);
        return gone(fmt::format("Zilliz Cloud does not know the job {}", work.job));
    }
    model::Seen seen;
    seen.phase = phase_of_job(job->word);
    seen.said = job->word;
    seen.why = one_line(job->why);
    if (job->percent && !model::is_final(seen.phase)) {
        seen.done = job->percent;
        seen.total = 100;
        // A service that shows 0 for long may show nothing but the end.
        if (*job->percent > 0) seen.mark = std::to_string(*job->percent);
    }
    if (seen.phase != Phase::succeeded) return seen;
    if (!work.then) return seen;
    auto next = work;
    next.watch = *work.then;
    next.then.reset();
    seen.next = to_ref(next);
    return seen;
}

model::Seen look_at_cluster(Call& call, const Routes& routes, const Work& work) {
    model::Seen seen;
    try {
        seen.said = routes.cluster(call, work.cluster, true).word;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        return gone(error.message());
    }
    seen.phase = phase_of_cluster(seen.said);
    return seen;
}

}  // namespace

std::string place_of(const Backup& backup) {
    auto place = fmt::format("Zilliz Cloud: {}", backup.name.empty() ? backup.id : backup.name);
    if (backup.method == "AUTO") place += ", by the policy";
    if (backup.expires) place += fmt::format(", until {}", format_time(*backup.expires));
    return place;
}

model::Seen look_at(Call& call, const Routes& routes, const Work& work) {
    switch (work.watch) {
        case Watch::job:
            return look_at_job(call, routes, work);
        case Watch::cluster:
            return look_at_cluster(call, routes, work);
        case Watch::backup:
            break;
    }
    return look_at_backup(call, routes, work);
}

}  // namespace vbackup::driver::zilliz
