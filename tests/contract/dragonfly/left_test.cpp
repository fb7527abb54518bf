// SPDX-License-Identifier: Apache-2.0
// What can be known of an older snapshot that stays with its server: by its files where this machine sees them, else nothing.
#include <chrono>
#include <filesystem>
#include <fstream>

#include "backup/find.hpp"
#include "contract/dragonfly/site.hpp"

namespace vbackup::test {

namespace {

using model::Phase;
namespace fs = std::filesystem;

struct Fixture {
    Fixture() {
        server.set(0, "a", "1");
        server.with([&](auto& state) { state.folder = data.path().string(); });
        site.clock.on_sleep = [this](Milliseconds length) {
            server.with([&](auto& state) { state.now += static_cast<std::uint64_t>(length.count()); });
            if (writes) write_files();
        };
    }
    // As the server leaves them, at the time at which it saves.
    void write_files() {
        const auto [as, when] = server.with(
            [](auto& state) { return std::pair(state.saving ? state.saving_as : std::string(), state.now / 1000); });
        if (!as.ends_with("-summary.dfs")) return;
        const auto stem = as.substr(0, as.size() - std::string_view("summary.dfs").size());
        put(as, when);
        for (const auto* end : {"0000.dfs", "0001.dfs"}) put(stem + end, when);
    }
    static void put(const fs::path& path, std::uint64_t written, const std::string& text = "x") {
        std::ofstream(path) << text;
        const std::chrono::sys_seconds when{std::chrono::seconds(written)};
        fs::last_write_time(path, std::chrono::file_clock::from_sys(when));
    }
    Phase phase_of(const std::string& id) { return backup::status(site.call, site.stage(), id, {}).phase; }
    std::string said_of(const std::string& id) { return backup::status(site.call, site.stage(), id, {}).said; }
    Phase listed(const std::string& id) {
        for (const auto& found : backup::list(site.call, site.stage(), {}))
            if (found.id == id) return found.phase;
        return Phase::cancelled;
    }
    void create(const std::string& id) {
        site.create(id, {}, false);
        site.clock.sleep(std::chrono::hours(48), {});
    }
    // The same with an eye for files.
    backup::Stage stage() {
        auto stage = site.stage();
        stage.open_location = [](const std::string& url) { return store::open_location(url); };
        return stage;
    }
    backup::Pruned prune(backup::PruneOptions options) { return backup::prune(site.call, stage(), options); }
    bool has(const std::string& name) { return fs::exists(data / name); }

