// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/census.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vbackup::driver::qdrant {

namespace {

// A name without wildcards that is asked for must exist. An alias is no collection: a snapshot taken through one holds the
// collection behind it, and a restore to one would overwrite that.
void require_known(const model::Scope& scope, const std::vector<std::string>& names,
                   const std::vector<Alias>& aliases) {
    for (const auto& wanted : scope.include) {
        if (wanted.find_first_of("*?") != std::string::npos) continue;
        if (std::find(names.begin(), names.end(), wanted) != names.end()) continue;
        const auto alias =
            std::find_if(aliases.begin(), aliases.end(), [&](const auto& one) { return one.name == wanted; });
        const auto near = did_you_mean(wanted, names);
        const auto hint = alias != aliases.end()
                              ? fmt::format("it is an alias of collection {}: name that", alias->collection)
                          : near ? fmt::format("did you mean {}?", *near)
                                 : "`vbackup check` lists the collections";
        throw Error(ErrorKind::not_found, fmt::format("there is no collection {}", one_line(wanted, 120)), hint);
    }
}

std::vector<std::string> obstacles_of(const std::string& name, const Info& info, const Shards& shards) {
    std::vector<std::string> obstacles;
    if (info.status == "red") obstacles.push_back(fmt::format("collection {} is red: its optimizer failed", name));
    for (const auto& shard : shards.local) {
        if (shard.state != "Active")
            obstacles.push_back(
                fmt::format("shard {} of collection {} is {}, not Active", shard.id, name, one_line(shard.state, 40)));
    }
    if (shards.transfers > 0) obstacles.push_back(fmt::format("shards of collection {} are being moved", name));
    return obstacles;
}

model::Collection describe(const std::string& name, const Info& info, const Shards& shards,
                           const std::vector<Alias>& aliases) {
    model::Collection collection{.name = name};
    collection.shards = static_cast<std::uint32_t>(shards.local.size());
    collection.replicas = info.replicas;
    collection.config = info.config;
    collection.details = render(Census{info.custom_sharding, info.payload_schema, shards.local, shards.remote});
    for (const auto& alias : aliases) {
        if (alias.collection == name) collection.aliases.push_back(alias.name);
    }
    std::sort(collection.aliases.begin(), collection.aliases.end());
    return collection;
}

void count(Call& call, const Client& client, model::Collection& collection, model::Inspection& result) {
    collection.count = client.count(call, collection.name);
    if (!collection.count)
        result.warnings.push_back(
            fmt::format("collection {}: its strict mode refuses exact counts, so a restore of it cannot be proven",
                        collection.name));
}

}  // namespace

model::JsonText render(const Census& census) {
    auto shards = nlohmann::ordered_json::array();
    for (const auto& shard : census.shards) {
        nlohmann::ordered_json one = {{"id", shard.id}, {"state", shard.state}, {"points", shard.points}};
        if (!shard.key.empty()) one["key"] = nlohmann::ordered_json::parse(shard.key);
        shards.push_back(std::move(one));
    }
    nlohmann::ordered_json json = {{"sharding", census.custom_sharding ? "custom" : "auto"},
                                   {"payload_schema", nlohmann::ordered_json::parse(census.payload_schema)},
                                   {"shards", std::move(shards)}};
    if (census.remote) json["remote"] = census.remote;
    return json.dump();
}

Census parse_census(const model::Collection& collection) {
    const auto none =
        Error(ErrorKind::refused, fmt::format("the backup does not say how collection {} was made", collection.name),
              "vbackup did not make it; only collection snapshots can be restored without that");
    if (collection.details.empty() || collection.config.empty()) throw none;
    try {
        const auto json = nlohmann::json::parse(collection.details);
        Census census;
        census.custom_sharding = json.at("sharding") == "custom";
        census.payload_schema = json.at("payload_schema").dump();
        census.remote = json.value("remote", std::size_t{0});
        for (const auto& one : json.at("shards")) {
            Shard shard{.id = one.at("id").get<std::uint32_t>(),
                        .key = {},
                        .state = one.value("state", ""),
                        .points = one.value("points", std::uint64_t{0})};
            if (one.contains("key")) shard.key = one.at("key").dump();
            census.shards.push_back(std::move(shard));
        }
        return census;
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::corrupt,
                    fmt::format("what the backup says about collection {} is damaged", collection.name));
    }
}

