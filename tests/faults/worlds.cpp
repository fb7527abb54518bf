// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "faults/world.hpp"
#include "support/scripted_dragonfly.hpp"
#include "support/scripted_dragonfly_cloud.hpp"
#include "support/scripted_qdrant_cluster.hpp"
#include "support/scripted_weaviate.hpp"
#include "support/scripted_zilliz.hpp"

namespace vbackup::test {

namespace {

using std::filesystem::path;

std::string key_file(const path& home, std::string_view key) {
    const auto file = home / "key";
    std::ofstream(file) << key << '\n';
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    return "api_key_file = \"" + file.string() + "\"\n";
}

class WeaviateWorld : public World {
public:
    explicit WeaviateWorld(const path& home) : root_(home / "backups"), server_(script(home / "backups")) {}

    std::string settings(const path&) override { return "url = \"weaviate+" + server_.base() + "\"\n"; }
    void tamper(Wedge& wedge) override { server_.http().tamper(wedge.http()); }
    std::string contents() override {
        std::string all;
        const auto script = server_.script();
        for (const auto& [name, collection] : script.collections) {
            all += fmt::format("{} {}\n", name, collection.count);
            for (const auto& [tenant, state] : collection.tenants)
                all += fmt::format("{}/{} {} {}\n", name, tenant, state.status, state.count);
        }
        for (const auto& [alias, name] : script.aliases) all += fmt::format("{} -> {}\n", alias, name);
        return all;
    }
    void destroy() override {
        server_.change([](auto& script) {
            script.collections.clear();
            script.aliases.clear();
        });
    }
    std::size_t left_with_server() override {
        if (!std::filesystem::is_directory(root_)) return 0;
        std::size_t all = 0;
        for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(root_)) ++all;
        return all;
    }
    void fail_jobs(bool on) override {
        server_.change([&](auto& script) {
            script.ending = on ? "FAILED" : "SUCCESS";
            script.ending_why = on ? "no space left on device" : "";
            script.restore_fails = script.ending_why;
        });
    }
    void slow_jobs(bool on) override {
        server_.change([&](auto& script) { script.looks = on ? 1'000'000 : 2; });
    }
    std::size_t under_way() override { return server_.under_way(); }
    bool begins_job(std::string_view method, std::string_view path) const override {
        return method == "POST" && path.starts_with("/v1/backups/");
    }

private:
    static ScriptedWeaviate::Script script(const path& root) {
        ScriptedWeaviate::Script made;
        made.collections = {{"Article", {.count = 1000}},
                            {"Tenants", {.tenants = {{"ta", {"HOT", 70}}, {"tb", {"HOT", 30}}}, .multi_tenant = true}}};
        made.aliases = {{"News", "Article"}};
        made.root = root.string();
        made.write_files = true;
        made.chunk = path(TEST_DATA) / "weaviate" / "chunk-1";
        return made;
    }

    path root_;
    ScriptedWeaviate server_;
};

class QdrantWorld : public World {
public:
    explicit QdrantWorld(std::size_t nodes) : cluster_(nodes) {
        const auto factor = nodes > 1 ? 2 : 1;
        cluster_.fill(
            "docs",
            fmt::format(R"({{"vectors":{{"size":4,"distance":"Dot"}},"shard_number":2,"replication_factor":{}}})",
                        factor),
            40);
        cluster_.fill("small", R"({"vectors":{"size":4,"distance":"Dot"},"shard_number":1,"replication_factor":1})", 7);
        cluster_.with([](auto& state) { state.aliases["current"] = "docs"; });
    }

