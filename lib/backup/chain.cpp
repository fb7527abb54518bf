// SPDX-License-Identifier: Apache-2.0
#include "backup/chain.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "backup/fetch.hpp"
#include "backup/kept.hpp"
#include "base/parallel.hpp"
#include "driver/registry.hpp"

namespace vbackup::backup {

namespace {

// How many increments follow one another up to that backup; empty when a part of the chain is gone.
std::optional<std::size_t> links_of(store::Catalog& home, const model::Manifest& last) {
    std::set<std::string> seen{last.id};
    std::size_t links = 0;
    auto bases = describe(last, "").bases;
    while (!bases.empty()) {
        const auto base = bases.front();
        if (!seen.insert(base).second) return std::nullopt;
        const auto manifest = home.manifest(base);
        if (!manifest) return std::nullopt;
        ++links;
        bases = describe(*manifest, "").bases;
    }
    return links;
}

std::optional<model::Manifest> readable(Call& call, store::Catalog& home, const std::string& id) {
    try {
        return home.manifest(id);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::storage) throw;
        call.tally.warn(fmt::format("{} is nothing to build on: {}", id, error.message()));
        return std::nullopt;
    }
}

bool is_of_some(const model::Manifest& manifest, const std::vector<model::Collection>& collections) {
    return std::any_of(manifest.collections.begin(), manifest.collections.end(), [&](const auto& entry) {
        return std::any_of(collections.begin(), collections.end(),
                           [&](const auto& one) { return one.name == entry.before.name; });
    });
}

// What may be built on, as far as it says itself.
std::vector<std::string> newest_first(Call& call, store::Catalog& home, const Target& target,
                                      const std::vector<model::Collection>& collections) {
    const auto ids = home.store().folders();
    std::vector<std::optional<Moment>> created(ids.size());
    run_all(ids.size(), home.store().at_once(), call.stop, [&](std::size_t i) {
        const auto manifest = readable(call, home, ids[i]);
        if (!manifest || !manifest->kept || manifest->state != "complete") return;
        if (is_of(*manifest, target) && is_of_some(*manifest, collections)) created[i] = manifest->created;
    });
    call.require_time();
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (created[i]) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](auto one, auto other) { return created[one] > created[other]; });
    std::vector<std::string> sorted;
    for (const auto i : order) sorted.push_back(ids[i]);
    return sorted;
}

const model::File* file_called(const model::Manifest& manifest, const std::string& name) {
    const auto found =
        std::find_if(manifest.files.begin(), manifest.files.end(), [&](const auto& one) { return one.name == name; });
    return found == manifest.files.end() ? nullptr : &*found;
}

driver::Layer layer_of(store::Catalog& home, const std::string& id, const model::File& file) {
    return {id, file, [&home, id, file](std::uint64_t offset) {
                auto source = open_kept(home.store(), id, file, offset);
                return offset == 0 ? checked(std::move(source), file.sha256, store::file_name(id, file.name))
                                   : std::move(source);
            }};
}

}  // namespace

std::optional<model::Manifest> next_base(Call& call, store::Catalog& home, const Target& target,
                                         const std::vector<model::Collection>& collections, std::size_t most) {
    for (const auto& id : newest_first(call, home, target, collections)) {
        auto manifest = readable(call, home, id);
        if (!manifest) continue;
        const auto links = links_of(home, *manifest);
        if (links) return *links < most ? std::move(manifest) : std::nullopt;
        call.tally.warn(fmt::format("{} is nothing to build on: a backup that it builds on itself is gone", id));
    }
    return std::nullopt;
}

driver::Increments& require_increments(const Stage& stage, bool keep) {
    auto* increments = stage.target.driver.increments();
    const auto* entry = driver::find_driver(stage.target.driver_name);
    if (!increments)
        throw Error(ErrorKind::unsupported,
                    fmt::format("--incremental is not possible with {}",
                                entry ? std::string(entry->product) : stage.target.driver_name),
                    "leave it out; `vbackup create --help` shows whether the database has options of its own for that");
    if (!keep)
        throw Error(ErrorKind::usage, "an increment builds on a backup in a store, and there is none",
                    "name one with --to");
    return *increments;
}

std::vector<driver::Layer> layers_of(store::Catalog& home, const std::string& id, const model::File& file) {
    std::vector<driver::Layer> layers{layer_of(home, id, file)};
    std::set<std::string> seen{id};
    for (auto base = file.base; !base.empty(); base = layers.back().file.base) {
        const auto manifest = seen.insert(base).second ? home.manifest(base) : std::nullopt;
        const auto* below = manifest ? file_called(*manifest, file.name) : nullptr;
        if (!below)
            throw Error(
                ErrorKind::corrupt,
                fmt::format("{} of {} builds on {}, which is not in {}", file.name, id, base, home.store().where()),
                "restore from another backup");
        layers.push_back(layer_of(home, base, *below));
    }
    return layers;
}

void require_bases(store::Catalog& home, const model::Manifest& manifest) {
    for (const auto& base : describe(manifest, "").bases) {
        if (home.manifest(base)) continue;
        throw Error(
            ErrorKind::refused,
            fmt::format("{} was to build on {}, which is gone from {}", manifest.id, base, home.store().where()),
            fmt::format("delete {} and make the backup anew", manifest.id));
    }
}

Locks lock_bases(store::Catalog& home, const model::Manifest& manifest) {
    std::set<std::string> names;
    for (const auto& base : describe(manifest, "").bases) names.insert(base);
    Locks locks;
    for (const auto& name : names) {
        try {
            locks.push_back(home.lock(name));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::busy) throw;
        }
    }
    return locks;
}

}  // namespace vbackup::backup
