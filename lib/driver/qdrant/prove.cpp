// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "driver/qdrant/agreed.hpp"
#include "driver/qdrant/restore.hpp"
#include "driver/qdrant/wish.hpp"

namespace vbackup::driver::qdrant {

namespace {

using nlohmann::json;

class Proof {
public:
    void good(std::string what) { proof_.findings.push_back({std::move(what), true}); }
    void bad(std::string what) { proof_.findings.push_back({std::move(what), false}); }
    void add(bool is_good, std::string what) { proof_.findings.push_back({std::move(what), is_good}); }
    model::Proof take() { return std::move(proof_); }

private:
    model::Proof proof_;
};

void prove_count(Proof& proof, const model::CollectionEntry& entry, const std::string& where,
                 std::optional<std::uint64_t> counted) {
    if (!counted) {
        proof.bad(fmt::format("{}: it could not be counted, its strict mode refuses exact counts", where));
        return;
    }
    const auto now = *counted;
    if (!entry.before.count) {
        proof.add(now > 0,
                  fmt::format("{}: {} points, told, not proven: how many there must be was not recorded", where, now));
        return;
    }
    const auto before = *entry.before.count, after = entry.count_after.value_or(before);
    if (entry.quiet()) {
        proof.add(now == before, now == before ? fmt::format("{}: {} points, as in the backup", where, now)
                                               : fmt::format("{}: {} points instead of {}", where, now, before));
        return;
    }
    const auto least = std::min(before, after), most = std::max(before, after);
    proof.add(now >= least && now <= most,
              fmt::format("{}: {} points; it was written to during the backup, when it had {} to {}", where, now, least,
                          most));
}

// Differences of what the backup says from what is there; values that the backup has as null may have become anything.
void differences(const json& wanted, const json& there, const std::string& path, std::vector<std::string>& into) {
    if (wanted.is_null()) return;
    if (!wanted.is_object() || !there.is_object()) {
        if (wanted != there) into.push_back(fmt::format("{} is {} instead of {}", path, there.dump(), wanted.dump()));
        return;
    }
    for (const auto& [key, value] : wanted.items()) {
        const auto found = there.find(key);
        differences(value, found == there.end() ? json() : *found, path.empty() ? key : path + "." + key, into);
    }
}

void prove_equal(Proof& proof, const std::string& name, std::string_view what, const model::JsonText& wanted,
                 const model::JsonText& there) {
    std::vector<std::string> different;
    differences(json::parse(wanted), json::parse(there), "", different);
    if (different.empty()) proof.good(fmt::format("collection {}: {} as in the backup", name, what));
    for (const auto& one : different) proof.bad(fmt::format("collection {}: {}: {}", name, what, one));
}

// Every replica Active, as many as asked for; by the word of one node.
void prove_shards(Proof& proof, const std::string& where, const Census& census, const Shards& shards) {
    std::size_t active = 0, replicas = 0;
    for (const auto& shard : shards.all) {
        replicas += shard.replicas.size();
        active += static_cast<std::size_t>(std::count_if(shard.replicas.begin(), shard.replicas.end(),
                                                         [](const auto& one) { return one.state == "Active"; }));
    }
    const bool good = shards.all.size() == census.shards.size() && active == replicas;
    proof.add(good, fmt::format("{}: {} of {} shards, {} of {} replicas active", where, shards.all.size(),
                                census.shards.size(), active, replicas));
}

void prove_aliases(Proof& proof, const model::Collection& collection, const std::string& name,
                   const std::vector<Alias>& there, bool switched) {
    for (const auto& alias : collection.aliases) {
        const auto found = std::find_if(there.begin(), there.end(), [&](const auto& one) { return one.name == alias; });
        const auto now = found == there.end() ? std::string() : found->collection;
        // A collection that is restored beside its original leaves the alias with the original, unless it is to be switched.
        const bool stays = name != collection.name && now == collection.name && !switched;
        proof.add(now == name || stays, stays ? fmt::format("alias {} stays with collection {}", alias, now)
                                        : now == name
                                            ? fmt::format("alias {} of collection {} is set", alias, name)
                                            : fmt::format("alias {} of collection {} is missing", alias, name));
    }
    for (const auto& one : there) {
        if (one.collection != name ||
            std::find(collection.aliases.begin(), collection.aliases.end(), one.name) != collection.aliases.end())
            continue;
        proof.good(fmt::format("alias {} of collection {} is set; the backup does not know it", one.name, name));
    }
}

// Keys whose number of points was the same before and after the backup.
void prove_keys(Call& call, const Client& client, Proof& proof, const std::string& name, const std::string& where,
                const Census& census) {
    for (const auto& [key, points] : census.keys) {
        const auto now = count(call, client, {name, key});
        proof.add(now == points,
                  fmt::format("{}: {} points under shard key {}{}", where, now.value_or(0), key,
                              now == points ? ", as in the backup" : fmt::format(" instead of {}", points)));
    }
}

// Points that were the same before and after the backup must be so now.
void prove_samples(Call& call, const Client& client, Proof& proof, const std::string& name, const std::string& where,
                   const Census& census) {
    if (census.samples.empty()) return;
    const auto now = points_now(call, client, name, census.samples);
    const auto same = std::count_if(census.samples.begin(), census.samples.end(), [&](const auto& one) {
        return std::find(now.begin(), now.end(), one) != now.end();
    });
    proof.add(static_cast<std::size_t>(same) == census.samples.size(),
              fmt::format("{}: {} of {} sampled points with payload and vectors as in the backup", where, same,
                          census.samples.size()));
}

// Each node answers from replicas of its own where it has them, so each is asked.
void prove_on(Call& call, const Client& client, Proof& proof, const model::CollectionEntry& entry,
              const std::string& name, const std::string& node) {
    const auto where =
        node.empty() ? fmt::format("collection {}", name) : fmt::format("collection {} on node {}", name, node);
    prove_count(proof, entry, where, count(call, client, {name, {}}));
    if (entry.before.details.empty()) return;
    const auto census = steady_census(entry);
    prove_shards(proof, where, census, client.shards(call, name));
    prove_keys(call, client, proof, name, where, census);
    prove_samples(call, client, proof, name, where, census);
}

// Where it differs from the backup because a person asked for that, it is as asked for.
void prove_made(Proof& proof, const model::CollectionEntry& entry, const std::string& name, const Info& info,
                const model::Options& options, std::size_t nodes) {
    prove_equal(proof, name, "configuration", with_factors(entry.before.config, options, nodes), info.config);
    prove_equal(proof, name, "payload indexes", parse_census(entry.before).payload_schema, info.payload_schema);
}

void prove_collection(Call& call, Nodes& nodes, const model::CollectionEntry& entry, const model::Request& request,
                      const std::vector<Alias>& aliases, Proof& proof) {
    const auto name = renamed(request.renames, entry.before.name);
    const auto views = views_of(call, nodes, name);
    for (const auto& view : views) {
        const auto node = views.size() > 1 ? view.peer : std::string{};
        if (view.info)
            prove_on(call, nodes.at(call, view.peer), proof, entry, name, node);
        else
            proof.bad(fmt::format("collection {} is missing{}", name, node.empty() ? "" : " on node " + node));
    }
    const auto& info = views.front().info;
    if (!info) return;
    prove_aliases(proof, entry.before, name, aliases, switches(request, entry.before.name, name));
    if (!entry.before.details.empty()) prove_made(proof, entry, name, *info, request.options, views.size());
}

}  // namespace

std::vector<model::Finding> compare(Call& call, const Client& client, const model::CollectionEntry& entry,
                                    const std::string& name, const std::string& node) {
    Proof proof;
    prove_on(call, client, proof, entry, name, node);
    return proof.take().findings;
}

model::JsonText render_entry(const model::CollectionEntry& entry) {
    json text = {{"name", entry.before.name}};
    if (entry.before.count) text["before"] = *entry.before.count;
    if (entry.count_after) text["after"] = *entry.count_after;
    const auto put = [&](const char* key, const model::JsonText& details) {
        if (!details.empty()) text[key] = json::parse(details);
    };
    put("details", entry.before.details);
    put("details_after", entry.details_after);
    return text.dump();
}

model::CollectionEntry parse_entry(const model::JsonText& text) {
    const auto from = json::parse(text);
    const auto number = [&](const char* key) {
        return from.contains(key) ? std::optional(from.at(key).get<std::uint64_t>()) : std::nullopt;
    };
    model::CollectionEntry entry;
    entry.before.name = from.at("name").get<std::string>();
    entry.before.count = number("before");
    entry.count_after = number("after");
    if (from.contains("details")) entry.before.details = from.at("details").dump();
    if (from.contains("details_after")) entry.details_after = from.at("details_after").dump();
    entry.before.config = "{}";
    return entry;
}

model::Proof prove(Call& call, Nodes& nodes, const model::Manifest& manifest, const model::Request& request) {
    Proof proof;
    const auto aliases = nodes.any().aliases(call);
    for (const auto& entry : manifest.collections) {
        if (!request.scope.matches(entry.before.name)) continue;
        call.require_time();
        prove_collection(call, nodes, entry, request, aliases, proof);
    }
    return proof.take();
}

}  // namespace vbackup::driver::qdrant
