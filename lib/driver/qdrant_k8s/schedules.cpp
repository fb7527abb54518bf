// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant_k8s/schedules.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/cron.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/qdrant_k8s/plans.hpp"

namespace vbackup::driver::qdrant_k8s {

namespace {

constexpr std::size_t longest_short_id = 8;
constexpr std::string_view usual_short_id = "vbackup";

std::string name_of(const std::string& cluster_id, const std::string& short_id) {
    return fmt::format("qdrant-{}-schedule-{}", cluster_id, short_id);
}

bool is_short_id(std::string_view text) {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    return !text.empty() && text.size() <= longest_short_id && std::all_of(text.begin(), text.end(), good);
}

// What the operator says, and failing that what the expression says.
std::optional<Moment> next_of(Call& call, const Scheduled& one) {
    if (one.next) return one.next;
    try {
        return Cron::parse(one.cron).next(call.clock.wall());
    } catch (const Error&) {
        // Written by somebody else, in a form that only the operator reads.
        return std::nullopt;
    }
}

model::Schedule schedule_of(Call& call, const Scheduled& one) {
    model::Schedule schedule;
    schedule.name = one.short_id;
    schedule.enabled = one.phase != "Disabled";
    schedule.cron = one.cron;
    schedule.retention = parse_retention(one.retention);
    if (schedule.enabled) schedule.next = next_of(call, one);
    schedule.said = one.phase.empty() ? "no phase yet" : one.phase;
    schedule.why = one_line(one.message);
    schedule.details.push_back(fmt::format("QdrantClusterScheduledSnapshot {}/{}", one.meta.space, one.meta.name));
    schedule.details.push_back(fmt::format("cluster {}", one.cluster_id));
    return schedule;
}

// The one that is called so, by its short id or its object's name.
const Scheduled* find(const std::vector<Scheduled>& all, const std::string& name) {
    const Scheduled* found = nullptr;
    for (const auto& one : all) {
        if (one.meta.name == name) return &one;
        if (one.short_id != name) continue;
        if (found)
            throw Error(ErrorKind::usage, fmt::format("two schedules are called {}", name),
                        fmt::format("name the object: {} or {}", found->meta.name, one.meta.name));
        found = &one;
    }
    return found;
}

std::string list_of(const std::vector<int>& numbers) {
    std::string text;
    for (const int number : numbers) text += fmt::format("{}{}", text.empty() ? "" : ",", number);
    return text.empty() ? "*" : text;
}

// Weekdays and hours, as cron has them.
std::string as_cron(const model::Schedule& wish) {
    auto days = wish.weekdays;
    for (int& day : days) day %= 7;
    std::sort(days.begin(), days.end());
    return fmt::format("0 {} * * {}", list_of(wish.hours), list_of(days));
}

// What to write instead. Days without hours would be every hour of them, which nobody means.
std::string hint_for(const model::Schedule& wish) {
    if (!wish.hours.empty()) return fmt::format("the same as cron: --cron '{}'", as_cron(wish));
    auto at_two = wish;
    at_two.hours = {2};
    return fmt::format("give --cron, such as --cron '{}' for 02:00 UTC{}", as_cron(at_two),
                       wish.weekdays.empty() ? " every day" : " on these days");
}

void require_form(const model::Schedule& wish) {
    if (!wish.enabled)
        throw Error(ErrorKind::unsupported, "Qdrant's schedules cannot be switched off",
                    "remove it with `vbackup schedule remove`, and set it again later");
    if (wish.cron.empty())
        throw Error(ErrorKind::unsupported, "Qdrant's schedules are cron expressions, not weekdays and hours",
                    hint_for(wish));
    if (!wish.retention)
        throw Error(ErrorKind::usage, "Qdrant wants to know how long the backups of a schedule are kept",
                    "give --retention, such as --retention 7d");
}

}  // namespace

std::vector<Scheduled> KubeSchedules::all(Call& call) const {
    std::vector<Scheduled> found;
    for (const auto& text : target_.routes().list(call, Kind::schedule, target_.space(), target_.cluster_id(call)))
        found.push_back(parse_scheduled(text));
    std::sort(found.begin(), found.end(),
              [](const Scheduled& a, const Scheduled& b) { return a.meta.name < b.meta.name; });
    return found;
}

std::vector<model::Schedule> KubeSchedules::list(Call& call, const model::Options&) {
    std::vector<model::Schedule> found;
    for (const auto& one : all(call)) found.push_back(schedule_of(call, one));
    return found;
}

model::Plan KubeSchedules::plan_set(Call& call, const model::Schedule& wish, const model::Options&) {
    require_form(wish);
    const auto cron = Cron::parse(wish.cron);
    const auto next = cron.next(call.clock.wall());
    if (!next && !cron.at_start())
        throw Error(ErrorKind::usage, fmt::format("'{}' never comes", cron.text()),
                    "that month has no such day: no backup would ever be made");
    const auto cluster = target_.cluster(call);
    ScheduleWish body{.space = cluster.meta.space, .owner = owner_of(cluster)};
    body.cron = cron.text();
    body.retention = render_retention(*wish.retention);
    body.short_id = wish.name.empty() ? std::string(usual_short_id) : wish.name;
    const auto there = all(call);
    const auto* existing = find(there, body.short_id);
    if (!existing && !is_short_id(body.short_id))
        throw Error(ErrorKind::usage, fmt::format("'{}' cannot be the name of a schedule", one_line(body.short_id, 60)),
                    "Qdrant takes up to eight lower-case letters and digits");
    if (existing) body.short_id = existing->short_id;
    body.name = existing ? existing->meta.name : name_of(cluster.id, body.short_id);
    const Job job{
        .kind = Kind::schedule, .space = body.space, .name = body.name, .uid = existing ? existing->meta.uid : ""};
    const StepData data{.method = existing ? "PATCH" : "POST",
                        .job = job,
                        .id = {},
                        .body = existing ? schedule_patch(body) : schedule_body(body)};
    model::Plan plan;
    plan.steps.push_back(step_of("set",
                                 fmt::format("{} QdrantClusterScheduledSnapshot {}/{}: {}, each kept {}, next {}",
                                             existing ? "change" : "create", body.space, body.name, body.cron,
                                             body.retention, next ? format_time(*next) : "when the operator starts"),
                                 data, false));
    plan.steps.back().document = as_yaml(schedule_body(body));
    return plan;
}

model::Plan KubeSchedules::plan_remove(Call& call, const std::string& name, const model::Options&) {
    const auto there = all(call);
    const auto* existing = find(there, name.empty() ? std::string(usual_short_id) : name);
    if (!existing) {
        std::string names;
        for (const auto& one : there) names += (names.empty() ? "" : ", ") + one.short_id;
        throw Error(ErrorKind::not_found,
                    fmt::format("there is no schedule {}", name.empty() ? usual_short_id : one_line(name, 80)),
                    names.empty() ? "there is none at all" : "there are: " + names);
    }
    const Job job{.kind = Kind::schedule,
                  .wanted = Wanted::gone,
                  .space = existing->meta.space,
                  .name = existing->meta.name,
                  .uid = existing->meta.uid};
    model::Plan plan;
    plan.steps.push_back(step_of("remove",
                                 fmt::format("delete QdrantClusterScheduledSnapshot {}/{}", job.space, job.name),
                                 {.method = "DELETE", .job = job, .id = {}, .body = {}}, false));
    return plan;
}

}  // namespace vbackup::driver::qdrant_k8s
