// SPDX-License-Identifier: Apache-2.0
// Snapshots that stay with the server: INFO is the only witness.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "backup/find.hpp"
#include "contract/dragonfly/site.hpp"

namespace vbackup::test {

namespace {

struct Fixture {
    Fixture() {
        server.set(0, "a", "1");
        server.set(2, "b", "2");
        clock_of_server();
    }
    void clock_of_server() {
        site.clock.on_sleep = [this](Milliseconds length) {
            server.with([&](auto& state) { state.now += static_cast<std::uint64_t>(length.count()); });
        };
    }
    std::uint64_t last_save() {
        return server.with([](auto& state) { return state.last_success; });
    }
    // `written`: s since 1970.
    static void put_file(const std::filesystem::path& path, std::uint64_t written) {
        std::ofstream(path) << "x";
        const std::chrono::sys_seconds when{std::chrono::seconds(written)};
        std::filesystem::last_write_time(path, std::chrono::file_clock::from_sys(when));
    }
    ScriptedDragonfly server;
    Site site{server.url()};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a save is waited for to its end, and its file named after the backup") {
    const auto made = site.create("b1", {}, false);
    REQUIRE(made.manifest);
    CHECK_FALSE(made.manifest->kept);
    CHECK(made.manifest->location == "/data/b1-summary.dfs");
    CHECK(server.wire().commands().size() > 3);
    bool right = false;
    for (const auto& command : server.wire().commands()) right = right || command == RespCommand{"BGSAVE", "DF", "b1"};
    CHECK(right);
    CHECK(backup::status(site.call, site.stage(), "b1", {}).phase == model::Phase::succeeded);
    // It shows its last save only: of those before nothing proves that they are there.
    server.with([](auto& state) { state.last_file = "/data/b2-summary.dfs"; });
    CHECK(backup::status(site.call, site.stage(), "b1", {}).phase == model::Phase::unknown);
    for (const auto& found : backup::list(site.call, site.stage(), {}))
        if (found.id == "b1") CHECK(found.phase == model::Phase::unknown);
}

TEST_CASE_FIXTURE(Fixture, "somebody else's save is not taken for ours") {
    std::uint64_t failed = 0;
    server.with([&](auto& state) {
        state.before = [&state, &failed](const RespCommand& command) {
            if (command.front() != "INFO" || !state.saving) return;
            state.saving = false;
            if (failed > 0) state.last_failed = state.now / 1000 + failed;
            state.last_error = "generic:28 No space left on device";
            state.last_success = state.now / 1000 + 5;
            state.last_file = "/data/other-summary.dfs";
        };
    });
    SUBCASE("ours has failed before") {
        failed = 2;
        CHECK_ENDS(ErrorKind::job_failed, "No space left", site.create("b1", {}, false));
    }
    SUBCASE("nothing tells how ours has ended") {
        CHECK_ENDS(ErrorKind::job_failed, "/data/other-summary.dfs", site.create("b1", {}, false));
    }
    CHECK_FALSE(site.journal.manifest("b1"));
}

TEST_CASE_FIXTURE(Fixture, "format and location go into the command") {
    site.create("b1", {{"format", "rdb"}, {"location", "s3://bucket/prefix"}}, false);
    bool right = false;
    for (const auto& command : server.wire().commands())
        right = right || command == RespCommand{"BGSAVE", "RDB", "s3://bucket/prefix", "b1"};
    CHECK(right);
    CHECK_ENDS(ErrorKind::usage, "left with the server", site.create("b2", {{"format", "rdb"}}, true));
}

TEST_CASE_FIXTURE(Fixture, "a save that fails is failed, with the server's reason") {
    server.with([](auto& state) { state.save_fails = true; });
    CHECK_ENDS(ErrorKind::job_failed, "No space left", site.create("b1", {}, false));
    CHECK_FALSE(site.journal.manifest("b1"));
    const auto all = backup::list(site.call, site.stage(), {});
    bool shown = false;
    for (const auto& found : all) shown = shown || found.phase == model::Phase::failed;
    CHECK(shown);
}

TEST_CASE_FIXTURE(Fixture, "another save is under way: busy, after some tries") {
    server.with([](auto& state) {
        state.saving = true;
        state.save_stalls = true;
    });
    CHECK_ENDS(ErrorKind::busy, "another save", site.create("b1", {}, false));
}

TEST_CASE_FIXTURE(Fixture, "the answer to BGSAVE is lost: the save is found, and not begun twice") {
    bool lost = false;
    server.with([&](auto& state) {
        state.looks = 4;
        state.fault = [&state, &lost](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "BGSAVE" || std::exchange(lost, true)) return std::nullopt;
            state.saving = true;
            state.looks_left = state.looks;
            state.saving_as = "/data/b1-summary.dfs";
            return RespAnswer{"", RespAnswer::Then::close};
        };
    });
    CHECK(site.create("b1", {}, false).manifest);
    CHECK(server.wire().count("BGSAVE") == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "a server that is started anew while it saves: failed, though its time of the last save is newer") {
    server.with([](auto& state) { state.save_stalls = true; });
    int looks = 0;
    site.clock.on_sleep = [&](Milliseconds) {
        if (++looks != 2) return;
        server.with([](auto& state) {
            state.saving = false;
            state.uptime = 3;
            state.last_success = state.now / 1000 + 5;
        });
    };
    CHECK_ENDS(ErrorKind::job_failed, "started anew", site.create("b1", {}, false));
}

TEST_CASE_FIXTURE(Fixture, "DFLY LOAD brings it back: what is there goes, after a yes") {
    site.create("b1", {}, false);
    server.with([](auto& state) {
        state.databases.clear();
        state.databases[0]["other"] = {"x", 0};
    });
    CHECK_ENDS(ErrorKind::conflict, "--overwrite", site.restore());
    site.agrees = false;
    CHECK_ENDS(ErrorKind::refused, "b1-summary.dfs", site.restore(true));
    site.agrees = true;
    CHECK(site.restore(true).proof.good());
    CHECK(server.databases().at(0).contains("a"));
    CHECK(server.databases().at(2).contains("b"));
    CHECK_FALSE(server.databases().at(0).contains("other"));
    server.with([](auto& state) { state.snapshots.clear(); });
    CHECK_ENDS(ErrorKind::not_found, "does not find", site.restore(true));
}

TEST_CASE_FIXTURE(Fixture, "a snapshot that vbackup did not make is listed and loaded by its name") {
    server.with([](auto& state) {
        state.last_file = "/data/dump-2026-summary.dfs";
        state.last_success = state.now / 1000;
        state.snapshots["/data/dump-2026-summary.dfs"] = {{0, {{"old", {"1", 0}}}}};
        state.databases.clear();
    });
    const auto all = backup::list(site.call, site.stage(), {});
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "dump-2026");
    CHECK(site.restore(false, {}, {}, {}, "dump-2026").proof.good());
    CHECK(server.databases().at(0).contains("old"));
    CHECK_ENDS(ErrorKind::unsupported, "/data/dump-2026-summary.dfs",
               backup::remove(site.call, site.stage(), "dump-2026", {}, false));
}

TEST_CASE_FIXTURE(Fixture, "a Redis keeps one file, which a later save replaces: then the backup is gone") {
    server.with([](auto& state) { state.product = "redis"; });
    const auto made = site.create("b1", {}, false);
    CHECK(made.manifest->location == "/data/dump.rdb");
    CHECK(backup::status(site.call, site.stage(), "b1", {}).phase == model::Phase::succeeded);
    CHECK_ENDS(ErrorKind::unsupported, "start", site.restore(true));
    CHECK_ENDS(ErrorKind::unsupported, "its own file", site.create("b2", {{"format", "df"}}, false));
    server.with([](auto& state) {
        state.last_success += 10;
        state.snapshots["other"];
    });
    CHECK(backup::status(site.call, site.stage(), "b1", {}).phase == model::Phase::gone);
    const auto all = backup::list(site.call, site.stage(), {});
    REQUIRE(all.size() == 2);
    for (const auto& found : all) CHECK((found.phase == model::Phase::gone) == (found.id == "b1"));
    backup::remove(site.call, site.stage(), "b1", {}, false);
    CHECK_FALSE(site.journal.manifest("b1"));
}

TEST_CASE_FIXTURE(Fixture, "a backup left with the server is deleted where this machine sees its files") {
    const TemporaryFolder data;
    const auto put = [&](const char* name) { put_file(data / name, last_save()); };
    const auto has = [&](const char* name) { return std::filesystem::exists(data / name); };
    server.with([&](auto& state) { state.folder = data.path().string(); });
    site.create("b1", {}, false);
    for (const auto* name : {"b1-summary.dfs", "b1-0000.dfs", "b1-0001.dfs", "b1-2-summary.dfs", "b1-2-0000.dfs"})
        put(name);
    auto stage = site.stage();
    stage.open_location = [](const std::string& url) { return store::open_location(url); };
    site.agrees = false;
    CHECK_ENDS(ErrorKind::refused, "b1-0001.dfs", backup::remove(site.call, stage, "b1", {}, false));
    CHECK(has("b1-summary.dfs"));
    site.agrees = true;
    backup::remove(site.call, stage, "b1", {}, false);
    CHECK_FALSE(site.journal.manifest("b1"));
    for (const auto* name : {"b1-summary.dfs", "b1-0000.dfs", "b1-0001.dfs"}) CHECK_FALSE(has(name));
    CHECK(has("b1-2-summary.dfs"));
    CHECK(has("b1-2-0000.dfs"));
}

TEST_CASE_FIXTURE(Fixture, "a file at the same path that was not written by the save is another server's, and stays") {
    const TemporaryFolder data;
    const auto file = data / "b1-summary.dfs";
    server.with([&](auto& state) { state.folder = data.path().string(); });
    auto stage = site.stage();
    stage.open_location = [](const std::string& url) { return store::open_location(url); };
    const auto remove = [&] { backup::remove(site.call, stage, "b1", {}, false); };
    const auto stays = [&](std::uint64_t written) {
        put_file(file, written);
        CHECK_ENDS(ErrorKind::unsupported, file.string(), remove());
        CHECK(std::filesystem::exists(file));
    };
    SUBCASE("written at another time") {
        site.create("b1", {}, false);
        stays(last_save() - 61);
        stays(last_save() + 61);
        put_file(file, last_save() + 59);
        remove();
        CHECK_FALSE(std::filesystem::exists(file));
    }
    SUBCASE("a save of some minutes") {
        server.with([](auto& state) { state.save_took = 240; });
        site.create("b1", {}, false);
        stays(last_save() + 301);
        put_file(file, last_save() + 240);
        remove();
        CHECK_FALSE(std::filesystem::exists(file));
    }
    SUBCASE("the server does not say when") {
        server.with([](auto& state) { state.before = [&state](const RespCommand&) { state.now = 0; }; });
        site.create("b1", {}, false);
        stays(0);
    }
}

TEST_CASE_FIXTURE(Fixture, "a backup left with the server out of sight is forgotten once it is asked for") {
    site.create("b1", {}, false);
    CHECK_ENDS(ErrorKind::unsupported, "/data/b1-summary.dfs",
               backup::remove(site.call, site.stage(), "b1", {}, false));
    CHECK(site.journal.manifest("b1"));
    backup::remove(site.call, site.stage(), "b1", {{"forget", "true"}}, false);
    CHECK_FALSE(site.journal.manifest("b1"));
    // The server still has it.
    CHECK_ENDS(ErrorKind::unsupported, "/data/b1-summary.dfs",
               backup::remove(site.call, site.stage(), "b1", {{"forget", "true"}}, false));
}

TEST_CASE_FIXTURE(Fixture, "what is left of a create that was given up is removed, whatever was counted of it") {
    int looks = 0;
    server.with([&](auto& state) {
        state.indexes["idx"] = resp::array({resp::text("index_name"), resp::text("idx")});
        state.users = {"user reader on #0123 ~* +get"};
        state.fault = [&](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "FT._LIST" || ++looks < 2) return std::nullopt;
            return RespAnswer{"", RespAnswer::Then::close};
        };
    });
    CHECK_ENDS(ErrorKind::unreachable, "", site.create("b1", {{"acl", "true"}}));
    REQUIRE(site.store.intent("b1"));
    backup::remove(site.call, site.stage(), "b1", {}, false);
    CHECK_FALSE(site.store.intent("b1"));
}

