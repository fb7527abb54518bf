// SPDX-License-Identifier: Apache-2.0
#include "driver/zilliz/schedule.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/cron.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/zilliz/plans.hpp"

namespace vbackup::driver::zilliz {

namespace {

constexpr std::string_view policy_name = "policy";
constexpr int usual_days = 7;  // as the console begins with
constexpr std::string_view takes =
    "it takes --weekdays mon,wed (or none for every day), one of --hours 0 to 23 at which a window of two hours UTC "
    "begins, and --retention 1d to 30d";

[[noreturn]] void cannot_hold(const std::string& what) {
    throw Error(ErrorKind::unsupported, fmt::format("Zilliz Cloud's backup policy cannot hold {}", what),
                std::string(takes));
}

std::string window_of(int hour) {
    return fmt::format("{:02}:00-{:02}:00", hour, (hour + 2) % 24);
}

// The hour at which "02:00-04:00" begins.
std::optional<int> hour_of(const std::string& window) {
    int hour = 0;
    const auto [end, fault] =
        std::from_chars(window.data(), window.data() + std::min<std::size_t>(2, window.size()), hour);
    if (fault != std::errc{} || end != window.data() + 2 || hour > 23 || window.substr(2, 4) != ":00-")
        return std::nullopt;
    return hour;
}

// The days of "1,3,5"; empty for what says none, or something else.
std::vector<int> days_in(const std::string& frequency) {
    std::vector<int> days;
    for (const auto& word : words(frequency)) {
        if (word.size() != 1 || word[0] < '1' || word[0] > '7') return {};
        days.push_back(word[0] - '0');
    }
    std::sort(days.begin(), days.end());
    days.erase(std::unique(days.begin(), days.end()), days.end());
    return days;
}

std::string names_of(const std::vector<int>& weekdays) {
    static constexpr std::array names = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    if (weekdays.empty() || weekdays.size() == names.size()) return "every day";
    std::vector<std::string> all;
    for (const int day : weekdays) all.emplace_back(names.at(static_cast<std::size_t>(day - 1)));
    return fmt::format("{}", fmt::join(all, ", "));
}

std::optional<Moment> next_of(const std::vector<int>& weekdays, int hour, Moment now) {
    const auto days = weekdays.empty() ? std::string("*") : fmt::format("{}", fmt::join(weekdays, ","));
    return Cron::parse(fmt::format("0 {} * * {}", hour, days)).next(now);
}

// The days as numbers, so that one order is like another.
bool same(const Policy& a, const Policy& b) {
    if (!a.enabled || !b.enabled) return a.enabled == b.enabled;
    const auto sorted = [](std::vector<Copy> copies) {
        std::sort(copies.begin(), copies.end(), [](const Copy& x, const Copy& y) { return x.region < y.region; });
        return copies;
    };
    return days_in(a.frequency) == days_in(b.frequency) && a.window == b.window && a.days == b.days &&
           sorted(a.copies) == sorted(b.copies);
}

Policy parse_body(const std::string& text) {
    const auto body = nlohmann::json::parse(text);
    Policy policy;
    policy.enabled = body.at("enabled").get<bool>();
    policy.frequency = body.value("frequency", "");
    policy.window = body.value("startTime", "");
    policy.days = body.value("retentionDays", 0);
    for (const auto& one : body.at("crossRegionCopies"))
        policy.copies.push_back({one.at("regionId").get<std::string>(), one.at("retentionDays").get<int>()});
    return policy;
}

int days_of(const model::Schedule& wish) {
    if (!wish.retention) return usual_days;
    constexpr Milliseconds day = std::chrono::hours(24);
    if (*wish.retention % day != Milliseconds{0} || *wish.retention < day || *wish.retention > 30 * day)
        cannot_hold(fmt::format("a retention of {}: 1 to 30 whole days", format_duration(*wish.retention)));
    return static_cast<int>(*wish.retention / day);
}

void require_name(const std::string& name) {
    if (name.empty() || name == policy_name) return;
    throw Error(ErrorKind::not_found,
                fmt::format("there is no schedule {}: a cluster has one policy", one_line(name, 80)),
                fmt::format("leave out the name, or call it {}", policy_name));
}

Policy policy_of(const model::Schedule& wish, const model::Options& options) {
    Policy policy;
    policy.enabled = wish.enabled;
    if (!policy.enabled) return policy;
    if (!wish.cron.empty()) cannot_hold(fmt::format("the cron expression {}", one_line(wish.cron, 80)));
    if (wish.hours.size() != 1)
        cannot_hold(wish.hours.empty() ? "every hour of a day" : fmt::format("{} times a day", wish.hours.size()));
    std::vector<int> weekdays = wish.weekdays;
    if (weekdays.empty()) weekdays = {1, 2, 3, 4, 5, 6, 7};
    policy.frequency = fmt::format("{}", fmt::join(weekdays, ","));
    policy.window = window_of(wish.hours.front());
    policy.days = days_of(wish);
    const auto& copied = value(options, "copy-retention");
    for (const auto& region : words(value(options, "copy-to")))
        policy.copies.push_back({region, copied.empty() ? policy.days : std::stoi(copied)});
    return policy;
}

std::string what_of(const std::string& cluster, const Policy& policy) {
    if (!policy.enabled) return fmt::format("switch the backup policy of {} off", cluster);
    auto what = fmt::format("have {} backed up {} between {} and {} UTC, kept {} days", cluster,
                            names_of(days_in(policy.frequency)), policy.window.substr(0, 5), policy.window.substr(6),
                            policy.days);
    for (const auto& copy : policy.copies) what += fmt::format(", copied to {} for {} days", copy.region, copy.days);
    return what;
}

std::string regions_of(const Policy& policy) {
    std::vector<std::string> regions;
    for (const auto& copy : policy.copies) regions.push_back(copy.region);
    return fmt::format("{}", fmt::join(regions, ", "));
}

void note_copies_end(const Policy& held, model::Plan& plan) {
    if (!held.copies.empty())
        plan.notes.push_back(
            fmt::format("its copies to {} are not made any more either, nor when it is switched on "
                        "again without -o copy-to",
                        regions_of(held)));
}

}  // namespace

bool is_held(const Policy& held, const std::string& body) {
    return same(held, parse_body(body));
}

std::vector<model::Schedule> PolicySchedules::list(Call& call, const model::Options&) {
    const auto policy = routes_.policy(call, cluster_);
    model::Schedule schedule;
    schedule.name = policy_name;
    schedule.enabled = policy.enabled;
    schedule.said = policy.word;
    if (!policy.enabled) return {schedule};
    schedule.weekdays = days_in(policy.frequency);
    if (schedule.weekdays.empty())
        throw Error(ErrorKind::not_understood,
                    fmt::format("Zilliz Cloud says that the policy of {} backs up on the days \"{}\", which are none",
                                cluster_, one_line(policy.frequency, 80)),
                    "look at the policy in the console; `vbackup schedule set` sets it anew");
    if (schedule.weekdays.size() == 7) schedule.weekdays.clear();
    if (policy.days > 0) schedule.retention = std::chrono::hours(24) * policy.days;
    if (const auto hour = hour_of(policy.window)) {
        schedule.hours = {*hour};
        schedule.next = next_of(schedule.weekdays, *hour, call.clock.wall());
    }
    schedule.details.push_back(fmt::format("begins some time in the window {} UTC", policy.window));
    for (const auto& copy : policy.copies)
        schedule.details.push_back(fmt::format("copies to {}, kept {} days", copy.region, copy.days));
    return {schedule};
}

model::Plan PolicySchedules::plan_set(Call& call, const model::Schedule& wish, const model::Options& options) {
    check_values(options);
    require_dedicated(cluster_);
    require_name(wish.name);
    auto policy = policy_of(wish, options);
    const auto cluster = routes_.cluster(call, cluster_);
    require_dedicated(cluster);
    std::vector<std::string> regions;
    for (const auto& copy : policy.copies) regions.push_back(copy.region);
    require_copies(cluster.region, regions);
    const auto held = routes_.policy(call, cluster_);
    model::Plan plan;
    if (policy.enabled && !is_set(options, "copy-to") && !held.copies.empty()) {
        policy.copies = held.copies;
        plan.notes.push_back(
            fmt::format("the copies to {} go on: `vbackup schedule remove` ends them", regions_of(held)));
    }
    if (same(held, policy)) {
        plan.notes.emplace_back("the policy is so already");
        return plan;
    }
    plan.steps.push_back(step_of("policy", {.deed = Deed::policy, .cluster = cluster_, .body = policy_body(policy)},
                                 what_of(cluster_, policy)));
    if (!policy.enabled) {
        note_copies_end(held, plan);
        return plan;
    }
    if (!wish.retention) plan.notes.push_back(fmt::format("without --retention they are kept {} days", usual_days));
    plan.notes.emplace_back(
        "backups of the policy may be charged for, and go at the end of their retention and with their cluster");
    return plan;
}

model::Plan PolicySchedules::plan_remove(Call& call, const std::string& name, const model::Options&) {
    require_dedicated(cluster_);
    require_name(name);
    model::Plan plan;
    const auto held = routes_.policy(call, cluster_);
    if (!held.enabled) {
        plan.notes.emplace_back("the policy is off already");
        return plan;
    }
    const Policy off;
    plan.steps.push_back(step_of("policy", {.deed = Deed::policy, .cluster = cluster_, .body = policy_body(off)},
                                 what_of(cluster_, off)));
    note_copies_end(held, plan);
    plan.notes.emplace_back("the backups that the policy has made stay until the end of their retention");
    return plan;
}

}  // namespace vbackup::driver::zilliz