    std::string settings(const path& home) override {
        return "url = \"qdrant+" + cluster_.base(0) + "\"\n" + key_file(home, ScriptedQdrant::key);
    }
    void tamper(Wedge& wedge) override { cluster_.tamper(wedge.http()); }
    std::string contents() override {
        return cluster_.with([](auto& state) {
            std::string all;
            for (const auto& [name, collection] : state.collections) {
                for (const auto& shard : collection.shards) {
                    for (const auto& [node, replica] : shard.replicas) {
                        all += fmt::format("{} {} of {} {}:", name, shard.id, shard.replicas.size(), replica.state);
                        for (const auto& [id, point] : replica.points) all += fmt::format(" {}={}", id, point);
                        all += '\n';
                    }
                }
            }
            for (const auto& [alias, name] : state.aliases) all += fmt::format("{} -> {}\n", alias, name);
            return all;
        });
    }
    void destroy() override {
        cluster_.with([](auto& state) {
            state.collections.clear();
            state.aliases.clear();
        });
    }
    std::size_t left_with_server() override {
        return cluster_.with([](auto& state) {
            std::size_t all = 0;
            for (const auto& node : state.nodes) {
                for (const auto& [_, stored] : node.stored) all += stored.size();
            }
            return all;
        });
    }
    bool begins_job(std::string_view method, std::string_view path) const override {
        return method == "POST" && path.ends_with("/snapshots");
    }

private:
    ScriptedQdrantCluster cluster_;
};

std::string keys_of(const std::map<std::uint32_t, ScriptedDragonfly::Database>& databases) {
    std::string all;
    for (const auto& [number, keys] : databases) {
        for (const auto& [key, value] : keys)
            all += fmt::format("{} {} {} {}\n", number, key, value.text, value.expiry);
    }
    return all;
}

void fill_keys(ScriptedDragonfly& server) {
    for (int one = 0; one < 12; ++one) server.set(0, fmt::format("key {}", one), fmt::format("value {}", one));
    server.set(0, "soon", "gone", 1'795'247'220'000ULL + 1'000'000'000'000ULL);
    server.set(3, "other", std::string(3000, 'x'));
}

class DragonflyWorld : public World {
public:
    explicit DragonflyWorld(std::string product) {
        server_.with([&](auto& state) { state.product = std::move(product); });
        fill_keys(server_);
    }

    std::string settings(const path&) override { return "url = \"" + server_.url() + "\"\n"; }
    void tamper(Wedge& wedge) override { server_.wire().tamper(wedge.resp()); }
    std::string contents() override { return keys_of(server_.databases()); }
    void destroy() override {
        server_.with([](auto& state) { state.databases.clear(); });
    }
    std::size_t left_with_server() override {
        return server_.with([](auto& state) { return state.snapshots.size(); });
    }
    void fail_jobs(bool on) override {
        server_.with([&](auto& state) { state.save_fails = on; });
    }
    bool begins_job(std::string_view method, std::string_view) const override { return method == "BGSAVE"; }

private:
    ScriptedDragonfly server_;
};

class DragonflyCloudWorld : public World {
public:
    DragonflyCloudWorld() { fill_keys(data_); }

    std::string settings(const path& home) override {
        return fmt::format("url = \"dragonfly-cloud://{}\"\nbase_url = \"{}\"\n", ScriptedDragonflyCloud::id,
                           cloud_.base()) +
               key_file(home, ScriptedDragonflyCloud::key);
    }
    void tamper(Wedge& wedge) override {
        data_.wire().tamper(wedge.resp());
        cloud_.http().tamper(wedge.http());
    }
    std::string contents() override { return keys_of(data_.databases()); }
    void destroy() override {
        data_.with([](auto& state) { state.databases.clear(); });
    }
    std::size_t left_with_server() override { return 0; }

private:
    ScriptedDragonfly data_;
    ScriptedDragonflyCloud cloud_{data_};
};

class ZillizWorld : public World {
public:
    ZillizWorld() : server_(script()) {}

    std::string settings(const path& home) override {
        return fmt::format("url = \"zilliz://{}\"\nbase_url = \"{}\"\n", cluster, server_.base()) +
               key_file(home, "key-1");
    }
    void tamper(Wedge& wedge) override { server_.http().tamper(wedge.http()); }
    // Restores go beside what is there: only the first database counts, and what lies in `archive` in its place once it is gone.
    std::string contents() override {
        std::string all;
        const auto script = server_.script();
        for (const auto& [database, collections] : script.clusters.at(cluster).collections) {
            for (const auto& [name, state] : collections) all += fmt::format("{}.{} {}\n", database, name, state);
        }
        return all;
    }
    void destroy() override {
        server_.change([](auto& script) { script.clusters.at(cluster).collections = {{"default", {}}}; });
    }
    std::size_t left_with_server() override { return server_.backups().size(); }
    void fail_jobs(bool on) override {
        server_.change([&](auto& script) {
            script.ending = on ? "FAILED" : "SUCCESSFUL";
            script.reason = on ? "an internal error" : "";
        });
    }
    std::string schedules() override { return server_.policy(cluster); }
    bool begins_job(std::string_view method, std::string_view path) const override {
        return method == "POST" && (path.ends_with("/backups/create") || path.ends_with("/restoreCollection"));
    }

private:
    static constexpr const char* cluster = "in01-5b1c77aa90de321";
    static ScriptedZilliz::Script script() {
        ScriptedZilliz::Script made;
        made.clusters[cluster].collections = {{"default", {{"articles", "LOADED"}, {"images", "LOADED"}}}};
        return made;
    }

