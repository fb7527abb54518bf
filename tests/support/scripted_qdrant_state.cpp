// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_qdrant_state.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vbackup::test::played {

namespace {

using json = nlohmann::ordered_json;

std::size_t replication_factor(const Collection& collection) {
    return json::parse(collection.config).at("params").value("replication_factor", std::size_t{1});
}

Shard* find_shard(State& state, const std::string& name, std::uint32_t id) {
    const auto collection = state.collections.find(name);
    if (collection == state.collections.end()) return nullptr;
    auto& shards = collection->second.shards;
    const auto found = std::find_if(shards.begin(), shards.end(), [&](const auto& shard) { return shard.id == id; });
    return found == shards.end() ? nullptr : &*found;
}

// Replicas on `factor` nodes, or on all there are, from `turn` on, by turns in one direction and in the other; those of a
// node that is down wait for it.
std::map<std::size_t, Replica> placed(const State& state, std::size_t turn, std::size_t factor) {
    const auto all = state.nodes.size();
    const auto step = turn / all % 2 == 0 ? 1 : all - 1;
    std::map<std::size_t, Replica> replicas;
    for (std::size_t i = 0; i < std::min(factor, all); ++i) {
        const auto node = (turn + i * step) % all;
        replicas[node].state = state.nodes[node].alive ? "Active" : "Initializing";
    }
    return replicas;
}

// Shows after the lag, if the shard is still there then.
void later(State& state, const std::string& name, std::uint32_t id, std::function<void(Shard&)> change) {
    schedule(state, state.lag, [name, id, change = std::move(change)](State& now) {
        if (auto* shard = find_shard(now, name, id)) change(*shard);
    });
}

std::vector<std::size_t> other_active(const Shard& shard, std::size_t node) {
    std::vector<std::size_t> others;
    for (const auto& [other, replica] : shard.replicas) {
        if (other != node && replica.state == "Active") others.push_back(other);
    }
    return others;
}

// A replica of a node that held none shows with the rest.
void take_points(State& state, const std::string& name, Shard& shard, std::size_t node, const Points& points) {
    if (shard.replicas.contains(node))
        shard.replicas[node].points = points;
    else
        later(state, name, shard.id, [=](Shard& one) { one.replicas[node].points = points; });
}

void set_state(State& state, const std::string& name, std::uint32_t id, std::size_t node, const std::string& word) {
    later(state, name, id, [=](Shard& one) {
        if (one.replicas.contains(node)) one.replicas[node].state = word;
    });
}

// One transfer a step further: the difference is tried first, then everything; then writes are caught up with.
void advance(Collection& collection, Transfer& transfer) {
    for (auto& shard : collection.shards) {
        if (shard.id != transfer.shard || !shard.replicas.contains(transfer.to)) continue;
        auto& to = shard.replicas[transfer.to];
        if (to.state == "Partial") {
            to.state = "Active";
        } else if (transfer.method == "wal_delta") {
            transfer.method = "snapshot";
        } else {
            to.state = "Partial";
            to.points = shard.replicas[transfer.from].points;
        }
    }
}

// What was placed on a node that was down is made when it is back.
void join(const State& state, Collection& collection) {
    for (auto& shard : collection.shards) {
        for (auto& [node, replica] : shard.replicas) {
            if (replica.state == "Initializing" && state.nodes[node].alive) replica.state = "Active";
        }
    }
}

bool under_way(const Collection& collection, std::uint32_t shard) {
    return std::any_of(collection.transfers.begin(), collection.transfers.end(),
                       [&](const auto& one) { return one.shard == shard; });
}

// Each shard mends one dead replica at a time, from the first active one.
void begin_transfers(const State& state, Collection& collection) {
    for (auto& shard : collection.shards) {
        if (under_way(collection, shard.id)) continue;
        const auto is = [&](const std::string& word) {
            return std::find_if(shard.replicas.begin(), shard.replicas.end(), [&](const auto& one) {
                return one.second.state == word && state.nodes[one.first].alive;
            });
        };
        const auto from = is("Active"), to = is("Dead");
        if (from == shard.replicas.end() || to == shard.replicas.end()) continue;
        to->second.state = "Recovery";
        collection.transfers.push_back({.shard = shard.id, .from = from->first, .to = to->first});
    }
}

bool ended(Collection& collection, const Transfer& transfer) {
    if (transfer.stays) return false;
    for (auto& shard : collection.shards) {
        if (shard.id == transfer.shard && shard.replicas.contains(transfer.to))
            return shard.replicas[transfer.to].state == "Active";
    }
    return true;
}

std::string time_of_day(const State& state) {
    return fmt::format("{:02}:{:02}:{:02}", 8 + state.second / 3600, state.second / 60 % 60, state.second % 60);
}

}  // namespace

std::string moment(const State& state) {
    return "2026-11-21T" + time_of_day(state);
}

std::string http_date(const State& state) {
    return fmt::format("Sat, 21 Nov 2026 {} GMT", time_of_day(state));
}