TEST_CASE_FIXTURE(Fixture, "a server that is loading: no create, and a restore says busy") {
    site.create();
    server.with([](auto& state) { state.loading = true; });
    CHECK_ENDS(ErrorKind::refused, "loading", site.create("b2"));
    CHECK_ENDS(ErrorKind::busy, "loading", site.restore(true));
    server.with([](auto& state) {
        state.loading = false;
        state.replica = true;
    });
    CHECK_ENDS(ErrorKind::refused, "replica", site.restore(true));
}

TEST_CASE("passwords: missing, wrong, with a user; what the user may not do is said") {
    ScriptedDragonfly server;
    server.set(0, "a", "1");
    server.with([](auto& state) { state.password = "secret word"; });
    CHECK_ENDS(ErrorKind::denied, "NOAUTH", Site(server.url()).create());
    CHECK_ENDS(ErrorKind::denied, "WRONGPASS", Site(server.url(), "other").create());
    CHECK(Site(server.url(), "secret word").create().manifest);
    server.with([](auto& state) { state.user = "backup"; });
    CHECK_ENDS(ErrorKind::denied, "WRONGPASS", Site(server.url(), "secret word").create());
    Site named(server.url(), "secret word", "backup");
    CHECK(named.create().manifest);
    server.with([](auto& state) { state.denied = {"DUMP"}; });
    CHECK_ENDS(ErrorKind::denied, "the user backup needs that right", named.create("b2"));
}

