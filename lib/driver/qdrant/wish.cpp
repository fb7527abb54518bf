// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/wish.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "driver/qdrant/restore.hpp"

namespace vbackup::driver::qdrant {

namespace {

// What the server itself would refuse with 422, said before anything is changed.
void require_name(const std::string& name) {
    const bool good = !name.empty() && name.size() <= 255 &&
                      name.find_first_of("<>:\"/\\|?*\x1f") == std::string::npos &&
                      name.find('\0') == std::string::npos;
    if (!good)
        throw Error(ErrorKind::usage, fmt::format("\"{}\" cannot be the name of a collection", one_line(name, 120)),
                    "1 to 255 characters, none of < > : \" / \\ | ? *");
}

void require_renames(const model::Request& request) {
    std::set<std::string> olds, news;
    for (const auto& [old, fresh] : request.renames) {
        require_name(fresh);
        const auto is_it = [&, &old = old](const auto& entry) { return entry.before.name == old; };
        const auto& entries = request.manifest->collections;
        if (std::none_of(entries.begin(), entries.end(), is_it))
            throw Error(ErrorKind::not_found,
                        fmt::format("there is no collection {} in the backup", one_line(old, 120)));
        if (!olds.insert(old).second || !news.insert(fresh).second)
            throw Error(ErrorKind::usage, fmt::format("--rename {} {} contradicts another --rename", old, fresh));
    }
}

[[noreturn]] void throw_lacks(const Wish& wish, const std::string& shard) {
    throw Error(ErrorKind::corrupt,
                fmt::format("the backup has no snapshot of shard {} of collection {}", shard, wish.entry.before.name));
}

// Of the nodes' snapshots of a collection as few as have every shard in them; those that bring the most go first.
std::vector<Piece> cover(const Wish& wish) {
    std::vector<const Shard*> open;
    for (const auto& shard : wish.census->shards) open.push_back(&shard);
    std::vector<Piece> chosen;
    const auto brings = [&](const Piece& piece) {
        return std::count_if(open.begin(), open.end(), [&](const auto* shard) { return holds(piece, *shard); });
    };
    do {
        const auto best = std::max_element(wish.pieces.begin(), wish.pieces.end(),
                                           [&](const auto& a, const auto& b) { return brings(a) < brings(b); });
        if (!open.empty() && brings(*best) == 0) throw_lacks(wish, std::to_string(open.front()->id));
        chosen.push_back(*best);
        std::erase_if(open, [&](const auto* shard) { return holds(*best, *shard); });
    } while (!open.empty());
    return chosen;
}

// Every shard that was counted must have its snapshot: a backup of some shards is none.
void require_covered(Wish& wish) {
    if (wish.pieces.empty())
        throw Error(ErrorKind::corrupt,
                    fmt::format("the backup has no snapshot of collection {}", wish.entry.before.name));
    if (!wish.census) return;
    if (wish.unit() == Unit::collection) {
        wish.pieces = cover(wish);
        return;
    }
    for (const auto& shard : wish.census->shards) {
        const auto is_it = [&](const auto& piece) { return piece.place.shard == std::to_string(shard.id); };
        if (std::none_of(wish.pieces.begin(), wish.pieces.end(), is_it)) throw_lacks(wish, std::to_string(shard.id));
    }
}

// A server without consensus makes a collection's shards all at once, and must find data of each (500 otherwise).
void require_fits(const Wish& wish, const Now& now) {
    if (!now.clustered && wish.census && wish.census->custom_sharding)
        throw Error(ErrorKind::refused,
                    fmt::format("collection {} has shard keys, which a Qdrant without cluster mode cannot make",
                                wish.entry.before.name),
                    "start the target in cluster mode, for which one node is enough, or leave that collection out");
    if (now.clustered || wish.unit() != Unit::collection || wish.pieces.size() == 1) return;
    throw Error(ErrorKind::refused,
                fmt::format("no snapshot of collection {} has all of its shards, so a single node cannot take it",
                            wish.entry.before.name),
                "restore it to a cluster, or back it up with -o unit=shard, which any Qdrant takes");
}

void require_room(const Wish& wish, const Now& now, bool overwrite) {
    if (const auto* alias = now.alias(wish.name))
        throw Error(ErrorKind::conflict,
                    fmt::format("{} is an alias of collection {}: restoring to it would replace that one", wish.name,
                                alias->collection),
                    fmt::format("choose another name with --rename {} NAME", wish.entry.before.name));
    if (wish.exists && !overwrite)
        throw Error(
            ErrorKind::conflict, fmt::format("collection {} exists already", wish.name),
            fmt::format("--overwrite replaces it, --rename {} NAME restores beside it", wish.entry.before.name));
}

// Nothing is deleted for bytes that only the server can reach: whether the URL leads to them shows too late.
void require_replaceable(const Wish& wish) {
    if (wish.from != From::url || !wish.exists) return;
    throw Error(ErrorKind::refused,
                fmt::format("collection {} would be deleted before the url could be checked", wish.name),
                "restore beside it with --rename, then delete the old one");
}

// A node finds snapshots of shards by name among its own only, and shards that are made anew go to any node.
void require_found_there(const Wish& wish, const Now& now) {
    const bool beside = wish.name != wish.entry.before.name && now.has(wish.entry.before.name);
    if (wish.unit() != Unit::shard || now.peers.size() <= 1 || beside) return;
    throw Error(ErrorKind::refused,
                fmt::format("the shards of collection {} may come to other nodes than those that keep their snapshots",
                            wish.name),
                "bring the backup home with `vbackup download`, then restore it from there");
}

// The snapshots of a collection that is gone are not listed, though their files outlive it: that is good enough where
// nothing is deleted to make room.
void require_there(Call& call, Nodes& nodes, const Wish& wish, const Now& now, model::Plan& plan) {
    const auto& made_by = wish.entry.before.name;
    for (const auto& piece : wish.pieces) {
        const bool known = piece.place.node.empty() ||
                           std::find(now.peers.begin(), now.peers.end(), piece.place.node) != now.peers.end();
        if (!known)
            throw Error(ErrorKind::not_found,
                        fmt::format("the snapshot of {} lies on node {}, which is not here", piece.place.text(),
                                    piece.place.node),
                        "restore it where it was made, or bring it home from there with `vbackup download`");
    }
    require_found_there(wish, now);
    if (now.has(made_by)) {
        for (const auto& piece : wish.pieces) require_listed(call, nodes, piece);
        return;
    }
    if (wish.exists)
        throw Error(ErrorKind::not_found,
                    fmt::format("the server lists no snapshots of collection {}, which is gone", made_by),
                    fmt::format("collection {} was left as it is; restore to a name that is free", wish.name));
    plan.notes.push_back(fmt::format(
        "collection {} is gone: whether the server still has its snapshots shows only when they are put back",
        made_by));
}

// Will that wish give itself the alias? Beside its original it leaves it there, unless it is to be switched.
bool claims(const Wish& wish, const Alias& alias, const model::Request& request) {
    const auto& original = wish.entry.before;
    if (alias.collection == original.name && alias.collection != wish.name)
        return switches(request, original.name, wish.name);
    return std::find(original.aliases.begin(), original.aliases.end(), alias.name) != original.aliases.end();
}

// Aliases go with their collection when it is deleted, those too that the backup does not know.
void keep_aliases(Wish& wish, const std::vector<Wish>& all, const Now& now, const model::Request& request,
                  model::Plan& plan) {
    if (!wish.exists) return;
    for (const auto& alias : now.aliases) {
        if (alias.collection != wish.name || claims(wish, alias, request)) continue;
        const auto taker =
            std::find_if(all.begin(), all.end(), [&](const auto& one) { return claims(one, alias, request); });
        if (taker == all.end())
            wish.keeps.push_back(alias.name);
        else
            plan.notes.push_back(fmt::format("alias {} of collection {} goes to collection {}, as in the backup",
                                             alias.name, wish.name, taker->name));
    }
}

// A cluster makes as many replicas as the factor says, but never two on one node.
void set_replicas(Wish& wish, const Now& now, const model::Request& request, model::Plan& plan) {
    const auto asked = factors_of(request.options);
    if ((asked.replication || asked.consistency) && (!wish.census || wish.unit() != Unit::shard))
        throw Error(
            ErrorKind::usage,
            fmt::format("collection {} is made by its own snapshot, with the factors that are in it", wish.name),
            "leave out -o replication-factor and -o write-consistency-factor, or back up with -o unit=shard");
    wish.config = with_factors(wish.entry.before.config, request.options, now.peers.size());
    const auto possible = static_cast<std::uint32_t>(now.peers.size());
    const auto wanted = asked.replication.value_or(wish.entry.before.replicas);
    if (wanted > possible && (now.clustered || asked.replication))
        plan.notes.push_back(
            fmt::format("collection {}: a replication factor of {} needs more nodes than the {} of the "
                        "target: each shard gets {}",
                        wish.name, wanted, possible, possible));
    if (now.clustered) wish.replicas = std::min(wanted, possible);
}

Wish wish_for(const model::CollectionEntry& entry, const model::Request& request, const std::vector<Piece>& all) {
    Wish wish{.entry = entry, .name = renamed(request.renames, entry.before.name)};
    for (const auto& piece : all) {
        if (piece.place.collection == entry.before.name) wish.pieces.push_back(piece);
    }
    const bool stranger = !wish.pieces.empty() && wish.unit() == Unit::collection && entry.before.details.empty();
    if (!stranger) wish.census = parse_census(entry.before);
    require_covered(wish);
    return wish;
}

}  // namespace

bool Now::has(const std::string& collection) const {
    return std::find(collections.begin(), collections.end(), collection) != collections.end();
}

const Alias* Now::alias(const std::string& name) const {
    const auto found = std::find_if(aliases.begin(), aliases.end(), [&](const auto& one) { return one.name == name; });
    return found == aliases.end() ? nullptr : &*found;
}

std::vector<std::string> Now::aliases_of(const std::string& collection) const {
    std::vector<std::string> names;
    for (const auto& alias : aliases) {
        if (alias.collection == collection) names.push_back(alias.name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool switches(const model::Request& request, const std::string& old_name, const std::string& new_name) {
    return request.switch_alias && old_name != new_name;
}

model::JsonText with_factors(const model::JsonText& config, const model::Options& options, std::size_t nodes) {
    const auto asked = factors_of(options);
    if (config.empty() || (!asked.replication && !asked.consistency)) return config;
    auto changed = nlohmann::ordered_json::parse(config);
    const auto put = [&](const char* name, const std::optional<std::uint32_t>& factor) {
        if (factor) changed["params"][name] = std::min<std::size_t>(*factor, nodes);
    };
    put("replication_factor", asked.replication);
    put("write_consistency_factor", asked.consistency);
    return changed.dump();
}

namespace {

void require_reached(Call& call, Nodes& nodes, const model::Inspection& target) {
    if (std::all_of(target.nodes.begin(), target.nodes.end(), [](const auto& node) { return node.healthy; })) return;
    std::string all;
    for (const auto& member : nodes.look(call).all) {
        if (!member.trouble.empty()) all += (all.empty() ? "" : "; ") + member.trouble;
    }
    if (all.empty()) return;
    throw Error(ErrorKind::refused, fmt::format("a restore needs every node: {}", all), std::string(reach_it));
}

}  // namespace

Now look_at_target(Call& call, Nodes& nodes, const model::Inspection& target) {
    Now now{.collections = nodes.any().collections(call), .aliases = nodes.any().aliases(call)};
    now.clustered = is_clustered(target);
    require_reached(call, nodes, target);
    for (const auto& node : target.nodes) {
        now.peers.push_back(now.clustered ? node.name : std::string{});
        if (now.clustered && !nodes.at(call, node.name).cluster(call).has_leader)
            throw Error(ErrorKind::refused,
                        fmt::format("node {} knows no leader of the cluster: nothing can be agreed on now", node.name),
                        "more than half of the nodes must run and reach each other; `vbackup check` shows them");
    }
    std::sort(now.peers.begin(), now.peers.end());
    return now;
}

std::vector<Wish> wishes_for(Call& call, Nodes& nodes, const model::Request& request, const Now& now,
                             model::Plan& plan) {
    require_renames(request);
    const auto pieces = pieces_of(*request.manifest);
    std::vector<Wish> wishes;
    for (const auto& entry : request.manifest->collections) {
        if (request.scope.matches(entry.before.name)) wishes.push_back(wish_for(entry, request, pieces));
    }
    if (wishes.empty()) throw Error(ErrorKind::not_found, "no collection of the backup is asked for");
    std::set<std::string> names;
    for (auto& wish : wishes) {
        if (!names.insert(wish.name).second)
            throw Error(ErrorKind::usage, fmt::format("two collections would be called {}", wish.name),
                        "rename one of them");
        wish.exists = now.has(wish.name);
        set_replicas(wish, now, request, plan);
        wish.from = from_for(request, wish.pieces, wishes.size());
        require_room(wish, now, request.overwrite);
        require_replaceable(wish);
        require_fits(wish, now);
        if (wish.census) require_same_ring(wish.entry.before.name, *wish.census, wish.unit());
        if (wish.from == From::server) require_there(call, nodes, wish, now, plan);
    }
    for (auto& wish : wishes) keep_aliases(wish, wishes, now, request, plan);
    return wishes;
}

}  // namespace vbackup::driver::qdrant
