// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "backup/story.hpp"
#include "contract/qdrant/walk.hpp"
#include "driver/qdrant/qdrant.hpp"
#include "store/catalog.hpp"
#include "store/store.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_qdrant_cluster.hpp"
#include "support/temporary.hpp"

namespace vbackup::test {

// Where backups lie, and the journal; several clusters may use it.
struct Vault {
    TemporaryFolder folder{TemporaryFolder::in_memory()};
    std::unique_ptr<store::Store> store_bytes = store::open_directory(folder.path() / "store");
    std::unique_ptr<store::Store> journal_bytes = store::open_directory(folder.path() / "journal");
    store::Catalog store{*store_bytes};
    store::Catalog journal{*journal_bytes};
};

// What a collection holds, by shard key ("" for none), and how its replicas stand.
struct Holdings {
    std::map<std::string, played::Points> points = {};
    std::set<std::size_t> replicas = {};  // how many of them shards have
    bool equal = true;                    // all Active, and replicas of one shard hold the same
    bool operator==(const Holdings&) const = default;
};

// A played cluster with the stories told on it, by as many workers as vbackup has unless told otherwise. Its clock costs no time.
class Site {
public:
    using Addresses = ScriptedQdrantCluster::Addresses;

    Site(Vault& vault, std::size_t nodes, Addresses addresses = Addresses::own)
        : cluster(nodes, addresses), vault_(vault) {
        open();
    }

    // Speaks to it under another address, with further ones given, or with another key.
    void open(const std::string& url = "", std::vector<std::string> further = {},
              const std::string& key = ScriptedQdrant::key) {
        driver::Settings settings;
        settings.url = url.empty() ? cluster.base(0) : url;
        settings.nodes = std::move(further);
        settings.key = Secret(key);
        driver_ = driver::qdrant_entry().open(std::move(settings));
    }

    driver::Driver& driver() { return *driver_; }
    model::Inspection look(model::Scope scope = {}) { return driver_->inspect(call, scope); }

    backup::Stage stage() {
        return {.target = {"prod", cluster.base(0), "qdrant", *driver_},
                .journal = vault_.journal,
                .store = &vault_.store,
                .open_location = {},
                .limits = limits,
                .parallel = parallel,
                .vbackup_version = "0.0.0",
                .confirm = [](const model::Plan&) { return true; }};
    }
    model::Manifest create(const std::string& id = "b", const std::string& unit = "shard", bool keep = true) {
        return *backup::create(call, stage(), {.id = id, .options = {{"unit", unit}}, .keep = keep}).manifest;
    }
    backup::Result restore(const std::string& id = "b", bool overwrite = false, model::Renames renames = {}) {
        return backup::restore(call, stage(), {.id = id, .renames = std::move(renames), .overwrite = overwrite});
    }

    Holdings holdings(const std::string& name) {
        return cluster.with([&](auto& state) {
            Holdings all;
            if (!state.collections.contains(name)) return all;
            for (const auto& shard : state.collections.at(name).shards) {
                all.replicas.insert(shard.replicas.size());
                for (const auto& [_, replica] : shard.replicas) {
                    all.equal = all.equal && replica.state == "Active" &&
                                replica.points == shard.replicas.begin()->second.points;
                    all.points[shard.key].insert(replica.points.begin(), replica.points.end());
                }
            }
            return all;
        });
    }
    // How many snapshots lie on all nodes.
    std::size_t left_behind() {
        return cluster.with([](auto& state) {
            std::size_t all = 0;
            for (const auto& node : state.nodes) {
                for (const auto& [_, stored] : node.stored) all += stored.size();
            }
            return all;
        });
    }

    ScriptedQdrantCluster cluster;
    FakeClock clock;
    Tally tally;
    Call call{clock, tally};
    std::size_t parallel = 4;
    job::Limits limits;

private:
    Vault& vault_;
    std::unique_ptr<driver::Driver> driver_;
};

// The kind of error that an action ends with; empty when it ends well.
inline std::optional<ErrorKind> ended(const std::function<void()>& action) {
    try {
        action();
        return std::nullopt;
    } catch (const Error& error) {
        return error.kind();
    }
}

inline bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// What a PUT of a collection takes.
inline std::string collection_body(std::size_t shards, std::size_t factor, bool custom = false) {
    return fmt::format(R"({{"vectors":{{"size":4,"distance":"Dot"}},"shard_number":{},"replication_factor":{}{}}})",
                       shards, factor, custom ? R"(,"sharding_method":"custom")" : "");
}

}  // namespace vbackup::test
