// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "driver/qdrant/census.hpp"
#include "driver/qdrant/restore.hpp"

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

void prove_count(Proof& proof, const model::CollectionEntry& entry, const std::string& name,
                 std::optional<std::uint64_t> counted) {
    if (!counted) {
        proof.bad(fmt::format("collection {}: it could not be counted, its strict mode refuses exact counts", name));
        return;
    }
    const auto now = *counted;
    if (!entry.before.count) {
        proof.add(now > 0,
                  fmt::format("collection {}: {} points, told, not proven: how many there must be was not recorded",
                              name, now));
        return;
    }
    const auto before = *entry.before.count, after = entry.count_after.value_or(before);
    if (entry.quiet()) {
        proof.add(now == before, now == before
                                     ? fmt::format("collection {}: {} points, as in the backup", name, now)
                                     : fmt::format("collection {}: {} points instead of {}", name, now, before));
        return;
    }
    const auto least = std::min(before, after), most = std::max(before, after);
    proof.add(now >= least && now <= most,
              fmt::format("collection {}: {} points; it was written to during the backup, when it had {} to {}", name,
                          now, least, most));
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

void prove_shards(Proof& proof, const std::string& name, const Census& census, const Shards& shards) {
    const auto active = std::count_if(shards.local.begin(), shards.local.end(),
                                      [](const auto& shard) { return shard.state == "Active"; });
    const bool good =
        shards.local.size() == census.shards.size() && static_cast<std::size_t>(active) == shards.local.size();
    proof.add(good, fmt::format("collection {}: {} of {} shards active", name, active, census.shards.size()));
}

void prove_aliases(Proof& proof, const model::Collection& collection, const std::string& name,
                   const std::vector<Alias>& there) {
    for (const auto& alias : collection.aliases) {
        const auto found = std::find_if(there.begin(), there.end(), [&](const auto& one) { return one.name == alias; });
        const auto now = found == there.end() ? std::string() : found->collection;
        // A collection that is restored beside its original leaves the alias with the original.
        const bool stays = name != collection.name && now == collection.name;
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

void prove_collection(Call& call, const Client& client, const model::CollectionEntry& entry, const std::string& name,
                      const std::vector<Alias>& aliases, Proof& proof) {
    const auto info = client.collection(call, name);
    if (!info) {
        proof.bad(fmt::format("collection {} is missing", name));
        return;
    }
    prove_count(proof, entry, name, client.count(call, name));
    prove_aliases(proof, entry.before, name, aliases);
    if (entry.before.details.empty()) return;
    const auto census = parse_census(entry.before);
    prove_shards(proof, name, census, client.shards(call, name));
    prove_equal(proof, name, "configuration", entry.before.config, info->config);
    prove_equal(proof, name, "payload indexes", census.payload_schema, info->payload_schema);
}

}  // namespace

model::Proof prove(Call& call, const Client& client, const model::Manifest& manifest, const model::Request& request) {
    Proof proof;
    const auto aliases = client.aliases(call);
    for (const auto& entry : manifest.collections) {
        if (!request.scope.matches(entry.before.name)) continue;
        call.require_time();
        prove_collection(call, client, entry, renamed(request.renames, entry.before.name), aliases, proof);
    }
    return proof.take();
}

}  // namespace vbackup::driver::qdrant