    TemporaryFolder data;
    bool writes = true;
    ScriptedDragonfly server;
    Site site{server.url()};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an older snapshot is good as long as its files are seen as they were") {
    create("b1");
    create("b2");
    CHECK(phase_of("b1") == Phase::succeeded);
    CHECK(listed("b1") == Phase::succeeded);
    SUBCASE("after a restart too, which has the server forget its last save") {
        server.start_anew(1);
        CHECK(phase_of("b1") == Phase::succeeded);
        CHECK(phase_of("b2") == Phase::succeeded);
    }
    SUBCASE("one is missing: gone, and not loaded, which would clear the server first") {
        fs::remove(data / "b1-0001.dfs");
        CHECK(phase_of("b1") == Phase::gone);
        CHECK(listed("b1") == Phase::gone);
        CHECK(said_of("b1").find("b1-0001.dfs") != std::string::npos);
        CHECK_ENDS(ErrorKind::not_found, "b1-0001.dfs", site.restore(true));
        CHECK(server.wire().count("DFLY") == 0);
        // What is left of it goes with it.
        backup::remove(site.call, stage(), "b1", {}, false);
        CHECK_FALSE(has("b1-summary.dfs"));
        CHECK_FALSE(has("b1-0000.dfs"));
        CHECK(has("b2-0000.dfs"));
    }
    SUBCASE("one was cut short") {
        const auto written = fs::last_write_time(data / "b1-0000.dfs");
        std::ofstream(data / "b1-0000.dfs", std::ios::trunc).flush();
        fs::last_write_time(data / "b1-0000.dfs", written);
        CHECK(phase_of("b1") == Phase::gone);
    }
    SUBCASE("their folder is not there: nothing can be told") {
        fs::rename(data.path(), data.path().string() + "-elsewhere");
        CHECK(phase_of("b1") == Phase::unknown);
        CHECK(phase_of("b2") == Phase::succeeded);
        fs::rename(data.path().string() + "-elsewhere", data.path());
    }
}

TEST_CASE_FIXTURE(Fixture, "prune honours rules and retention where the files are seen, and removes them") {
    for (const auto* id : {"b1", "b2", "b3"}) create(id);
    const auto pruned = prune({.rules = {.last = 2}});
    for (const auto& item : pruned.items) {
        CHECK(item.decision.keep == (item.decision.id != "b1"));
        CHECK_FALSE(item.error);
    }
    CHECK_FALSE(site.journal.manifest("b1"));
    for (const auto* name : {"b1-summary.dfs", "b1-0000.dfs", "b1-0001.dfs"}) CHECK_FALSE(has(name));
    CHECK(has("b2-summary.dfs"));
}

TEST_CASE_FIXTURE(Fixture,
                  "where nothing shows whether they are there, prune leaves them alone, and says how they go") {
    writes = false;
    for (const auto* id : {"b1", "b2", "b3"}) create(id);
    CHECK(phase_of("b1") == Phase::unknown);
    const auto kept = prune({.rules = {.last = 1}});
    for (const auto& item : kept.items) CHECK(item.decision.keep);
    CHECK(kept.items.back().decision.reasons.front().find("--unseen includes it") != std::string::npos);
    SUBCASE("asked for, and out of reach: an error for each that says where they lie") {
        const auto tried = prune({.rules = {.last = 1}, .unseen = true});
        for (const auto& item : tried.items) {
            CHECK(item.decision.keep == (item.decision.id == "b3"));
            REQUIRE(item.error.has_value() == !item.decision.keep);
            if (item.error) CHECK(item.error->hint().find(item.decision.id + "-summary.dfs") != std::string::npos);
        }
        CHECK(site.journal.manifest("b1"));
    }
    SUBCASE("and forgotten") {
        const auto gone = prune({.rules = {.last = 2}, .unseen = true, .options = {{"forget", "true"}}});
        for (const auto& item : gone.items) CHECK(item.decision.keep == (item.decision.id != "b1"));
        CHECK_FALSE(site.journal.manifest("b1"));
        CHECK(site.journal.manifest("b2"));
    }
}

TEST_CASE_FIXTURE(Fixture,
                  "the file of a Redis: it is that of the last save, whoever asked for it, also after a restart") {
    const auto file = data / "dump.rdb";
    server.with([&](auto& state) {
        state.product = "redis";
        state.fault = [&](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "CONFIG") return std::nullopt;
            return RespAnswer{resp::texts({command[2], command[2] == "dir" ? data.path().string() : "dump.rdb"})};
        };
    });
    site.clock.on_sleep = [&](Milliseconds length) {
        const auto now =
            server.with([&](auto& state) { return state.now += static_cast<std::uint64_t>(length.count()); });
        if (server.with([](auto& state) { return state.saving; })) put(file, now / 1000);
    };
    site.create("b1", {}, false);
    CHECK(phase_of("b1") == Phase::succeeded);
    const auto restart = [&] {
        server.with([](auto& state) {
            state.uptime = 1;
            state.run_id = "4712";
            state.snapshots.clear();
            state.last_success = state.now / 1000 + 500;
        });
    };
    SUBCASE("a restart alone leaves it") {
        restart();
        CHECK(phase_of("b1") == Phase::succeeded);
    }
    SUBCASE("a restart that saved, or a save after it, does not") {
        restart();
        put(file, 1'795'300'000);
        CHECK(phase_of("b1") == Phase::gone);
        CHECK(said_of("b1") == "a later save took its place");
    }
    SUBCASE("out of sight a save after a restart tells") {
        fs::remove(file);
        auto noted = *site.journal.manifest("b1");
        const auto at = noted.jobs[0].details.find("\"machine\":\"");
        REQUIRE(at != std::string::npos);
        noted.jobs[0].details.insert(at + 11, "other-");
        site.journal.commit(noted);
        restart();
        CHECK(phase_of("b1") == Phase::unknown);
        server.with([](auto& state) { state.snapshots["later"]; });
        CHECK(phase_of("b1") == Phase::gone);
    }
}

}  // namespace vbackup::test