    ScriptedZilliz server_;
};

// STORE is the store's place.
Play::Lines made_and_kept() {
    return {{"create", "prod", "--id", "b", "--to", "STORE"}};
}
Play::Lines made_and_left() {
    return {{"create", "prod", "--id", "b"}};
}
const std::vector<std::string> from_store{"restore", "prod", "b", "--from", "STORE", "--yes"};
const std::vector<std::string> from_server{"restore", "prod", "b", "--yes"};

Play create_kept() {
    return {.verb = "create",
            .verdict = Play::Verdict::made,
            .line = made_and_kept()[0],
            .restore = {from_store},
            .look = {"list", "STORE", "--output", "json"},
            .kept = true};
}
Play create_left() {
    return {.verb = "create-left",
            .verdict = Play::Verdict::made,
            .line = made_and_left()[0],
            .restore = {from_server},
            .look = {"list", "prod", "--output", "json"}};
}
// What only comes back by way of the store.
Play create_left_for_store() {
    auto play = create_left();
    play.restore = {{"download", "prod", "b", "--to", "STORE"}, from_store};
    return play;
}
Play restore_kept() {
    return {.verb = "restore",
            .verdict = Play::Verdict::restored,
            .before = made_and_kept(),
            .destroyed = true,
            .line = from_store};
}
Play restore_over() {
    auto play = restore_kept();
    play.verb = "restore-over";
    play.destroyed = false;
    play.line.emplace_back("--overwrite");
    return play;
}
Play restore_left() {
    return {.verb = "restore-left",
            .verdict = Play::Verdict::restored,
            .before = made_and_left(),
            .destroyed = true,
            .line = from_server};
}
Play delete_left() {
    return {.verb = "delete-left",
            .verdict = Play::Verdict::removed,
            .before = made_and_left(),
            .line = {"delete", "prod", "b", "--yes"},
            .look = {"list", "prod", "--output", "json"}};
}
Play download() {
    return {.verb = "download",
            .verdict = Play::Verdict::made,
            .before = made_and_left(),
            .line = {"download", "prod", "b", "--to", "STORE"},
            .restore = {from_store},
            .look = {"list", "STORE", "--output", "json"}};
}
// The server's job ends badly by itself.
Play failing(Play play, std::string_view verb) {
    play.verb = verb;
    play.fails = true;
    return play;
}
const std::vector<std::string> begun{"create", "prod", "--id", "b", "--no-wait"};
Play create_begun(Play play) {
    play.verb = "create-begun";
    play.verdict = Play::Verdict::begun;
    play.line = begun;
    return play;
}
Play wait_for_it(Play play) {
    play.verb = "wait";
    play.before = {begun};
    play.line = {"wait", "prod", "b"};
    return play;
}
Play cancel() {
    return {.verb = "cancel",
            .verdict = Play::Verdict::cancelled,
            .before = {begun},
            .line = {"cancel", "prod", "b", "--yes"},
            .slow = true};
}
Play prune_left() {
    auto play = create_left();
    play.verb = "prune";
    play.verdict = Play::Verdict::pruned;
    play.before = {{"create", "prod", "--id", "a"}, made_and_left()[0]};
    play.line = {"prune", "prod", "--keep-last", "1", "--yes"};
    return play;
}
const std::vector<std::string> schedule_set{"schedule", "set", "prod",        "--weekdays", "mon,wed",
                                            "--hours",  "2",   "--retention", "7d"};
Play set_schedule() {
    return {.verb = "schedule-set", .verdict = Play::Verdict::scheduled, .line = schedule_set};
}
Play remove_schedule() {
    return {.verb = "schedule-remove",
            .verdict = Play::Verdict::scheduled,
            .before = {schedule_set},
            .line = {"schedule", "remove", "prod", "--yes"}};
}
// What needs no database.
Play copy() {
    return {.verb = "copy",
            .verdict = Play::Verdict::made,
            .before = made_and_kept(),
            .line = {"copy", "STORE", "b", "STORE2"},
            .restore = {{"restore", "prod", "b", "--from", "STORE2", "--yes"}},
            .look = {"list", "STORE2", "--output", "json"},
            .kept = true,
            .place = "STORE2"};
}
Play delete_kept() {
    return {.verb = "delete",
            .verdict = Play::Verdict::removed,
            .before = made_and_kept(),
            .line = {"delete", "STORE", "b", "--yes"},
            .look = {"list", "STORE", "--output", "json"},
            .gone = "b"};
}
Play prune_kept() {
    auto play = create_kept();
    play.verb = "prune-kept";
    play.verdict = Play::Verdict::pruned;
    play.before = {{"create", "prod", "--id", "a", "--to", "STORE"}, made_and_kept()[0]};
    play.line = {"prune", "STORE", "--keep-last", "1", "--yes"};
    play.gone = "a";
    return play;
}
Play told(std::string_view verb, std::vector<std::string> line, Play::Lines before = {}) {
    return {.verb = verb, .verdict = Play::Verdict::told, .before = std::move(before), .line = std::move(line)};
}

std::vector<Play> looks(const Play::Lines& before) {
    return {told("check", {"check", "prod", "--output", "json"}),
            told("list", {"list", "prod", "--output", "json"}, before),
            told("status", {"status", "prod", "b", "--output", "json"}, before)};
}

std::vector<Play> plays(std::vector<Play> first, const Play::Lines& before) {
    for (auto& one : looks(before)) first.push_back(std::move(one));
    return first;
}

}  // namespace

