// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_qdrant_node.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace vbackup::test::played {

namespace {

using json = nlohmann::ordered_json;
using namespace wire;

Answer forbidden(const std::string& text) {
    return error(403, "Forbidden: " + text);
}

Rights rights_of(const State& state, const HttpRequest& request) {
    if (state.keys.empty()) return {.reads = true, .manages = true};
    const auto found = state.keys.find(key_of(request));
    if (found == state.keys.end()) throw Refusal{{.status = 401, .body = "Invalid API key or JWT"}};
    return found->second;
}

std::size_t leader_of(const State& state) {
    const auto alive =
        std::find_if(state.nodes.begin(), state.nodes.end(), [](const auto& node) { return node.alive; });
    return static_cast<std::size_t>(alive - state.nodes.begin());
}

Answer cluster(const Asked& asked) {
    asked.require_global_read();
    if (!asked.state.enabled) return good(R"({"status":"disabled"})");
    json peers, failures = json::object();
    const auto leader = leader_of(asked.state);
    for (const auto& node : asked.state.nodes) {
        peers[std::to_string(node.peer)] = {{"uri", node.uri}};
        if (!node.alive && asked.node == leader)
            failures[node.uri] = {{"count", 13},
                                  {"latest_error", "tcp connect error"},
                                  {"latest_error_timestamp", "2026-11-21T07:54:13.769947267Z"}};
    }
    return good(json({{"status", "enabled"},
                      {"peer_id", asked.here().peer},
                      {"peers", peers},
                      {"raft_info",
                       {{"term", 1},
                        {"commit", 9},
                        {"pending_operations", asked.state.pending.size()},
                        {"leader", asked.state.nodes[leader].peer},
                        {"role", asked.node == leader ? "Leader" : "Follower"},
                        {"is_voter", true}}},
                      {"consensus_thread_status",
                       {{"consensus_thread_status", "working"}, {"last_update", "2026-11-21T07:50:13.304377259Z"}}},
                      {"message_send_failures", failures}})
                    .dump());
}

// Any key may ask this, and /telemetry.
Answer cluster_telemetry(const Asked& asked) {
    if (!asked.state.enabled || !asked.state.knows_cluster_telemetry) return {.status = 404};
    json peers, collections = json::object();
    for (const auto& node : asked.state.nodes) {
        json details;
        if (node.alive) details = {{"version", node.version}, {"is_voter", true}, {"num_pending_operations", 0}};
        peers[std::to_string(node.peer)] = {{"uri", node.uri}, {"responsive", node.alive}, {"details", details}};
    }
    for (const auto& [name, _] : asked.state.collections) collections[name] = {{"id", name}};
    return good(
        json({{"collections", collections},
              {"cluster", {{"enabled", true}, {"number_of_peers", asked.state.nodes.size()}, {"peers", peers}}}})
            .dump());
}

// How many snapshots of this collection and of its shards are still being made here: each counts (qdrant 1.19.0,
// src/common/snapshots.rs).
std::int64_t at_work(const Node& node, const std::string& name) {
    std::int64_t all = 0;
    for (const auto& [place, files] : node.stored) {
        if (place.substr(0, place.find('/')) == name)
            all += std::count_if(files.begin(), files.end(), [](const auto& file) { return file.looks > 0; });
    }
    return all;
}

Answer telemetry(const Asked& asked) {
    json snapshots = json::array();
    for (const auto& [name, _] : asked.state.collections)
        snapshots.push_back({{"id", name},
                             {"running_snapshots", at_work(asked.here(), name)},
                             {"running_snapshot_recovery", 0},
                             {"total_snapshot_creations", 1}});
    if (query(asked.request, "details_level") < "2") snapshots = json::array();
    return good(json({{"app", {{"name", "qdrant"}, {"version", asked.here().version}}},
                      {"collections",
                       {{"number_of_collections", asked.state.collections.size()},
                        {"collections", json::array()},
                        {"snapshots", snapshots}}}})
                    .dump());
}

Answer metrics(const Asked& asked) {
    asked.require_global_read();
    std::string body = "# TYPE collections_total gauge\ncollections_total 1\n";
    for (const auto& [name, _] : asked.state.collections)
        body += fmt::format("snapshot_creation_running{{id=\"{}\"}} {}\n", name, at_work(asked.here(), name));
    return as_text(200, body);
}

Answer aliases(const Asked& asked, const std::string& of) {
    json all = json::array();
    for (const auto& [alias, name] : asked.state.aliases) {
        if ((of.empty() || of == name) && asked.may(name, false))
            all.push_back({{"alias_name", alias}, {"collection_name", name}});
    }
    return good(json({{"aliases", all}}).dump());
}

Answer collections(const Asked& asked) {
    json all = json::array();
    for (const auto& [name, _] : asked.state.collections) {
        if (asked.may(name, false)) all.push_back({{"name", name}});
    }
    return good(json({{"collections", all}}).dump());
}

void set_alias(State& state, const json& action) {
    if (action.contains("delete_alias")) {
        state.aliases.erase(action.at("delete_alias").at("alias_name").get<std::string>());
    } else if (action.contains("rename_alias")) {
        auto moved = state.aliases.extract(action.at("rename_alias").at("old_alias_name").get<std::string>());
        if (moved.empty()) return;
        moved.key() = action.at("rename_alias").at("new_alias_name").get<std::string>();
        state.aliases.insert(std::move(moved));
    } else {
        const auto& made = action.at("create_alias");
        state.aliases[made.at("alias_name").get<std::string>()] = made.at("collection_name").get<std::string>();
    }
}

Answer set_aliases(const Asked& asked) {
    asked.require_manage();
    const auto actions = json::parse(asked.request.body).at("actions");
    for (const auto& action : actions) {
        if (!action.contains("create_alias")) continue;
        const auto name = action.at("create_alias").at("collection_name").get<std::string>();
        const auto alias = action.at("create_alias").at("alias_name").get<std::string>();
        if (!asked.state.collections.contains(name))
            return error(404, fmt::format("Not found: Collection `{}` doesn't exist!", name));
        if (asked.state.collections.contains(alias))
            return error(409, fmt::format("Wrong input: Collection `{}` already exists!", alias));
    }
    return agreed(asked, [actions](State& state) {
        for (const auto& action : actions) set_alias(state, action);
    });
}

Answer info(const Asked& asked) {
    const auto& collection = asked.collection();
    std::uint64_t count = 0;
    for (const auto& shard : collection.shards) {
        if (const auto* points = readable(asked.state, shard, asked.node)) count += points->size();
    }
    return good(shown(collection.status, count, collection.config, collection.schema));
}

Answer drop(const Asked& asked) {
    if (!asked.state.collections.contains(asked.at(1))) return good("false");
    return agreed(asked, [name = asked.at(1)](State& state) {
        std::erase_if(state.aliases, [&](const auto& one) { return one.second == name; });
        state.collections.erase(name);
    });
}

Answer whole_collection(const Asked& asked) {
    if (asked.is("GET")) {
        asked.require(asked.at(1), false);
        return info(asked);
    }
    asked.require_manage();
    if (asked.is("DELETE")) return drop(asked);
    const auto name = asked.name(), body = asked.request.body;
    if (asked.is("PATCH")) {
        asked.collection();
        return agreed(asked, [name, body](State& state) {
            auto config = json::parse(state.collections.at(name).config);
            config.merge_patch(json::parse(body));
            state.collections.at(name).config = config.dump();
        });
    }
    if (asked.exists()) return error(409, fmt::format("Wrong input: Collection `{}` already exists!", asked.at(1)));
    return agreed(asked, [name, body](State& state) { create_collection(state, name, body); });
}

json about(const Shard& shard) {
    json one = {{"shard_id", shard.id}};
    if (!shard.key.empty()) one["shard_key"] = json::parse(shard.key);
    return one;
}

Answer shards(const Asked& asked) {
    const auto& collection = asked.collection();
    asked.state.uploaded_new.erase(asked.name());
    json local = json::array(), remote = json::array(), transfers = json::array();
    for (const auto& shard : collection.shards) {
        for (const auto& [node, replica] : shard.replicas) {
            auto one = about(shard);
            if (node != asked.node) one["peer_id"] = asked.state.nodes[node].peer;
            if (node == asked.node) one["points_count"] = replica.points.size();
            one["state"] = replica.state;
            (node == asked.node ? local : remote).push_back(one);
        }
    }
    for (const auto& one : collection.transfers)
        transfers.push_back({{"shard_id", one.shard},
                             {"from", asked.state.nodes[one.from].peer},
                             {"to", asked.state.nodes[one.to].peer},
                             {"sync", true},
                             {"method", one.method}});
    json body = {{"peer_id", asked.here().peer},
                 {"shard_count", collection.shards.size()},
                 {"local_shards", local},
                 {"remote_shards", remote},
                 {"shard_transfers", transfers}};
    for (const auto& one : collection.resharding) body["resharding_operations"].push_back(json::parse(one));
    return good(body.dump());
}

Answer keys(const Asked& asked) {
    if (asked.is("PUT")) {
        asked.require_manage();
        const auto key = json::parse(asked.request.body).at("shard_key").dump();
        for (const auto& shard : asked.collection().shards) {
            if (shard.key == key) return error(400, fmt::format("Wrong input: Sharding key {} already exists", key));
        }
        return agreed(
            asked, [name = asked.name(), body = asked.request.body](State& state) { create_key(state, name, body); });
    }
    json all = json::array();
    for (const auto& shard : asked.collection().shards) {
        const json one = {{"key", shard.key.empty() ? json() : json::parse(shard.key)}};
        if (!shard.key.empty() && std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    }
    return good(all.empty() ? "{}" : json({{"shard_keys", all}}).dump());
}

Answer make_index(const Asked& asked) {
    asked.require(asked.at(1), true);
    asked.collection();
    return agreed(
        asked,
        [name = asked.name(), body = asked.request.body](State& state) {
            auto& schema = state.collections.at(name).schema;
            schema = with_index(schema, body);
        },
        R"({"operation_id":7,"status":"completed"})");
}

Answer below_collection(const Asked& asked) {
    const auto what = asked.at(2);
    if (what == "snapshots") return collection_snapshots(asked);
    if (what == "shards" && asked.parts.size() > 3) return shard_snapshots(asked);
    if (asked.parts.size() == 2) return whole_collection(asked);
    if (what == "exists") return good(fmt::format(R"({{"exists":{}}})", asked.exists()));
    asked.require(asked.at(1), false);
    if (what == "cluster" && asked.is("GET")) return shards(asked);
    if (what == "aliases") return aliases(asked, asked.name());
    if (what == "points") return points(asked);
    if (what == "shards") return keys(asked);
    if (what == "index" && asked.is("PUT")) return make_index(asked);
    return {.status = 404};
}

Answer route(const Asked& asked) {
    const auto& path = asked.request.path;
    if (asked.is("HEAD")) return {.status = 404};
    if (path == "/cluster") return cluster(asked);
    if (path == "/cluster/telemetry") return cluster_telemetry(asked);
    if (path == "/telemetry") return telemetry(asked);
    if (path == "/metrics") return metrics(asked);
    if (path == "/aliases") return aliases(asked, "");
    if (path == "/collections") return collections(asked);
    if (path == "/collections/aliases" && asked.is("POST")) return set_aliases(asked);
    if (asked.at(0) == "snapshots") return storage_snapshots(asked);
    if (asked.at(0) == "collections" && asked.parts.size() >= 2) return below_collection(asked);
    return {.status = 404};
}

}  // namespace

Collection& Asked::collection() const {
    const auto found = state.collections.find(name());
    if (found == state.collections.end())
        throw Refusal{error(404, fmt::format("Not found: Collection `{}` doesn't exist!", at(1)))};
    return found->second;
}

void Asked::require_global_read() const {
    if (!rights.reads && !rights.manages) throw Refusal{forbidden("Global access is required")};
}

void Asked::require_manage() const {
    if (rights.manages) return;
    throw Refusal{forbidden(rights.reads ? "Global manage access is required" : "Global access is required")};
}

bool Asked::may(const std::string& collection, bool change) const {
    if (rights.manages || (rights.reads && !change)) return true;
    const auto own = rights.collections.find(collection);
    return own != rights.collections.end() && (own->second || !change);
}

void Asked::require(const std::string& collection, bool change) const {
    if (may(collection, change)) return;
    if (rights.reads) throw Refusal{forbidden("Global manage access is required")};
    throw Refusal{
        forbidden(fmt::format("{} to collection {} is required",
                              rights.collections.contains(collection) ? "Write access" : "Access", collection))};
}

Answer agreed(const Asked& asked, const std::function<void(State&)>& change, const std::string& result) {
    auto& state = asked.state;
    const auto late = std::find_if(state.timeouts.begin(), state.timeouts.end(), [&](const auto& one) {
        return one.method == asked.request.method && glob_match(one.path, asked.request.path);
    });
    if (late == state.timeouts.end() && has_quorum(state)) {
        change(state);
        return good(result);
    }
    if (late != state.timeouts.end()) {
        constexpr int steps_until_it_comes = 3;
        if (late->comes) schedule(state, steps_until_it_comes, change);
        state.timeouts.erase(late);
    }
    const auto patience = query(asked.request, "timeout");
    return error(500,
                 fmt::format("Service internal error: Waiting for consensus operation commit failed. Timeout set at: "
                             "{} seconds",
                             patience.empty() ? "10" : patience));
}

namespace {

Answer answer_of(State& state, std::size_t node, const HttpRequest& request) {
    if (request.path == "/" && request.method == "GET") return greeting(state.nodes[node].version);
    if (request.path == "/healthz") return as_text(200, "healthz check passed");
    if (request.path == "/readyz") return as_text(200, "all shards are ready");
    try {
        Asked asked{.state = state, .node = node, .request = request};
        asked.rights = rights_of(state, request);
        return route(asked);
    } catch (const Refusal& refusal) {
        return refusal.answer;
    } catch (const nlohmann::json::exception& bad) {
        return error(400, fmt::format("Format error in JSON body: {}", bad.what()));
    }
}

}  // namespace

Answer answer(State& state, std::size_t node, const HttpRequest& request) {
    if (!state.nodes[node].alive) return {.fault = Fault::reset};
    if (request.method == "GET") look(state, node, request.target);
    auto answer = answer_of(state, node, request);
    answer.headers.emplace_back("Date", http_date(state));
    return answer;
}

}  // namespace vbackup::test::played
