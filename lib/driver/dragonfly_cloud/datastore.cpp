// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly_cloud/datastore.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "model/shallow.hpp"
#include "net/answers.hpp"

namespace vbackup::driver::dragonfly_cloud {

namespace {

using Json = nlohmann::ordered_json;
using model::Phase;

constexpr auto day = std::chrono::hours(24);

[[noreturn]] void not_understood(std::string_view why) {
    throw Error(ErrorKind::not_understood, fmt::format("the answer of Dragonfly Cloud makes no sense: {}", why),
                "see whether base_url is right, and whether a newer vbackup knows a newer API");
}

Policy policy_of(const Json& from) {
    Policy policy;
    policy.enabled = from.value("enabled", false);
    policy.every_hour = from.value("every_hour", false);
    policy.every_day = from.value("every_day", false);
    policy.hours = from.value("hours", std::vector<int>{});
    policy.weekdays = from.value("weekdays", std::vector<int>{});
    policy.retention_days = from.value("retention", std::uint32_t{0});
    std::sort(policy.hours.begin(), policy.hours.end());
    std::sort(policy.weekdays.begin(), policy.weekdays.end());
    return policy;
}

// Fields of the policy that are not known here stay as they are.
void put_policy(Json& into, const Policy& policy) {
    into["enabled"] = policy.enabled;
    into["every_hour"] = policy.every_hour;
    into["every_day"] = policy.every_day;
    into["hours"] = policy.hours;
    into["weekdays"] = policy.weekdays;
    into["retention"] = policy.retention_days;
}

// Looks for a number that would come back as another one: a whole one beyond 64 bits, or a fraction with more digits than a
// double surely keeps.
struct Numbers final : nlohmann::json_sax<Json> {
    std::string inexact;

