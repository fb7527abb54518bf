// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/census.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

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

// A collection as all reachable nodes see it.
struct View {
    Info info;
    std::string peer;  // of the last node that was asked: a Qdrant without consensus has an id too
    std::vector<Shard> shards;
    std::vector<std::string> moves;
};

std::vector<std::string> obstacles_of(const std::string& name, const View& view) {
    std::vector<std::string> obstacles;
    if (view.info.status == "red") obstacles.push_back(fmt::format("collection {} is red: its optimizer failed", name));
    for (const auto& shard : view.shards) {
        const auto active = std::count_if(shard.replicas.begin(), shard.replicas.end(),
                                          [](const auto& replica) { return replica.state == "Active"; });
        if (active > 0) continue;
        obstacles.push_back(fmt::format("shard {} of collection {} is {}, not Active", shard.id, name,
                                        one_line(shard.replicas.front().state, 40)));
    }
    for (const auto& move : view.moves)
        obstacles.push_back(fmt::format("shards of collection {} are being moved: {}", name, one_line(move, 80)));
    return obstacles;
}

std::vector<std::string> warnings_of(const std::string& name, const View& view) {
    std::vector<std::string> warnings;
    for (const auto& shard : view.shards) {
        for (const auto& replica : shard.replicas) {
            if (replica.state == "Active") continue;
            warnings.push_back(fmt::format("shard {} of collection {} is {} on node {}", shard.id, name,
                                           one_line(replica.state, 40), replica.peer));
        }
    }
    return warnings;
}

model::Collection describe(const std::string& name, const View& view, const std::vector<Alias>& aliases) {
    model::Collection collection{.name = name};
    collection.shards = static_cast<std::uint32_t>(view.shards.size());
    collection.replicas = view.info.replicas;
    collection.config = view.info.config;
    for (const auto& alias : aliases) {
        if (alias.collection == name) collection.aliases.push_back(alias.name);
    }
    std::sort(collection.aliases.begin(), collection.aliases.end());
    return collection;
}

// How many points of a collection, or of one of its shard keys, are looked at to compare what they hold.
constexpr std::size_t sample_size = 16;

void count_points(Call& call, const Client& client, const std::string& name, model::Collection& collection,
                  Census& census, model::Inspection& result) {
    collection.count = count(call, client, {name, {}});
    if (!collection.count) {
        result.warnings.push_back(fmt::format(
            "collection {}: its strict mode refuses exact counts, so a restore of it cannot be proven", name));
        return;
    }
    for (const auto& group : key_groups(census)) {
        if (!group.key.empty()) census.keys[group.key] = count(call, client, {name, group.key}).value_or(0);
        const auto some = first_points(call, client, {name, group.key}, sample_size);
        census.samples.insert(census.samples.end(), some.begin(), some.end());
    }
}

// Each node is asked, as a node that was cut off may see other states than the rest. Empty when the collection is gone.
std::optional<View> look_at_all(Call& call, Nodes& nodes, const Members& members, const std::string& name) {
    const auto info = nodes.any().collection(call, name);
    if (!info) return std::nullopt;
    View view{.info = *info};
    std::vector<Shards> seen;
    for (const auto& member : members.all) {
        if (!member.trouble.empty()) continue;
        seen.push_back(nodes.at(call, member.peer).shards(call, name));
        for (const auto& move : seen.back().moves) {
            if (std::find(view.moves.begin(), view.moves.end(), move) == view.moves.end()) view.moves.push_back(move);
        }
    }
    if (!seen.empty()) view.peer = seen.back().peer;
    view.shards = merge(seen);
    return view;
}

// The same. Where a node is missing that alone is in the way: what it hides of a collection is a consequence.
std::optional<View> look_at(Call& call, Nodes& nodes, const Members& members, const std::string& name,
                            model::Inspection& result) {
    try {
        return look_at_all(call, nodes, members, name);
    } catch (const Error& error) {
        const bool missing = std::any_of(members.all.begin(), members.all.end(),
                                         [](const auto& member) { return !member.trouble.empty(); });
        if (!missing || !describe(error.kind()).transient) throw;
        result.obstacles.push_back(error.message());
        return std::nullopt;
    }
}