TEST_CASE_FIXTURE(Fixture, "what the user may not do is seen before anything is cleared or begun") {
    site.create();
    server.with([](auto& state) { state.denied = {"RESTORE"}; });
    CHECK_ENDS(ErrorKind::denied, "run the 'RESTORE' command", site.restore(true));
    CHECK(server.wire().count("FLUSHALL") + server.wire().count("FLUSHDB") == 0);
    server.with([](auto& state) {
        state.denied.clear();
        state.unknown = {"RESTORE"};
    });
    CHECK_ENDS(ErrorKind::unsupported, "unknown command", site.restore(true));
    server.with([](auto& state) { state.unknown.clear(); });
    CHECK(server.wire().count("FLUSHALL") + server.wire().count("FLUSHDB") == 0);
    for (const auto* name : {"SCAN", "DUMP", "PTTL"}) {
        server.with([&](auto& state) { state.denied = {name}; });
        CHECK_ENDS(ErrorKind::denied, name, site.create("b2"));
        CHECK_FALSE(site.store.intent("b2"));
    }
    // Some keys only are closed to the user: those that are asked for may be others.
    server.with([](auto& state) {
        state.denied.clear();
        state.fault = [](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.size() < 2 || command[1] != "vbackup:none") return std::nullopt;
            return RespAnswer{
                resp::error("NOPERM this user has no permissions to access one of the keys used as arguments")};
        };
    });
    CHECK(site.create("b3", {{"match", "a"}}).manifest);
}