    bool number_float(number_float_t, const string_t& text) override {
        std::string digits;
        for (const char c : text.substr(0, text.find_first_of("eE")))
            if (c >= '0' && c <= '9' && (c != '0' || !digits.empty())) digits += c;
        digits.erase(digits.find_last_not_of('0') + 1);
        if (digits.size() > 15) inexact = text;
        return true;
    }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(string_t&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }
};

Json parse_config(const model::JsonText& text) {
    auto config = Json::parse(model::shallow(text), nullptr, false);
    if (!config.is_object()) not_understood("a data store without a configuration");
    return config;
}

void add_lost(const Json& sent, const Json& now, const std::string& path, std::vector<std::string>& names) {
    for (const auto& [name, value] : sent.items()) {
        const auto whole = path.empty() ? name : path + "." + name;
        if (whole == "backup_policy" || whole == "restore") continue;
        if (!now.contains(name)) {
            // An API written in Go leaves out what is empty.
            const bool nothing = value.is_null() || (value.is_structured() && value.empty()) ||
                                 (value.is_string() && value.get_ref<const std::string&>().empty()) || value == false ||
                                 value == 0;
            if (!nothing) names.push_back(whole);
        } else if (value.is_object() && now.at(name).is_object()) {
            add_lost(value, now.at(name), whole, names);
        } else if (value != now.at(name)) {
            names.push_back(whole);
        }
    }
}

std::string words_of(const net::Response& response) {
    const auto body = Json::parse(model::shallow(response.body), nullptr, false);
    if (!body.is_object() || !body.contains("error") || !body.at("error").is_string()) return {};
    return one_line(body.at("error").get<std::string>(), 200);
}

}  // namespace

Datastore parse_datastore(const std::string& body) {
    const auto from = Json::parse(model::shallow(body), nullptr, false);
    if (!from.is_object() || !from.contains("config") || !from.at("config").is_object())
        not_understood("no data store is in it");
    try {
        const auto& config = from.at("config");
        Datastore store;
        store.id = from.at("datastore_id").get<std::string>();
        store.status = from.at("status").get<std::string>();
        store.address = from.value("addr", "");
        store.password = Secret(from.value("password", ""));
        store.name = config.value("name", "");
        if (config.contains("dragonfly")) store.tls = config.at("dragonfly").value("tls", true);
        if (config.contains("cluster")) store.cluster = config.at("cluster").value("enabled", false);
        if (config.contains("backup_policy")) store.policy = policy_of(config.at("backup_policy"));
        if (config.contains("restore")) {
            store.restored = config.at("restore").value("backup_id", "");
            store.loaded = config.at("restore").value("loaded", false);
        }
        store.config = config.dump();
        Numbers numbers;
        Json::sax_parse(body, &numbers);
        store.inexact = numbers.inexact;
        return store;
    } catch (const Json::exception&) {
        not_understood("a field of the data store has another type than it should");
    }
}

Phase phase_of_restore(const Datastore& store, const std::string& backup) {
    if (store.status == "deleting" || store.status == "deleted") return Phase::failed;
    if (store.status == "pending" || store.status == "updating" || store.status == "restoring") return Phase::running;
    if (store.status != "active") return Phase::unknown;
    if (store.restored != backup) return Phase::gone;
    return store.loaded ? Phase::succeeded : Phase::running;
}

bool shows_restore(const Datastore& store, const std::string& backup, bool was_loaded) {
    if (store.status == "restoring" || (store.restored == backup && !store.loaded)) return true;
    // Anybody's change of the data store has it update.
    return !was_loaded && (store.status == "pending" || store.status == "updating" || store.restored == backup);
}

model::JsonText with_policy(const model::JsonText& text, const Policy& policy) {
    auto config = parse_config(text);
    put_policy(config["backup_policy"], policy);
    return config.dump();
}

model::JsonText with_restore(const model::JsonText& text, const std::string& backup) {
    auto config = parse_config(text);
    config["restore"]["backup_id"] = backup;
    config["restore"]["loaded"] = false;
    return config.dump();
}

std::vector<std::string> lost(const model::JsonText& sent, const model::JsonText& now) {
    std::vector<std::string> names;
    add_lost(parse_config(sent), parse_config(now), {}, names);
    return names;
}

// Ours counts Monday 1 to Sunday 7. How the policy counts is published nowhere; its neighbour, the maintenance window,
// counts from Sunday 0.
model::Schedule to_schedule(const Policy& policy) {
    model::Schedule schedule;
    schedule.enabled = policy.enabled;
    schedule.said = policy.enabled ? "enabled" : "disabled";
    if (!policy.every_day)
        for (const auto weekday : policy.weekdays) schedule.weekdays.push_back(weekday == 0 ? 7 : weekday);
    std::sort(schedule.weekdays.begin(), schedule.weekdays.end());
    if (!policy.every_hour) schedule.hours = policy.hours;
    if (policy.retention_days > 0) schedule.retention = day * policy.retention_days;
    return schedule;
}

Policy to_policy(const model::Schedule& wish, const Policy& now) {
    if (!wish.cron.empty())
        throw Error(ErrorKind::unsupported, "Dragonfly Cloud takes no cron expression, but days of the week and hours",
                    "give weekdays and hours instead");
    Policy policy;
    policy.enabled = wish.enabled;
    const bool has_times = now.every_hour || !now.hours.empty();
    if (wish.weekdays.empty() && wish.hours.empty() && has_times) {
        policy = now;
        policy.enabled = wish.enabled;
    } else {
        policy.every_day = wish.weekdays.empty();
        policy.every_hour = wish.hours.empty();
        policy.hours = wish.hours;
        for (const auto weekday : wish.weekdays) policy.weekdays.push_back(weekday == 7 ? 0 : weekday);
        std::sort(policy.weekdays.begin(), policy.weekdays.end());
    }
    policy.retention_days = now.retention_days;
    if (wish.retention) {
        if (*wish.retention < day || *wish.retention % day != Milliseconds{0})
            throw Error(ErrorKind::unsupported, "Dragonfly Cloud keeps backups for whole days",
                        "give a retention such as 14d");
        policy.retention_days = static_cast<std::uint32_t>(*wish.retention / day);
    }
    if (policy.retention_days == 0)
        throw Error(ErrorKind::usage, "how long Dragonfly Cloud keeps each backup is not said",
                    "give a retention such as 14d");
    return policy;
}

model::JsonText render(const Policy& policy) {
    Json into = Json::object();
    put_policy(into, policy);
    return into.dump();
}

Policy parse_policy(const model::JsonText& text) {
    const auto from = Json::parse(model::shallow(text), nullptr, false);
    try {
        if (from.is_object()) return policy_of(from);
    } catch (const Json::exception&) {
        // A field of another type: said below.
    }
    throw Error(ErrorKind::corrupt, "a step holds no policy");
}

Api::Api(net::Connection connection, net::Trace trace, std::string id)
    : http_(std::move(connection), std::move(trace)), id_(std::move(id)) {}

Datastore Api::get(Call& call, bool repeat) const {
    const auto what = fmt::format("look at the data store {}", id_);
    const auto response = http_.send(call, {.path = "/v1/datastores/" + percent_encode(id_)}, repeat);
    if (response.status == 404)
        throw Error(ErrorKind::not_found, fmt::format("Dragonfly Cloud knows no data store {}", id_),
                    "its ID stands in the console, and looks like dst_9k2v0xw1e");
    if (response.status != 200) net::throw_for_status(response, what, words_of(response));
    auto store = parse_datastore(response.body);
    if (store.status == "deleted" || store.status == "deleting")
        throw Error(ErrorKind::not_found, fmt::format("the data store {} is {}", id_, store.status));
    return store;
}

Datastore Api::change(Call& call, const std::function<model::JsonText(const Datastore&)>& changed,
                      std::string_view what) const {
    const auto now = get(call);
    if (!now.inexact.empty())
        throw Error(
            ErrorKind::refused,
            fmt::format("the data store's configuration holds a number that cannot be written back exactly ({})",
                        one_line(now.inexact, 60)),
            "change it in the console");
    const auto sent = changed(now);
    net::Request put{.method = "PUT", .path = "/v1/datastores/" + percent_encode(id_), .body = sent};
    const auto response = http_.send(call, put);
    if (response.status != 200) net::throw_for_status(response, what, words_of(response));
    auto after = get(call);
    const auto gone = lost(sent, after.config);
    if (gone.empty()) return after;
    throw Error(ErrorKind::not_understood,
                fmt::format("{}: afterwards the data store has other values for {}", what, fmt::join(gone, ", ")),
                "look at the data store in the console");
}

}  // namespace vbackup::driver::dragonfly_cloud