void require_all_seen(const Members& members, const std::string& name, const View& view) {
    if (members.enabled) return;
    for (const auto& shard : view.shards) {
        const bool here = std::all_of(shard.replicas.begin(), shard.replicas.end(),
                                      [&](const auto& replica) { return replica.peer == view.peer; });
        if (here) continue;
        throw Error(ErrorKind::denied,
                    fmt::format("collection {} has replicas on other nodes, but the key may not ask for them", name),
                    "use a key that may read the state of the cluster: nothing is backed up in part");
    }
}

void add_nodes(const Members& members, model::Inspection& result) {
    for (const auto& member : members.all) {
        const bool reached = member.trouble.empty();
        if (!reached) result.obstacles.push_back(fmt::format("{}; {}", member.trouble, reach_it));
        result.nodes.push_back({.name = member.peer.empty() ? "single" : member.peer,
                                .address = member.address,
                                .version = member.version,
                                .healthy = reached,
                                .state = !members.enabled ? "single node"
                                         : reached        ? "answers"
                                                          : "not reached"});
        const auto mine = parse_version(member.version), first = parse_version(result.version);
        if (reached && mine && first && (mine->major != first->major || mine->minor != first->minor))
            result.obstacles.push_back(fmt::format("node {} runs version {}, another one {}: finish the upgrade first",
                                                   member.peer, member.version, result.version));
    }
    result.warnings.insert(result.warnings.end(), members.warnings.begin(), members.warnings.end());
    if (!members.known)
        result.warnings.push_back("the key may not ask for the cluster's state: taken for a single node");
}

}  // namespace

std::vector<Shard> merge(const std::vector<Shards>& views) {
    std::map<std::uint32_t, Shard> shards;
    for (const auto& view : views) {
        for (const auto& one : view.all) {
            auto& shard = shards[one.id];
            shard.id = one.id;
            if (shard.key.empty()) shard.key = one.key;
            for (const auto& replica : one.replicas) {
                const auto same = [&](const auto& known) { return known.peer == replica.peer; };
                const auto known = std::find_if(shard.replicas.begin(), shard.replicas.end(), same);
                if (known == shard.replicas.end()) {
                    shard.replicas.push_back(replica);
                    continue;
                }
                known->points = std::max(known->points, replica.points);
                if (known->state == "Active") known->state = replica.state;
            }
        }
    }
    std::vector<Shard> all;
    for (auto& [_, shard] : shards) {
        std::sort(shard.replicas.begin(), shard.replicas.end(),
                  [](const auto& a, const auto& b) { return a.peer < b.peer; });
        all.push_back(std::move(shard));
    }
    return all;
}

model::JsonText render(const Census& census) {
    using nlohmann::ordered_json;
    auto shards = ordered_json::array();
    for (const auto& shard : census.shards) {
        ordered_json one = {{"id", shard.id}};
        if (!shard.key.empty()) one["key"] = ordered_json::parse(shard.key);
        one["replicas"] = ordered_json::array();
        for (const auto& replica : shard.replicas)
            one["replicas"].push_back({{"peer", replica.peer}, {"state", replica.state}, {"points", replica.points}});
        shards.push_back(std::move(one));
    }
    ordered_json json = {{"sharding", census.custom_sharding ? "custom" : "auto"},
                         {"payload_schema", ordered_json::parse(census.payload_schema)},
                         {"shards", std::move(shards)}};
    for (const auto& [key, points] : census.keys)
        json["keys"].push_back({{"key", ordered_json::parse(key)}, {"points", points}});
    for (const auto& sample : census.samples) {
        ordered_json one = {{"id", ordered_json::parse(sample.id)}, {"sha256", sample.digest}};
        if (!sample.key.empty()) one["key"] = ordered_json::parse(sample.key);
        json["samples"].push_back(std::move(one));
    }
    return json.dump();
}