std::string real_name(const State& state, const std::string& name) {
    const auto alias = state.aliases.find(name);
    return alias == state.aliases.end() ? name : alias->second;
}

bool has_quorum(const State& state) {
    const auto alive =
        std::count_if(state.nodes.begin(), state.nodes.end(), [](const auto& node) { return node.alive; });
    return 2 * static_cast<std::size_t>(alive) > state.nodes.size();
}

void create_collection(State& state, const std::string& name, const std::string& text) {
    auto body = json::parse(text);
    const bool custom = body.value("sharding_method", "auto") == "custom";
    if (!body.contains("shard_number")) body["shard_number"] = custom ? 1 : state.nodes.size();
    Collection made{.config = wire::config_of(body.dump())};
    const auto first = state.placements++;
    for (std::uint32_t id = 0; !custom && id < body["shard_number"]; ++id)
        made.shards.push_back({.id = id, .replicas = placed(state, first + id, replication_factor(made))});
    state.collections[name] = std::move(made);
}

void create_key(State& state, const std::string& name, const std::string& text) {
    const auto body = json::parse(text);
    auto& collection = state.collections.at(name);
    const auto shards = json::parse(collection.config).at("params").value("shard_number", 1U);
    const auto factor = body.value("replication_factor", replication_factor(collection));
    const auto first = state.placements++;
    for (std::uint32_t i = 0; i < body.value("shards_number", shards); ++i) {
        const auto id = collection.shards.empty() ? 1U : collection.shards.back().id + 1;
        collection.shards.push_back(
            {.id = id, .key = body.at("shard_key").dump(), .replicas = placed(state, first + i, factor)});
    }
}

void optimize(State& state, const std::string& name) {
    for (auto& shard : state.collections.at(name).shards) {
        for (auto& [_, replica] : shard.replicas)
            replica.built = {{fmt::format("{:08x}-2fa1-41d2-883f-0016d3cca427", ++state.built), replica.points}};
    }
}

const Points* readable(const State& state, const Shard& shard, std::size_t node) {
    const auto own = shard.replicas.find(node);
    if (own != shard.replicas.end() && own->second.state == "Active") return &own->second.points;
    for (const auto& [other, replica] : shard.replicas) {
        if (replica.state == "Active" && state.nodes[other].alive) return &replica.points;
    }
    return nullptr;
}

void schedule(State& state, int steps, std::function<void(State&)> change) {
    if (steps > 0)
        state.pending.emplace_back(steps, std::move(change));
    else
        change(state);
}

void look(State& state, std::size_t node, const std::string& what) {
    const auto one = std::to_string(node) + " " + what;
    if (!state.asked.insert(one).second) {
        step(state);
        state.asked = {one};
    }
}

void step(State& state) {
    if (state.second_lasts > 0)
        --state.second_lasts;
    else
        ++state.second;
    for (auto& [_, collection] : state.collections) {
        for (auto& transfer : collection.transfers) {
            if (!transfer.stays) advance(collection, transfer);
        }
        std::erase_if(collection.transfers, [&, &all = collection](const auto& one) { return ended(all, one); });
        join(state, collection);
        if (!state.recoveries_hang) begin_transfers(state, collection);
    }
    auto waiting = std::exchange(state.pending, {});
    for (auto& [steps, change] : waiting) {
        schedule(state, steps - 1, std::move(change));
    }
}

void catch_up(State& state) {
    for (auto& [_, change] : std::exchange(state.pending, {})) change(state);
}

void recover_shard(State& state, const std::string& name, std::uint32_t id, std::size_t node, const Points& points,
                   const std::string& priority) {
    auto& shard = *find_shard(state, name, id);
    const auto others = other_active(shard, node);
    take_points(state, name, shard, node, points);
    if (others.empty() || priority != "replica") set_state(state, name, id, node, "Active");
    if (others.empty() || priority == "no_sync") return;
    if (priority == "replica") return set_state(state, name, id, node, "Dead");
    if (state.words_lost > 0) {
        --state.words_lost;
        return;
    }
    for (const auto other : others) set_state(state, name, id, other, "Dead");
}

void recover_collection(State& state, const std::string& name, std::size_t node,
                        const std::map<std::uint32_t, Points>& shards, const std::string& priority) {
    const auto& collection = state.collections.at(name);
    const auto factor = replication_factor(collection);
    for (const auto& [id, points] : shards) {
        auto* shard = find_shard(state, name, id);
        if (shard == nullptr) continue;
        const auto others = other_active(*shard, node);
        if (priority == "snapshot" && others.size() >= factor) {
            // Those that are one too many go, and only the rest is told to catch up.
            for (std::size_t i = 0; i + factor <= others.size(); ++i)
                later(state, name, id, [gone = others[i]](Shard& one) { one.replicas.erase(gone); });
        }
        recover_shard(state, name, id, node, points, priority);
        if (priority == "replica" && !others.empty()) {
            // The transfer that was asked for is refused, and nobody asks again.
            set_state(state, name, id, node, "ManualRecovery");
        }
    }
}

}  // namespace vbackup::test::played
