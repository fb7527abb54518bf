// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/structure.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "driver/qdrant/census.hpp"
#include "driver/qdrant/pieces.hpp"

namespace vbackup::driver::qdrant {

namespace {

bool is_in(const Piece& piece, const std::string& collection, const Shard& shard) {
    if (piece.place.collection != collection) return false;
    return piece.place.unit == Unit::collection ? holds(piece, shard) : piece.place.shard == std::to_string(shard.id);
}

model::Finding find_shards(const model::Collection& collection, const std::vector<Piece>& pieces) {
    if (collection.details.empty() || collection.config.empty())
        throw Error(ErrorKind::unsupported,
                    fmt::format("which shards collection {} had was not recorded: nothing tells whether all are there",
                                collection.name),
                    "leave out --structure");
    const auto shards = parse_census(collection).shards;
    std::string missing;
    for (const auto& shard : shards) {
        const auto has = [&](const auto& piece) { return is_in(piece, collection.name, shard); };
        if (std::none_of(pieces.begin(), pieces.end(), has))
            missing += fmt::format("{}{}", missing.empty() ? "" : ", ", shard.id);
    }
    if (!missing.empty())
        return {fmt::format("collection {}: no snapshot has shard {}", collection.name, missing), false};
    return {fmt::format("collection {}: {} of {} shards in snapshots", collection.name, shards.size(), shards.size()),
            !shards.empty()};
}

std::optional<Census> census_of(const model::Manifest& manifest, const std::string& collection) {
    const auto entry = std::find_if(manifest.collections.begin(), manifest.collections.end(),
                                    [&](const auto& one) { return one.before.name == collection; });
    if (entry == manifest.collections.end() || entry->before.details.empty() || entry->before.config.empty())
        return std::nullopt;
    return parse_census(entry->before);
}

std::vector<std::string> expected_of_collection(const model::Manifest& manifest, const Piece& piece) {
    std::vector<std::string> names{"config.json"};
    const auto census = census_of(manifest, piece.place.collection);
    if (!census) return names;
    for (const auto& shard : census->shards) {
        names.push_back(fmt::format("{}/shard_config.json", shard.id));
        if (holds(piece, shard)) names.push_back(fmt::format("{}/segments/", shard.id));
    }
    return names;
}

}  // namespace

model::Proof covered(const model::Manifest& manifest, const ReadFile&) {
    const auto pieces = pieces_of(manifest);
    model::Proof proof;
    // Its server packs all of a node; which collections went in is not said outside of it.
    if (pieces.size() == 1 && pieces.front().place.unit == Unit::storage)
        return {.findings = {{"one snapshot of the whole storage; the collections in it were not looked at", true}}};
    for (const auto& entry : manifest.collections) proof.findings.push_back(find_shards(entry.before, pieces));
    return proof;
}

std::vector<std::string> expected(const model::Manifest& manifest, const model::File& file) {
    const Piece piece{.place = parse_note(file.details).place, .file = file.name, .server_name = {}, .sha256 = {}};
    switch (piece.place.unit) {
        case Unit::shard:
            return {"shard_config.json", "segments/"};
        case Unit::collection:
            return expected_of_collection(manifest, piece);
        case Unit::storage:
            return {"config.json"};
    }
    return {};
}

}  // namespace vbackup::driver::qdrant
