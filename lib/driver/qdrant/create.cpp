// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "driver/qdrant/census.hpp"
#include "driver/qdrant/options.hpp"
#include "driver/qdrant/snapshots.hpp"
#include "driver/qdrant/spread.hpp"

namespace vbackup::driver::qdrant {

namespace {

using model::Step;
using model::StepKind;

// The nodes with an Active replica of a shard, with the points they would pack.
Choices choices_of(const std::string& collection, const Shard& shard) {
    Choices choices;
    for (const auto& replica : shard.replicas) {
        if (replica.state == "Active") choices[replica.peer] = replica.points + 1;
    }
    if (choices.empty())
        throw Error(ErrorKind::refused,
                    fmt::format("no replica of shard {} of collection {} is Active", shard.id, collection),
                    "`vbackup check` shows the whole state of the target");
    return choices;
}

// Each shard of all collections once, the work spread over the nodes. The only node needs no name.
std::vector<Place> shards_of(const std::vector<model::Collection>& collections, bool clustered,
                             const std::map<std::string, std::string>& wanted) {
    std::vector<Choices> choices;
    std::vector<Place> places;
    for (const auto& collection : collections) {
        for (const auto& shard : parse_census(collection).shards) {
            places.push_back({Unit::shard, collection.name, std::to_string(shard.id)});
            choices.push_back(choices_of(collection.name, shard));
            const auto node = wanted.find(file_name(places.back()));
            if (node == wanted.end() || !choices.back().contains(node->second)) continue;
            std::erase_if(choices.back(), [&](const auto& one) { return one.first != node->second; });
        }
    }
    const auto nodes = spread(choices);
    for (std::size_t i = 0; clustered && i < places.size(); ++i) places[i].node = nodes[i];
    return places;
}

// The nodes that have shards of it, or the only one.
std::vector<Place> nodes_of(const std::string& collection, const Census& census, bool clustered) {
    if (!clustered) return {{Unit::collection, collection}};
    std::set<std::string> peers;
    for (const auto& shard : census.shards) {
        for (const auto& replica : shard.replicas) peers.insert(replica.peer);
    }
    std::vector<Place> places;
    for (const auto& peer : peers) places.push_back({Unit::collection, collection, "", peer});
    return places;
}

std::vector<Place> places_of(const std::vector<model::Collection>& collections, Unit unit, bool clustered,
                             const std::map<std::string, std::string>& wanted) {
    if (unit == Unit::storage) return {{unit}};
    if (unit == Unit::shard) return shards_of(collections, clustered, wanted);
    std::vector<Place> places;
    for (const auto& collection : collections) {
        const auto nodes = nodes_of(collection.name, parse_census(collection), clustered);
        places.insert(places.end(), nodes.begin(), nodes.end());
    }
    return places;
}

void require_whole(const model::Inspection& now) {
    for (const auto& collection : now.collections) {
        const auto census = parse_census(collection);
        if (census.shards.empty() && !census.custom_sharding)
            throw Error(ErrorKind::refused, fmt::format("collection {} has no shard on this node", collection.name));
    }
}

void require_one_node(const model::Inspection& now) {
    if (now.nodes.size() <= 1) return;
    throw Error(ErrorKind::unsupported,
                fmt::format("a storage snapshot holds one node, and this Qdrant has {}", now.nodes.size()),
                "-o unit=shard, the default, backs up all of them; nothing is backed up in part");
}

void require_healthy(const model::Inspection& now) {
    if (now.obstacles.empty()) return;
    throw Error(ErrorKind::refused, now.obstacles.front(), "`vbackup check` shows the whole state of the target");
}

// The steps that make one snapshot, bring it home and free the server of it.
void add_snapshot(const model::Request& request, const Place& place, model::Plan& plan) {
    const Note note{.action = std::string(action::snapshot), .place = place};
    Step make{.id = step_name("snapshot", place),
              .part = place.part(),
              .what = fmt::format("make a snapshot of {}", place.text())};
    make.details = render(note);
    plan.steps.push_back(make);
    if (!request.keep) return;
    Step fetch{.id = step_name("fetch", place),
               .kind = StepKind::fetch,
               .part = place.part(),
               .what = fmt::format("bring home the snapshot of {}", place.text()),
               .after = {make.id},
               .of = make.id};
    plan.steps.push_back(fetch);
    if (keeps_on_server(request.options)) return;
    auto forget = forget_step(place, "");
    forget.after = {fetch.id};
    forget.of = make.id;
    forget.destroys = false;
    forget.tidy = true;
    plan.steps.push_back(std::move(forget));
}

}  // namespace

model::Plan plan_create(Call& call, Nodes& nodes, const model::Request& request,
                        const std::map<std::string, std::string>& wanted) {
    const auto unit = unit_of(request.options);
    if (request.incremental && unit != Unit::shard)
        throw Error(ErrorKind::usage, "increments are made of shards",
                    "leave out -o unit, or leave out --incremental: the server has no others");
    if (unit == Unit::storage && !request.scope.all())
        throw Error(ErrorKind::usage, "a storage snapshot holds every collection",
                    "leave out --collection and --exclude, or use -o unit=shard");
    const auto now = request.inspection ? *request.inspection : inspect(call, nodes, request.scope);
    if (unit == Unit::storage) require_one_node(now);
    require_healthy(now);
    require_whole(now);
    if (now.collections.empty()) throw Error(ErrorKind::refused, "there is no collection to back up");
    for (const auto& collection : now.collections) {
        if (unit == Unit::collection) require_same_ring(collection.name, parse_census(collection), unit);
    }
    for (const auto& collection : now.collections) nodes.any().require_may_snapshot(call, collection.name);

    model::Plan plan;
    plan.details = render(Note{.action = "create", .place = {unit}});
    for (const auto& place : places_of(now.collections, unit, is_clustered(now), wanted))
        add_snapshot(request, place, plan);
    return plan;
}

}  // namespace vbackup::driver::qdrant
