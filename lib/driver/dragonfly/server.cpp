// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/server.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace vbackup::driver::dragonfly {

namespace {

template <typename Number>
std::optional<Number> whole(std::string_view text) {
    Number value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// "keys=10,expires=2,avg_ttl=0"
KeySpace parse_space(std::string_view text) {
    KeySpace space;
    while (!text.empty()) {
        const auto part = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        const auto equals = part.find('=');
        if (equals == std::string_view::npos) continue;
        const auto value = whole<std::uint64_t>(part.substr(equals + 1)).value_or(0);
        if (part.starts_with("keys=")) space.keys = value;
        if (part.starts_with("expires=")) space.expires = value;
    }
    return space;
}

void name_product(Facts& facts) {
    if (facts.has("dragonfly_version")) {
        facts.product = "Dragonfly";
        facts.version = facts.value("dragonfly_version");
        // "df-v1.40.1"
        const auto v = facts.version.rfind("-v");
        if (v != std::string::npos) facts.version.erase(0, v + 2);
    } else if (facts.has("valkey_version")) {
        facts.product = "Valkey";
        facts.version = facts.value("valkey_version");
    } else if (facts.has("redis_version")) {
        facts.product = "Redis";
        facts.version = facts.value("redis_version");
    } else {
        throw Error(ErrorKind::not_understood, "INFO names neither Dragonfly nor Redis nor Valkey",
                    "what answers there speaks RESP, but is no database that vbackup knows");
    }
}

}  // namespace

std::optional<bool> tls_of(std::string_view scheme) {
    if (scheme == "dragonfly" || scheme == "redis" || scheme == "valkey") return false;
    if (scheme == "dragonflys" || scheme == "rediss" || scheme == "valkeys") return true;
    return std::nullopt;
}

net::RespServer server_of(const Settings& settings, const std::string& text) {
    const auto url = parse_url(text);
    const auto tls = tls_of(url.scheme);
    if (!tls)
        throw Error(ErrorKind::usage, fmt::format("{} is no address of a server that speaks RESP", text),
                    "write dragonfly://NAME:6379, or dragonflys:// for TLS");
    if (!url.path.empty())
        throw Error(ErrorKind::usage, fmt::format("the address {} has a path", text),
                    "databases are collections here: --collection db3");
    net::RespServer server;
    server.host = url.host;
    server.port = url.port == 0 ? 6379 : url.port;
    server.tls = *tls;
    server.user = settings.user;
    server.password = settings.key;
    server.connection = settings.connection;
    server.trace = settings.trace;
    return server;
}

std::string name_of(std::uint32_t database) {
    return fmt::format("db{}", database);
}

std::optional<std::uint32_t> database_of(std::string_view name) {
    if (!name.starts_with("db") || name.size() > 8) return std::nullopt;
    const auto number = whole<std::uint32_t>(name.substr(2));
    return number && name_of(*number) == name ? number : std::nullopt;
}

std::string Facts::value(const std::string& field) const {
    const auto found = info.find(field);
    return found == info.end() ? std::string() : found->second;
}

std::uint64_t Facts::number(const std::string& field) const {
    return whole<std::uint64_t>(value(field)).value_or(0);
}

bool Facts::is_cluster() const {
    return value("cluster_enabled") == "1" || value("redis_mode") == "cluster";
}

bool Facts::is_replica() const {
    return value("role") == "slave" || value("role") == "replica";
}

bool Facts::is_loading() const {
    return number("loading") != 0;
}

namespace {

constexpr std::array changes{"rdb_changes_since_last_success_save", "rdb_changes_since_last_save"};
// Where one of these is another one, the count of changes has begun anew.
constexpr std::array saves{"rdb_saves", "rdb_last_save_time", "last_success_save"};

std::string of(const std::map<std::string, std::string>& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
}

}  // namespace

std::map<std::string, std::string> life_of(const Facts& facts) {
    std::map<std::string, std::string> life;
    const auto add = [&](const char* field) {
        if (facts.has(field)) life[field] = facts.value(field);
    };
    for (const auto* field : {"run_id", "uptime_in_seconds"}) add(field);
    // Dragonfly makes a new one at each start; of a Redis it changes when its master fails.
    if (facts.is_dragonfly()) add("master_replid");
    for (const auto* field : changes) add(field);
    for (const auto* field : saves) add(field);
    return life;
}

bool was_restarted(const std::map<std::string, std::string>& before, const Facts& now) {
    for (const auto* field : {"run_id", "master_replid"})
        if (!of(before, field).empty() && now.has(field) && of(before, field) != now.value(field)) return true;
    if (!of(before, "run_id").empty() && now.has("run_id")) return false;
    return whole<std::uint64_t>(of(before, "uptime_in_seconds")).value_or(0) > now.number("uptime_in_seconds");
}

std::optional<std::uint64_t> changes_since(const std::map<std::string, std::string>& before, const Facts& now) {
    for (const auto* field : saves)
        if (of(before, field) != now.value(field)) return std::nullopt;
    for (const auto* field : changes) {
        const auto then = whole<std::uint64_t>(of(before, field));
        if (!then || !now.has(field)) continue;
        if (now.number(field) < *then) return std::nullopt;
        return now.number(field) - *then;
    }
    return std::nullopt;
}

Facts parse_facts(std::string_view text) {
    Facts facts;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        const auto colon = line.find(':');
        if (line.starts_with('#') || colon == std::string_view::npos) continue;
        const auto name = line.substr(0, colon);
        const auto value = line.substr(colon + 1);
        if (const auto database = database_of(name); database && value.find("keys=") != std::string_view::npos) {
            const auto space = parse_space(value);
            if (space.keys > 0) facts.databases[*database] = space;
        }
        facts.info.emplace(name, value);
    }
    name_product(facts);
    return facts;
}

Facts ask_facts(Call& call, net::Resp& wire) {
    return parse_facts(wire.require(call, {"INFO"}).text);
}

std::uint64_t ask_time(Call& call, net::Resp& wire) {
    const auto reply = wire.require(call, {"TIME"});
    if (reply.items.size() != 2)
        throw Error(ErrorKind::not_understood, "TIME was not answered with seconds and microseconds");
    return whole<std::uint64_t>(reply.items[0].text).value_or(0) * 1000 +
           whole<std::uint64_t>(reply.items[1].text).value_or(0) / 1000;
}

bool takes(Call& call, net::Resp& wire, std::initializer_list<std::string_view> words) {
    const auto reply = wire.ask(call, words);
    if (!reply.is_error()) return true;
    const auto error = net::to_error(reply, wire.server(), "the server");
    if (error.kind() == ErrorKind::unsupported || error.kind() == ErrorKind::denied) return false;
    // One that is loading says nothing of what it takes.
    if (error.kind() == ErrorKind::busy) throw error;
    // Other complaints are about the arguments: a cluster's MOVED, a wrong number of them.
    return reply.code() == "MOVED" || reply.code() == "ASK";
}

}  // namespace vbackup::driver::dragonfly
