// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "backup/execute.hpp"
#include "backup/find.hpp"
#include "backup/story.hpp"

namespace vbackup::backup {

namespace {

// How often a server is asked whether it holds what it took, and the pause between.
constexpr int looks = 4;
constexpr Seconds pause{1};

driver::Schedules& require_schedules(const Stage& stage) {
    if (auto* schedules = stage.target.driver.schedules()) return *schedules;
    throw Error(ErrorKind::unsupported,
                fmt::format("{} makes no backups by itself: it keeps no schedules", stage.target.driver_name),
                "let cron or a systemd timer run `vbackup create`");
}

bool is_held(Call& call, const Stage& stage, const model::Step& step) {
    for (int look = 1; look < looks; ++look) {
        if (stage.target.driver.done(call, step)) return true;
        call.clock.sleep(pause, call.stop);
        call.require_time();
    }
    return stage.target.driver.done(call, step).has_value();
}

// A server that took a schedule is asked whether it holds it: only that is proof.
void require_held(Call& call, const Stage& stage, const model::Plan& plan) {
    call.tally.stage("reading the schedule back");
    for (const auto& step : plan.steps) {
        if (step.kind != model::StepKind::change || is_held(call, stage, step)) continue;
        throw Error(ErrorKind::not_understood,
                    fmt::format("the server took the request to {}, and does not show it", step.what),
                    "look with `vbackup schedule list`");
    }
}

ScheduleResult carry_out(Call& call, const Stage& stage, model::Plan plan, const model::Options& options,
                         bool dry_run) {
    ScheduleResult result{.plan = std::move(plan), .dry_run = dry_run};
    if (!dry_run) {
        for (const auto& note : result.plan.notes) call.tally.warn(note);
        require_consent(stage.confirm, result.plan);
        model::Intent intent{
            .verb = "schedule", .begun = call.clock.wall(), .plan = result.plan, .target_url = stage.target.url};
        // No intent is kept: a schedule is set again by the same command, and `done` is asked before anything is sent twice.
        Executor(call, stage, nullptr, intent).run();
        require_held(call, stage, result.plan);
    }
    result.schedules = require_schedules(stage).list(call, options);
    return result;
}

}  // namespace

std::vector<model::Schedule> schedules(Call& call, const Stage& stage, const model::Options& options) {
    auto all = require_schedules(stage).list(call, options);
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return all;
}

ScheduleResult set_schedule(Call& call, const Stage& stage, const model::Schedule& wish, const model::Options& options,
                            bool dry_run) {
    auto& keeper = require_schedules(stage);
    const auto lock = dry_run ? nullptr : lock_target(stage);
    return carry_out(call, stage, keeper.plan_set(call, wish, options), options, dry_run);
}

ScheduleResult remove_schedule(Call& call, const Stage& stage, const std::string& name, const model::Options& options,
                               bool dry_run) {
    auto& keeper = require_schedules(stage);
    const auto lock = dry_run ? nullptr : lock_target(stage);
    return carry_out(call, stage, keeper.plan_remove(call, name, options), options, dry_run);
}

}  // namespace vbackup::backup