TEST_CASE_FIXTURE(Fixture, "without MEMORY USAGE values are read a few at a time, and that is said") {
    server.with([](auto& state) { state.denied = {"MEMORY"}; });
    CHECK(site.create().manifest);
    const auto warnings = site.tally.warnings();
    CHECK(std::any_of(warnings.begin(), warnings.end(),
                      [](const auto& one) { return one.find("MEMORY USAGE") != std::string::npos; }));
}

TEST_CASE("two masters: both are read, each key goes to its owner, redirections are followed") {
    ScriptedDragonfly one, two;
    const auto nodes = [&](int mine) {
        const auto flags = [&](int n) { return n == mine ? "myself,master" : "master"; };
        return "aaaa " + one.wire().address() + "@1 " + flags(1) + " - 0 0 1 connected 0-8191\n" + "bbbb " +
               two.wire().address() + "@2 " + flags(2) + " - 0 0 2 connected 8192-16383\n";
    };
    // "foo" is in slot 12182, "bar" in 5061, "{bar}2" with it.
    const auto in_one = [](std::string_view key) { return key.find("bar") != std::string_view::npos; };
    one.with([&](auto& state) {
        state.cluster_nodes = nodes(1);
        state.owns = in_one;
        state.moved = "MOVED 12182 " + two.wire().address();
        state.databases[0] = {{"bar", {"1", 0}}, {"{bar}2", {"2", 0}}};
    });
    two.with([&](auto& state) {
        state.cluster_nodes = nodes(2);
        state.owns = [&](std::string_view key) { return !in_one(key); };
        state.moved = "MOVED 5061 " + one.wire().address();
        state.databases[0] = {{"foo", {"3", 0}}};
    });
    Site site(two.url());
    const auto made = site.create();
    CHECK(made.manifest->files.size() == 2);
    CHECK(made.manifest->nodes.size() == 2);
    REQUIRE(made.manifest->collections.size() == 1);
    CHECK(made.manifest->collections[0].before.count == 3);

    // The same cluster by the address of its other node.
    CHECK(made.manifest->nodes[0].address.starts_with("dragonfly://127.0.0.1:"));
    for (const auto* server : {&one, &two}) {
        Site through(server->url());
        CHECK(backup::is_of(*made.manifest, through.stage().target));
    }

    for (auto* server : {&one, &two}) server->with([](auto& state) { state.databases.clear(); });
    CHECK(site.restore().proof.good());
    CHECK(one.databases().at(0).size() == 2);
    CHECK(two.databases().at(0).size() == 1);

    // The layout that was asked is old: everything belongs to the other one by now.
    for (auto* server : {&one, &two}) server->with([](auto& state) { state.databases.clear(); });
    one.with([](auto& state) { state.owns = [](std::string_view) { return false; }; });
    two.with([](auto& state) { state.owns = [](std::string_view) { return true; }; });
    CHECK(site.restore().proof.good());
    CHECK(two.databases().at(0).size() == 3);
    CHECK(two.wire().count("RESTORE") > 3);

    SUBCASE("a slot that is being moved, or that nobody owns") {
        one.with([&](auto& state) {
            state.cluster_nodes = nodes(1);
            state.cluster_nodes.replace(state.cluster_nodes.find("0-8191"), 6, "0-8191 [77->-bbbb]");
        });
        CHECK_ENDS(ErrorKind::refused, "slot 77", site.create("b2"));
        for (auto* server : {&one, &two})
            server->with([&](auto& state) { state.cluster_nodes = nodes(1).substr(0, nodes(1).find('\n')); });
        CHECK_ENDS(ErrorKind::refused, "8192 slots", Site(one.url()).create("b3"));
    }
    SUBCASE("slots that were moved during the backup, of which the node that was asked has not heard") {
        two.with([&](auto& state) {
            state.before = [&](const RespCommand& command) {
                if (command.front() != "DUMP") return;
                const auto at = state.cluster_nodes.find(" 2 connected 8192-16383");
                if (at != std::string::npos) state.cluster_nodes.replace(at, 23, " 5 connected 8000-16383");
            };
            state.databases[0] = {{"foo", {"3", 0}}};
        });
        Site other(one.url());
        CHECK_ENDS(ErrorKind::partial, "slots were moved", other.create("b5"));
        CHECK_ENDS(ErrorKind::refused, "slot 8000 has two masters", other.create("b6"));
    }
    SUBCASE("slots that were moved during the backup") {
        one.with([&](auto& state) {
            state.before = [&](const RespCommand& command) {
                if (command.front() != "DUMP") return;
                for (auto* text : {&state.cluster_nodes}) {
                    if (const auto at = text->find("0-8191"); at != std::string::npos) text->replace(at, 6, "0-8000");
                    if (const auto at = text->find("8192-16383"); at != std::string::npos)
                        text->replace(at, 10, "8001-16383");
                }
            };
            state.owns = in_one;
            state.databases[0] = {{"bar", {"1", 0}}};
        });
        Site other(one.url());
        CHECK_ENDS(ErrorKind::partial, "slots were moved", other.create("b4"));
        CHECK_FALSE(other.store.manifest("b4"));
    }
}

}  // namespace vbackup::test