const std::vector<Driver>& played_drivers() {
    static const std::vector<Driver> all{
        {"weaviate", false,
         [](const path& home, const FakeClock&) -> std::unique_ptr<World> {
             return std::make_unique<WeaviateWorld>(home);
         },
         plays({create_kept(), create_left(), restore_kept(), restore_left(), delete_left(), download(),
                create_begun(create_left()), wait_for_it(create_left()), cancel(), prune_left(),
                failing(create_left(), "create-left-fails"), failing(restore_left(), "restore-left-fails"),
                told("verify", {"verify", "prod", "b"}, made_and_left()), copy(), delete_kept(), prune_kept(),
                told("verify-kept", {"verify", "STORE", "b"}, made_and_kept())},
               made_and_left())},
        {"qdrant-1", false,
         [](const path&, const FakeClock&) -> std::unique_ptr<World> { return std::make_unique<QdrantWorld>(1); },
         plays({create_kept(), create_left(), restore_kept(), restore_over(), restore_left(), delete_left(), download(),
                create_begun(create_left()), wait_for_it(create_left()), prune_left(),
                told("verify", {"verify", "prod", "b"}, made_and_left())},
               made_and_left())},
        {"qdrant-3", false,
         [](const path&, const FakeClock&) -> std::unique_ptr<World> { return std::make_unique<QdrantWorld>(3); },
         plays({create_kept(), create_left_for_store(), restore_kept(), restore_over(), delete_left(), download()},
               made_and_left())},
        {"dragonfly", true,
         [](const path&, const FakeClock&) -> std::unique_ptr<World> {
             return std::make_unique<DragonflyWorld>("dragonfly");
         },
         plays({create_kept(), create_left(), restore_kept(), restore_over(), create_begun(create_left()),
                wait_for_it(create_left()), failing(create_left(), "create-left-fails")},
               made_and_left())},
        {"redis", true,
         [](const path&, const FakeClock&) -> std::unique_ptr<World> {
             return std::make_unique<DragonflyWorld>("redis");
         },
         plays({create_kept(), restore_kept(), restore_over()}, made_and_left())},
        {"dragonfly-cloud",
         true,
         [](const path&, const FakeClock&) -> std::unique_ptr<World> {
             return std::make_unique<DragonflyCloudWorld>();
         },
         {create_kept(), restore_kept(), restore_over()}},
        {"zilliz", false,
         [](const path&, const FakeClock&) -> std::unique_ptr<World> { return std::make_unique<ZillizWorld>(); },
         plays({create_left(), restore_left(), delete_left(), create_begun(create_left()), wait_for_it(create_left()),
                prune_left(), set_schedule(), remove_schedule(), failing(create_left(), "create-left-fails"),
                failing(restore_left(), "restore-left-fails"),
                told("schedule-show", {"schedule", "show", "prod", "--output", "json"}, {schedule_set})},
               made_and_left())},
    };
    return all;
}

}  // namespace vbackup::test