namespace {

Census read_census(const nlohmann::json& json) {
    Census census;
    census.custom_sharding = json.at("sharding") == "custom";
    census.payload_schema = json.at("payload_schema").dump();
    const auto key_of = [](const nlohmann::json& one) { return one.contains("key") ? one.at("key").dump() : ""; };
    for (const auto& one : json.at("shards")) {
        Shard shard{.id = one.at("id").get<std::uint32_t>(), .key = key_of(one), .replicas = {}};
        for (const auto& replica : one.at("replicas"))
            shard.replicas.push_back({replica.at("peer").get<std::string>(), replica.value("state", ""),
                                      replica.value("points", std::uint64_t{0})});
        census.shards.push_back(std::move(shard));
    }
    for (const auto& one : json.value("keys", nlohmann::json::array()))
        census.keys[key_of(one)] = one.at("points").get<std::uint64_t>();
    for (const auto& one : json.value("samples", nlohmann::json::array()))
        census.samples.push_back({one.at("id").dump(), key_of(one), one.at("sha256").get<std::string>()});
    return census;
}

}  // namespace

Census parse_census(const model::Collection& collection) {
    const auto none =
        Error(ErrorKind::refused, fmt::format("the backup does not say how collection {} was made", collection.name),
              "vbackup did not make it; only collection snapshots can be restored without that");
    if (collection.details.empty() || collection.config.empty()) throw none;
    try {
        return read_census(nlohmann::json::parse(collection.details));
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::corrupt,
                    fmt::format("what the backup says about collection {} is damaged", collection.name));
    }
}

Census steady_census(const model::CollectionEntry& entry) {
    auto census = parse_census(entry.before);
    if (entry.details_after.empty()) return census;
    auto later = entry.before;
    later.details = entry.details_after;
    const auto after = parse_census(later);
    std::erase_if(census.keys, [&](const auto& one) {
        const auto same = after.keys.find(one.first);
        return same == after.keys.end() || same->second != one.second;
    });
    std::erase_if(census.samples, [&](const auto& one) {
        return std::find(after.samples.begin(), after.samples.end(), one) == after.samples.end();
    });
    return census;
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

bool is_clustered(const model::Inspection& inspection) {
    const auto details = nlohmann::json::parse(inspection.details, nullptr, false);
    return details.is_object() && details.value("enabled", false);
}

model::Inspection inspect(Call& call, Nodes& nodes, const model::Scope& scope) {
    const auto members = nodes.look(call);
    const auto& client = nodes.any();
    const auto root = client.root(call);
    const auto names = client.collections(call);
    const auto aliases = client.aliases(call);
    require_known(scope, names, aliases);

    model::Inspection result{.product = "Qdrant", .version = root.version, .ready = true};
    add_nodes(members, result);
    for (const auto& name : names) {
        if (!scope.matches(name)) continue;
        call.require_time();
        const auto view = look_at(call, nodes, members, name, result);
        if (!view) continue;  // it went away between two requests, or hides behind a missing node
        require_all_seen(members, name, *view);
        if (!members.enabled) result.nodes.front().name = view->peer;
        auto collection = describe(name, *view, aliases);
        Census census{view->info.custom_sharding, view->info.payload_schema, view->shards, {}, {}};
        auto obstacles = obstacles_of(name, *view);
        // Without an Active replica of each shard nothing can be counted.
        if (scope.counts && obstacles.empty()) count_points(call, client, name, collection, census, result);
        collection.details = render(census);
        result.obstacles.insert(result.obstacles.end(), obstacles.begin(), obstacles.end());
        for (auto& warning : warnings_of(name, *view)) result.warnings.push_back(std::move(warning));
        result.collections.push_back(std::move(collection));
    }
    result.details = nlohmann::json({{"enabled", members.enabled}, {"known", members.known}}).dump();
    return result;
}

}  // namespace vbackup::driver::qdrant
