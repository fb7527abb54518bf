// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/client.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/url.hpp"
#include "model/shallow.hpp"
#include "net/answers.hpp"

namespace vbackup::driver::qdrant {

namespace {

using nlohmann::json;

[[noreturn]] void throw_not_understood(std::string_view what, std::string_view why) {
    throw Error(ErrorKind::not_understood,
                fmt::format("cannot {}: the answer makes no sense ({})", what, one_line(why, 200)),
                "is that address really a Qdrant?");
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

// A hint for what Qdrant refuses by rights.
std::string rights_hint(int status, std::string_view said) {
    if (status == 401) return "give the API key with api_key_file, api_key_env or api_key_command";
    if (contains(said, "remote URLs is disabled")) return "send the backup's own bytes instead: -o from=upload";
    if (contains(said, "inside the snapshots directory"))
        return "the server reads files below its snapshots directory only";
    if (contains(said, "ExpiredSignature")) return "the token has expired";
    return "the key may only read, or only some collections; use one that may manage";
}

[[noreturn]] void throw_for(const net::Response& response, std::string_view what) {
    const auto said = words(response);
    const auto text = fmt::format("cannot {}: {}", what, said);
    if (net::looks_like_html(response) || said.empty()) net::throw_for_status(response, what, said);
    switch (response.status) {
        case 400:
            if (contains(said, "hecksum mismatch"))
                // Not in the server's words: for uploads they take the expected one for the actual one.
                throw Error(ErrorKind::corrupt, fmt::format("cannot {}: the checksum is another one (HTTP 400)", what),
                            "the bytes were damaged on their way, or the backup is: try `vbackup verify`");
            // Of a shard key; collections that exist answer 409.
            if (contains(said, "already exists")) throw Error(ErrorKind::conflict, text);
            // A shard that moved away takes nothing along: its files stay behind, out of reach.
            if (contains(said, "is not a local"))
                throw Error(ErrorKind::not_found, text,
                            "the shard is no longer on that node; what it kept lies in the node's snapshots directory");
            throw Error(ErrorKind::failed, text);
        case 401:
        case 403:
            throw Error(ErrorKind::denied, text, rights_hint(response.status, said));
        case 405:
            throw Error(ErrorKind::unsupported, text);
        case 500:
            // A node that has no room for what it is sent says only which part of the form it could not take (1.19.0).
            if (contains(said, "No space left") || contains(said, "processing field: snapshot"))
                throw Error(
                    ErrorKind::storage, text,
                    "the disk of that node's snapshots directory is full, or it may not be written to; make room "
                    "and give the same command again");
            // While a shard is swapped by a recovery, or its nodes are away, nothing that sums over shards can be told.
            if (contains(said, "read operations failed"))
                throw Error(ErrorKind::busy, text, "a shard is being put back, or no node that has it answers");
            net::throw_for_status(response, what, said);
        case 422:
            throw Error(contains(said, "collection_name") ? ErrorKind::usage : ErrorKind::failed, text);
        default:
            net::throw_for_status(response, what, said);
    }
}

// The `result` of a good answer, given to `read`; a type that does not fit is not_understood.
template <typename Read>
auto read_result(const net::Response& response, std::string_view what, Read read) {
    require_good(response, what);
    try {
        return read(json::parse(model::shallow(response.body)).at("result"));
    } catch (const json::exception& error) {
        throw_not_understood(what, error.what());
    }
}

net::Request get(std::string path) {
    net::Request request;
    request.path = std::move(path);
    return request;
}

// Qdrant writes most things it does not know as null or leaves them out; both are "nothing".
const json& member(const json& object, const char* key) {
    static const json nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

Snapshot read_snapshot(const json& one) {
    Snapshot snapshot{.name = one.at("name").get<std::string>()};
    if (const auto& time = member(one, "creation_time"); !time.is_null())
        snapshot.created = parse_time(time.get<std::string>());
    if (const auto& size = member(one, "size"); !size.is_null()) snapshot.size = size.get<std::uint64_t>();
    if (const auto& sum = member(one, "checksum"); !sum.is_null()) snapshot.checksum = sum.get<std::string>();
    std::transform(snapshot.checksum.begin(), snapshot.checksum.end(), snapshot.checksum.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    // Noted as it is, it would be sent with the file at a restore, which the server would then refuse.
    const bool is_sha256 =
        snapshot.checksum.size() == 64 && snapshot.checksum.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!snapshot.checksum.empty() && !is_sha256)
        throw_not_understood("list the snapshots", "a checksum is no SHA-256");
    return snapshot;
}

void read_replica(const json& one, const std::string& peer, std::map<std::uint32_t, Shard>& into) {
    const auto id = one.at("shard_id").get<std::uint32_t>();
    auto& shard = into[id];
    shard.id = id;
    if (const auto& key = member(one, "shard_key"); !key.is_null()) shard.key = key.dump();
    shard.replicas.push_back({peer, one.at("state").get<std::string>(), one.value("points_count", std::uint64_t{0})});
}

// "shard 1 from 12 to 34", or as much of it as there is.
std::string describe_move(const json& one) {
    std::string text = fmt::format("shard {}", member(one, "shard_id").dump());
    if (one.contains("from")) text += fmt::format(" from {}", one.at("from").dump());
    if (one.contains("to")) text += fmt::format(" to {}", one.at("to").dump());
    return text;
}

Shards read_shards(const json& result) {
    Shards shards{.peer = result.at("peer_id").dump()};
    std::map<std::uint32_t, Shard> all;
    for (const auto& one : result.at("local_shards")) read_replica(one, shards.peer, all);
    for (const auto& one : result.at("remote_shards")) read_replica(one, one.at("peer_id").dump(), all);
    for (auto& [_, shard] : all) {
        std::sort(shard.replicas.begin(), shard.replicas.end(),
                  [](const auto& a, const auto& b) { return a.peer < b.peer; });
        shards.all.push_back(std::move(shard));
    }
    for (const auto& one : member(result, "shard_transfers")) shards.moves.push_back(describe_move(one));
    for (const auto& one : member(result, "resharding_operations"))
        shards.moves.push_back("resharding of " + describe_move(one));
    return shards;
}

Cluster read_cluster(const json& result) {
    Cluster cluster;
    cluster.enabled = result.at("status").get<std::string>() != "disabled";
    if (!cluster.enabled) return cluster;
    cluster.self = result.at("peer_id").dump();
    for (const auto& [id, peer] : result.at("peers").items())
        cluster.peers.push_back({id, peer.at("uri").get<std::string>()});
    // 0 while none is elected.
    if (const auto& raft = member(result, "raft_info"); raft.is_object() && raft.contains("leader"))
        cluster.has_leader = raft.at("leader").is_number() && raft.at("leader") != 0;
    return cluster;
}

Info read_info(const json& result) {
    const auto& config = result.at("config");
    const auto& params = config.at("params");
    Info info{.status = result.at("status").get<std::string>(), .config = config.dump()};
    auto schema = result.value("payload_schema", json::object());
    for (auto& field : schema) field.erase("points");
    info.payload_schema = schema.dump();
    info.replicas = params.value("replication_factor", 1U);
    if (const auto& method = member(params, "sharding_method"); !method.is_null())
        info.custom_sharding = method.get<std::string>() == "custom";
    return info;
}

Working read_telemetry(const json& result) {
    Working working;
    const auto& collections = result.at("collections");
    const auto& snapshots = member(collections, "snapshots");
    if (!snapshots.is_array()) return working;
    working.known = true;
    for (const auto& one : snapshots) {
        const auto id = one.at("id").get<std::string>();
        working.creations[id] = one.value("running_snapshots", std::uint64_t{0});
        working.recoveries[id] = one.value("running_snapshot_recovery", std::uint64_t{0});
        working.made += one.value("total_snapshot_creations", std::uint64_t{0});
    }
    return working;
}

// Lines of /metrics such as `snapshot_creation_running{id="docs"} 1`. A server that was asked for no snapshot yet has none.
void read_metric(std::string_view line, std::string_view name, std::map<std::string, std::uint64_t>& into) {
    const auto at = line.find(name);
    if (at == std::string_view::npos || line.starts_with('#')) return;
    const auto open = line.find("id=\"", at), close = line.rfind("\"}");
    if (open == std::string_view::npos || close == std::string_view::npos || close < open + 4) return;
    const auto value = line.substr(close + 2);
    into[std::string(line.substr(open + 4, close - open - 4))] =
        value.find_first_of("123456789") == std::string_view::npos ? 0 : 1;
}

Working read_metrics(std::string_view text) {
    Working working;
    working.known = contains(text, "snapshot_creation_running");
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        read_metric(line, "snapshot_creation_running", working.creations);
        read_metric(line, "snapshot_recovery_running", working.recoveries);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return working;
}

std::uint64_t find_or_0(const std::map<std::string, std::uint64_t>& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second;
}

}  // namespace

bool Working::knows(const std::string& collection) const {
    return known && creations.contains(collection);
}
std::uint64_t Working::creating(const std::string& collection) const {
    return find_or_0(creations, collection);
}
std::uint64_t Working::recovering(const std::string& collection) const {
    return find_or_0(recoveries, collection);
}
std::uint64_t Working::creating() const {
    std::uint64_t sum = 0;
    for (const auto& [_, count] : creations) sum += count;
    return sum;
}

const Shard* Shards::find(std::uint32_t id) const {
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& shard) { return shard.id == id; });
    return found == all.end() ? nullptr : &*found;
}

std::vector<Shard> Shards::local() const {
    std::vector<Shard> mine;
    std::copy_if(all.begin(), all.end(), std::back_inserter(mine), [&](const auto& shard) {
        return std::any_of(shard.replicas.begin(), shard.replicas.end(),
                           [&](const auto& replica) { return replica.peer == peer; });
    });
    return mine;
}

std::string below(const std::string& collection, std::string_view rest) {
    return fmt::format("/collections/{}{}", percent_encode(collection), rest);
}

std::string words(const net::Response& response) {
    const auto parsed = json::parse(model::shallow(response.body), nullptr, false);
    if (!parsed.is_object()) return net::plain_words(response);
    const auto& status = member(parsed, "status");
    if (status.is_object() && member(status, "error").is_string())
        return one_line(status.at("error").get<std::string>());
    return {};
}

bool says_missing(const net::Response& response) {
    return response.status == 404 && json::parse(model::shallow(response.body), nullptr, false).is_object() &&
           !words(response).empty();
}

void require_good(const net::Response& response, std::string_view what) {
    if (!response.ok()) throw_for(response, what);
    const auto said = words(response);
    const auto parsed = json::parse(model::shallow(response.body), nullptr, false);
    if (!parsed.is_object()) net::throw_for_status(response, what, {});
    if (!said.empty()) throw Error(ErrorKind::job_failed, fmt::format("cannot {}: {}", what, said));
}

void require_done(const net::Response& response, std::string_view what) {
    // Changes that go through consensus give up waiting after a while, and may still happen.
    const auto said = words(response);
    // "leader is not established within 10s": this one never happens, the other one below may.
    if (response.status == 500 && contains(said, "Failed to propose operation"))
        throw Error(ErrorKind::busy, fmt::format("cannot {}: {}", what, said),
                    "more than half of the nodes must run and reach each other; `vbackup check` shows them");
    const bool late =
        response.status == 408 || (response.status == 500 && (contains(said, "imeout") || contains(said, "imed out")));
    if (late)
        throw Error(ErrorKind::unreachable,
                    fmt::format("cannot {}: the server did not finish in time ({})", what, said));
    const bool good =
        read_result(response, what, [](const json& result) { return result.is_null() || result.get<bool>(); });
    if (!good)
        throw Error(ErrorKind::job_failed, fmt::format("cannot {}: the server says that nothing was done", what));
}

bool is_accepted(const net::Response& response) {
    if (response.status != 202) return false;
    const auto parsed = json::parse(model::shallow(response.body), nullptr, false);
    return parsed.is_object() && member(parsed, "status") == "accepted";
}

std::optional<Snapshot> made_snapshot(const net::Response& response) {
    return read_result(response, "make a snapshot", [](const json& result) -> std::optional<Snapshot> {
        if (result.is_null()) return std::nullopt;
        return read_snapshot(result);
    });
}

Client::Client(net::Connection connection, net::Trace trace)
    : http_(std::make_unique<net::Http>(std::move(connection), std::move(trace))) {}

Root Client::root(Call& call) const {
    constexpr std::string_view what = "ask for the version";
    const auto response = http_->send(call, get("/"));
    require_good(response, what);
    try {
        const auto answer = json::parse(model::shallow(response.body));
        return {answer.at("title").get<std::string>(), answer.at("version").get<std::string>(),
                net::http_date(response.header("date"))};
    } catch (const json::exception& error) {
        throw_not_understood(what, error.what());
    }
}

Cluster Client::cluster(Call& call, Repeat repeat) const {
    const auto response = http_->send(call, get("/cluster"), repeat == Repeat::yes);
    if (response.status == 403) return {.known = false};
    return read_result(response, "ask for the cluster's state", read_cluster);
}

std::vector<std::string> Client::collections(Call& call) const {
    return read_result(http_->send(call, get("/collections")), "list the collections", [](const json& result) {
        std::vector<std::string> names;
        for (const auto& one : result.at("collections")) names.push_back(one.at("name").get<std::string>());
        std::sort(names.begin(), names.end());
        return names;
    });
}

std::vector<Alias> Client::aliases(Call& call) const {
    return read_result(http_->send(call, get("/aliases")), "list the aliases", [](const json& result) {
        std::vector<Alias> aliases;
        for (const auto& one : result.at("aliases"))
            aliases.push_back({one.at("alias_name").get<std::string>(), one.at("collection_name").get<std::string>()});
        return aliases;
    });
}

std::optional<Info> Client::collection(Call& call, const std::string& name, Repeat repeat) const {
    const auto response = http_->send(call, get(below(name)), repeat == Repeat::yes);
    if (says_missing(response)) return std::nullopt;
    return read_result(response, fmt::format("look at collection {}", name), read_info);
}

Shards Client::shards(Call& call, const std::string& name, Repeat repeat) const {
    const auto response = http_->send(call, get(below(name, "/cluster")), repeat == Repeat::yes);
    return read_result(response, fmt::format("look at the shards of collection {}", name), read_shards);
}

std::vector<Snapshot> Client::snapshots(Call& call, const Place& place, Repeat repeat) const {
    const auto response = http_->send(call, get(place.path()), repeat == Repeat::yes);
    return read_result(response, fmt::format("list the snapshots of {}", place.text()), [](const json& result) {
        std::vector<Snapshot> snapshots;
        for (const auto& one : result) snapshots.push_back(read_snapshot(one));
        return snapshots;
    });
}

void Client::require_may_snapshot(Call& call, const std::string& name) const {
    const auto response = http_->send(call, get(below(name, "/shards/4294967295/snapshot")));
    if (response.status == 401 || response.status == 403)
        throw_for(response, fmt::format("make snapshots of collection {}", name));
}

Working Client::working(Call& call) const {
    // Below level 2 the list of snapshots is always empty, whatever the server does (seen on 1.19.0).
    const auto telemetry = http_->send(call, get("/telemetry?details_level=2"), false);
    if (telemetry.ok()) {
        const auto parsed = json::parse(model::shallow(telemetry.body), nullptr, false);
        try {
            if (auto working = read_telemetry(parsed.at("result")); working.known) return working;
        } catch (const json::exception&) {
            // Telemetry is no promise of the API: what cannot be read tells nothing, and the list still does.
        }
    }
    const auto metrics = http_->send(call, get("/metrics"), false);
    return metrics.ok() ? read_metrics(metrics.body) : Working{};
}

}  // namespace vbackup::driver::qdrant
