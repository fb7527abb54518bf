// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_qdrant_cluster.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>

#include "base/text.hpp"
#include "support/scripted_qdrant_node.hpp"

namespace vbackup::test {

namespace {

using Servers = std::vector<std::unique_ptr<HttpServer>>;
constexpr std::uint16_t p2p_port = 6335;
constexpr const char* methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

// A port that is free on one address may be taken on the next: then another is tried.
Servers with_one_port(std::size_t nodes) {
    constexpr int tries = 50;
    for (int i = 0; i < tries; ++i) {
        Servers servers;
        try {
            servers.push_back(std::make_unique<HttpServer>("127.77.0.1"));
            while (servers.size() < nodes)
                servers.push_back(std::make_unique<HttpServer>(fmt::format("127.77.0.{}", servers.size() + 1),
                                                               servers.front()->port()));
            return servers;
        } catch (const std::runtime_error&) {
            continue;
        }
    }
    throw std::runtime_error("no port is free on all addresses of the played cluster");
}

Servers with_own_ports(std::size_t nodes) {
    Servers servers;
    while (servers.size() < nodes) servers.push_back(std::make_unique<HttpServer>());
    return servers;
}

std::string address_of(const std::string& base) {
    const auto begin = base.find("//") + 2;
    return base.substr(begin, base.rfind(':') - begin);
}

// As a real one's: large, and no two alike.
std::uint64_t peer_id(std::size_t node) {
    constexpr std::uint64_t first = 738247544265522, apart = 1111111111111111;
    return first + apart * node;
}

}  // namespace

ScriptedQdrantCluster::ScriptedQdrantCluster(std::size_t nodes, Addresses addresses) : before_(nodes), servers_(nodes) {
    state_.enabled = nodes > 1;
    state_.keys = {{ScriptedQdrant::key, {.reads = true, .manages = true}},
                   {ScriptedQdrant::read_only_key, {.reads = true}}};
    auto servers = addresses == Addresses::own ? with_one_port(nodes) : with_own_ports(nodes);
    for (std::size_t node = 0; node < nodes; ++node) {
        const auto base = servers[node]->base();
        places_.emplace_back(address_of(base), servers[node]->port());
        // On one address the p2p ports differ as well.
        const auto port = addresses == Addresses::own ? p2p_port : servers[node]->port() + 2;
        state_.nodes.push_back(
            {.peer = peer_id(node), .uri = fmt::format("http://{}:{}/", places_.back().first, port), .rest = base});
    }
    for (std::size_t node = 0; node < nodes; ++node) serve(node, std::move(servers[node]));
}

ScriptedQdrantCluster::~ScriptedQdrantCluster() = default;

std::string ScriptedQdrantCluster::base(std::size_t node) const {
    return fmt::format("http://{}:{}", places_[node].first, places_[node].second);
}

std::vector<std::string> ScriptedQdrantCluster::bases() const {
    std::vector<std::string> all;
    for (std::size_t node = 0; node < places_.size(); ++node) all.push_back(base(node));
    return all;
}

std::string ScriptedQdrantCluster::balancer() {
    if (!balancer_) {
        balancer_ = std::make_unique<HttpServer>();
        for (const auto* method : methods)
            balancer_->on(method, "*",
                          [this](const HttpRequest& request) { return answer(turn_++ % places_.size(), request); });
    }
    return balancer_->base();
}

void ScriptedQdrantCluster::fill(const std::string& name, const std::string& body, std::uint64_t points,
                                 const std::vector<std::string>& keys) {
    const std::scoped_lock lock(mutex_);
    played::create_collection(state_, name, body);
    for (const auto& key : keys) played::create_key(state_, name, fmt::format(R"({{"shard_key":{}}})", key));
    auto& shards = state_.collections.at(name).shards;
    const auto all = keys.empty() ? points : points * keys.size();
    for (std::uint64_t id = 0; id < all; ++id) {
        auto& shard = shards[keys.empty() ? id % shards.size() : id / points * shards.size() / keys.size()];
        for (auto& [_, replica] : shard.replicas)
            replica.points[id] = fmt::format(R"({{"payload":{{"num":{}}},"vector":[{}.5,1.0,0.0,0.25]}})", id, id);
    }
}

void ScriptedQdrantCluster::serve(std::size_t node, std::unique_ptr<HttpServer> server) {
    for (const auto* method : methods)
        server->on(method, "*", [this, node](const HttpRequest& request) { return answer(node, request); });
    servers_[node] = std::move(server);
}

void ScriptedQdrantCluster::stop(std::size_t node) {
    with([&](auto& state) { state.nodes[node].alive = false; });
    // Its threads may be waiting for the state: it ends while nobody holds that.
    const auto seen = servers_[node]->requests();
    servers_[node].reset();
    before_[node].insert(before_[node].end(), seen.begin(), seen.end());
}

void ScriptedQdrantCluster::start(std::size_t node) {
    if (!servers_[node]) serve(node, std::make_unique<HttpServer>(places_[node].first, places_[node].second));
    with([&](auto& state) { state.nodes[node].alive = true; });
}

void ScriptedQdrantCluster::once(std::string method, std::string path, Answer answer) {
    const std::scoped_lock lock(mutex_);
    rules_.push_back({std::move(method), std::move(path), std::move(answer), false});
}

void ScriptedQdrantCluster::lose_answer(std::string method, std::string path, Fault fault) {
    const std::scoped_lock lock(mutex_);
    rules_.push_back({std::move(method), std::move(path), {.fault = fault}, true});
}

void ScriptedQdrantCluster::cut_once(std::string method, std::string path, std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    rules_.push_back({std::move(method), std::move(path), {.fault = Fault::cut}, true, bytes});
}

std::vector<HttpRequest> ScriptedQdrantCluster::seen_by(std::size_t node, const std::string& method,
                                                        const std::string& pattern) const {
    auto all = before_[node];
    if (servers_[node]) {
        const auto now = servers_[node]->requests();
        all.insert(all.end(), now.begin(), now.end());
    }
    std::erase_if(all, [&](const auto& one) { return one.method != method || !glob_match(pattern, one.target); });
    return all;
}

std::vector<HttpRequest> ScriptedQdrantCluster::requests(const std::string& method, const std::string& pattern) const {
    std::vector<HttpRequest> all;
    for (std::size_t node = 0; node < places_.size(); ++node) {
        const auto some = seen_by(node, method, pattern);
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

std::size_t ScriptedQdrantCluster::count(std::size_t node, const std::string& method,
                                         const std::string& pattern) const {
    return seen_by(node, method, pattern).size();
}

std::size_t ScriptedQdrantCluster::count(const std::string& method, const std::string& pattern) const {
    return requests(method, pattern).size();
}

Answer ScriptedQdrantCluster::answer(std::size_t node, const HttpRequest& request) {
    const std::scoped_lock lock(mutex_);
    const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const auto& one) {
        return one.method == request.method && glob_match(one.path, request.path);
    });
    std::optional<Rule> now;
    if (rule != rules_.end()) {
        now = *rule;
        rules_.erase(rule);
        if (!now->acts) return now->answer;
    }
    auto answer = played::answer(state_, node, request);
    if (!now) return answer;
    if (!now->cut_at) return now->answer;
    answer.fault = now->answer.fault;
    answer.fault_at = *now->cut_at;
    return answer;
}

}  // namespace vbackup::test