std::vector<KeyGroup> key_groups(const Census& census) {
    std::vector<KeyGroup> groups;
    for (const auto& shard : census.shards) {
        const auto found =
            std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.key == shard.key; });
        if (found == groups.end())
            groups.push_back({shard.key, {shard.id}});
        else
            found->ids.push_back(shard.id);
    }
    return groups;
}

// Points find their shard by a hash ring over the shards' ids, so data put under other ids could not be found again. New
// ids count up from 0, with shard keys from 1; a key of a single shard has a ring of one and may get any id. A collection
// snapshot makes its shards itself, with whatever ids they had; but with shard keys they must be there before, under the very
// ids that it names.
void require_same_ring(const std::string& collection, const Census& census, Unit unit) {
    const bool whole = unit == Unit::collection;
    if (whole && !census.custom_sharding) return;
    std::uint32_t next = census.custom_sharding ? 1 : 0;
    for (const auto& group : key_groups(census)) {
        for (const auto id : group.ids) {
            if ((whole || group.ids.size() > 1) && id != next)
                throw Error(
                    ErrorKind::refused,
                    fmt::format("shard {} of collection {} would become shard {}", id, collection, next),
                    whole ? "its shard keys were not made in the order of their shards, or some were deleted: back it "
                            "up with -o unit=shard"
                    : census.custom_sharding ? "some of its shard keys were deleted: such shards cannot be put back"
                                             : "collections that were resharded need -o unit=collection backups");
            ++next;
        }
    }
}

void require_one_node(const Cluster& cluster) {
    if (cluster.peers <= 1) return;
    throw Error(ErrorKind::unsupported, fmt::format("this Qdrant is a cluster of {} nodes", cluster.peers),
                "clusters come with a later version; nothing was backed up or restored in part");
}

model::Inspection inspect(Call& call, const Client& client, const model::Scope& scope) {
    const auto root = client.root(call);
    const auto cluster = client.cluster(call);
    const auto names = client.collections(call);
    const auto aliases = client.aliases(call);
    require_known(scope, names, aliases);

    model::Inspection result{.product = "Qdrant", .version = root.version, .ready = true};
    std::string peer;
    for (const auto& name : names) {
        if (!scope.matches(name)) continue;
        call.require_time();
        const auto info = client.collection(call, name);
        if (!info) continue;  // it went away between two requests
        const auto shards = client.shards(call, name);
        peer = shards.peer;
        auto collection = describe(name, *info, shards, aliases);
        if (scope.counts) count(call, client, collection, result);
        for (auto& obstacle : obstacles_of(name, *info, shards)) result.obstacles.push_back(std::move(obstacle));
        result.collections.push_back(std::move(collection));
    }
    result.nodes.push_back({.name = peer.empty() ? "single" : peer,
                            .address = client.http().base(),
                            .version = root.version,
                            .healthy = result.obstacles.empty(),
                            .state = cluster.enabled ? "cluster" : "single node"});
    // No obstacle: those are refused as 12, and what a cluster cannot do yet is 14, which `plan` says.
    if (cluster.peers > 1)
        result.warnings.push_back(fmt::format(
            "this is a cluster of {} nodes: create and restore are refused until a later version", cluster.peers));
    if (!cluster.known)
        result.warnings.push_back("the key may not ask for the cluster's state: taken for a single node");
    result.details =
        nlohmann::json({{"peers", cluster.peers}, {"enabled", cluster.enabled}, {"known", cluster.known}}).dump();
    return result;
}

}  // namespace vbackup::driver::qdrant
