// SPDX-License-Identifier: Apache-2.0
// A Dragonfly that loads: a snapshot by DFLY LOAD, or its own data after a start. INFO alone is answered then.
#include <chrono>

#include "backup/find.hpp"
#include "contract/dragonfly/site.hpp"

namespace vbackup::test {

namespace {

struct Fixture {
    Fixture() {
        for (int n = 0; n < 20; ++n) server.set(0, "k" + std::to_string(n), std::to_string(n));
        server.set(2, "b", "2");
        site.clock.on_sleep = [this](Milliseconds length) {
            server.with([&](auto& state) { state.now += static_cast<std::uint64_t>(length.count()); });
        };
    }
    // A snapshot b1 is left with it, and something else is there now.
    void leave_and_spoil() {
        site.create("b1", {}, false);
        whole = server.databases();
        server.with([](auto& state) {
            state.databases.clear();
            state.databases[0]["other"] = {"x", 0};
        });
    }
    bool is_whole() { return server.databases() == whole; }
    bool is_loading() {
        return server.with([](auto& state) { return state.loading; });
    }
    ScriptedDragonfly server;
    Site site{server.url()};
    std::map<std::uint32_t, ScriptedDragonfly::Database> whole;
};

// Once, instead of answering DFLY LOAD: the load goes on, and the line is cut.
auto cut_once(ScriptedDragonfly::State& state, bool& cut, int looks) {
    return [&state, &cut, looks](const RespCommand& command) -> std::optional<RespAnswer> {
        if (command.front() != "DFLY" || std::exchange(cut, true)) return std::nullopt;
        state.databases = state.snapshots.at(command[2]);
        state.loading = true;
        state.loads_left = looks;
        return RespAnswer{"", RespAnswer::Then::close};
    };
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a load is waited for to its end, and is not done before") {
    leave_and_spoil();
    server.with([](auto& state) { state.loads_for = 30; });
    const auto begun = site.clock.now();
    CHECK(site.restore(true).proof.good());
    CHECK_FALSE(is_loading());
    CHECK(is_whole());
    CHECK(server.wire().count("DFLY") == 1);
    CHECK(site.clock.now() - begun > std::chrono::seconds(5));
}

TEST_CASE_FIXTURE(Fixture, "a load that fails: failed, with the server's reason, and that what was there is gone") {
    leave_and_spoil();
    server.with([](auto& state) { state.load_error = "Bad file descriptor: unexpected end of file"; });
    SUBCASE("at once") {
        CHECK_ENDS(ErrorKind::job_failed, "unexpected end of file; the server clears", site.restore(true));
    }
    SUBCASE("after a while") {
        server.with([](auto& state) { state.loads_for = 9; });
        CHECK_ENDS(ErrorKind::job_failed, "unexpected end of file; the server clears", site.restore(true));
    }
    CHECK_FALSE(is_whole());
    // Nothing of it is gone on with.
    server.with([](auto& state) {
        state.load_error.clear();
        state.loads_for = 0;
    });
    CHECK(site.restore(true).proof.good());
    CHECK(is_whole());
}

TEST_CASE_FIXTURE(Fixture, "a load that says OK and leaves nothing is no restore") {
    leave_and_spoil();
    server.with([](auto& state) {
        state.loads_nothing = true;
        state.loads_for = 3;
    });
    CHECK_ENDS(ErrorKind::corrupt, "database db0: 0 keys where the backup has 20", site.restore(true));
}

TEST_CASE_FIXTURE(Fixture,
                  "a snapshot whose file is gone: not found, and what was there is gone too, as was said before") {
    leave_and_spoil();
    server.with([](auto& state) { state.snapshots.clear(); });
    CHECK_ENDS(ErrorKind::not_found, "what was there is gone", site.restore(true));
    CHECK(server.databases().empty());
}

TEST_CASE_FIXTURE(Fixture, "the connection breaks during a load") {
    leave_and_spoil();
    bool cut = false;
    SUBCASE("before an answer: once it is over, it is loaded anew") {
        server.with([&](auto& state) { state.fault = cut_once(state, cut, 40); });
        CHECK(site.restore(true).proof.good());
        CHECK(server.wire().count("DFLY") == 2);
        CHECK(is_whole());
    }
    SUBCASE("later, and it ends well: its having loaded and the keys tell") {
        server.with([](auto& state) { state.loads_for = 30; });
        int sleeps = 0;
        site.clock.on_sleep = [&](Milliseconds) {
            if (++sleeps == 5) server.wire().disconnect();
        };
        CHECK(site.restore(true).proof.good());
        CHECK(server.wire().count("DFLY") == 1);
        CHECK(is_whole());
    }
    SUBCASE("later, and it fails: nothing is taken for good") {
        server.with([](auto& state) {
            state.loads_for = 30;
            state.load_error = "Bad file descriptor: unexpected end of file";
        });
        int sleeps = 0;
        site.clock.on_sleep = [&](Milliseconds) {
            if (++sleeps == 5) server.wire().disconnect();
        };
        CHECK_ENDS(ErrorKind::job_failed, "how that ended only the server's log says", site.restore(true));
    }
    SUBCASE("later, and how many keys there must be is not known exactly") {
        server.with([](auto& state) { state.loads_for = 30; });
        auto manifest = *site.journal.manifest("b1");
        manifest.collections[0].count_after = *manifest.collections[0].before.count + 1;
        site.journal.commit(manifest);
        int sleeps = 0;
        site.clock.on_sleep = [&](Milliseconds) {
            if (++sleeps == 5) server.wire().disconnect();
        };
        CHECK_ENDS(ErrorKind::job_failed, "how that ended only the server's log says", site.restore(true));
    }
    SUBCASE("the server is started anew: it has what it had saved itself") {
        server.with([](auto& state) { state.loads_for = 30; });
        int sleeps = 0;
        site.clock.on_sleep = [&](Milliseconds) {
            if (++sleeps == 5) server.start_anew(10);
        };
        CHECK_ENDS(ErrorKind::job_failed, "started anew", site.restore(true));
    }
}

TEST_CASE_FIXTURE(Fixture, "a load that never ends is given up: by the limit on standstill, or at the deadline") {
    leave_and_spoil();
    server.with([](auto& state) { state.loads_for = 1'000'000; });
    SUBCASE("standstill") {
        CHECK_ENDS(ErrorKind::stalled, "loading", site.restore(true));
    }
    SUBCASE("deadline") {
        site.call.deadline = site.clock.now() + std::chrono::minutes(5);
        CHECK_ENDS(ErrorKind::deadline, "loading", site.restore(true));
    }
    CHECK(is_loading());
}

TEST_CASE_FIXTURE(Fixture, "a load that was left under way is found by a later run") {
    leave_and_spoil();
    server.with([](auto& state) { state.loads_for = 12; });
    const backup::RestoreOptions wish{.id = "b1", .overwrite = true, .wait = false};
    CHECK(backup::restore(site.call, site.stage(), wish).under_way);
    CHECK(is_loading());
    site.driver = driver::open_dragonfly([&] {
        driver::Settings settings;
        settings.url = site.url_;
        return settings;
    }());
    CHECK(backup::status(site.call, site.stage(), "b1", {}).phase == model::Phase::running);
    // That run saw neither its beginning nor its answer: it is loaded anew, which is the one proof.
    auto again = wish;
    again.wait = true;
    server.with([](auto& state) { state.loads_for = 3; });
    CHECK(backup::restore(site.call, site.stage(), again).proof.good());
    CHECK(server.wire().count("DFLY") == 2);
    CHECK(is_whole());
}

TEST_CASE_FIXTURE(Fixture, "a server that is loading before anything is sent: busy, nothing is cleared") {
    leave_and_spoil();
    server.with([](auto& state) { state.loading = true; });
    CHECK_ENDS(ErrorKind::busy, "is loading its data", site.restore(true));
    CHECK(server.wire().count("DFLY") == 0);
    CHECK(server.databases().at(0).contains("other"));
}

TEST_CASE_FIXTURE(
    Fixture, "a server that is started anew while it is read: its loading is waited for, as long as the limit says") {
    // At the second DUMP it crashes, and comes back loading.
    int dumps = 0, looks = 60;
    server.with([&](auto& state) {
        state.fault = [&state, &dumps, &looks](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "DUMP" || ++dumps != 2) return std::nullopt;
            state.uptime = 1;
            state.loading = true;
            state.loads_left = looks;
            return RespAnswer{"", RespAnswer::Then::close};
        };
    });
    const auto begun = site.clock.now();
    SUBCASE("it ends") {
        CHECK(site.create().manifest);
        CHECK(site.clock.now() - begun > std::chrono::minutes(1));
    }
    SUBCASE("it never ends") {
        looks = 1'000'000;
        CHECK_ENDS(ErrorKind::busy, "is loading its data", site.create());
        CHECK(site.clock.now() - begun > std::chrono::minutes(30));
        CHECK_FALSE(site.store.manifest("b1"));
    }
}

TEST_CASE_FIXTURE(Fixture, "a server that is started anew while keys are put back: its loading is waited for") {
    site.create();
    whole = server.databases();
    server.with([](auto& state) { state.databases.clear(); });
    int restored = 0;
    server.with([&](auto& state) {
        state.fault = [&state, &restored](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "RESTORE" || ++restored != 3) return std::nullopt;
            state.databases.clear();
            state.loading = true;
            state.loads_left = 60;
            return RespAnswer{"", RespAnswer::Then::close};
        };
    });
    const auto begun = site.clock.now();
    CHECK(site.restore().proof.good());
    CHECK(site.clock.now() - begun > std::chrono::minutes(1));
    CHECK(is_whole());
}

TEST_CASE("two masters: each loads its own part") {
    ScriptedDragonfly one, two;
    const auto nodes = [&](int mine) {
        const auto flags = [&](int n) { return n == mine ? "myself,master" : "master"; };
        return "aaaa " + one.wire().address() + "@1 " + flags(1) + " - 0 0 1 connected 0-8191\n" + "bbbb " +
               two.wire().address() + "@2 " + flags(2) + " - 0 0 2 connected 8192-16383\n";
    };
    one.set(0, "bar", "1");
    two.set(0, "foo", "2");
    one.with([&](auto& state) { state.cluster_nodes = nodes(1); });
    two.with([&](auto& state) { state.cluster_nodes = nodes(2); });
    Site site(two.url());
    site.clock.on_sleep = [&](Milliseconds length) {
        for (auto* server : {&one, &two})
            server->with([&](auto& state) { state.now += static_cast<std::uint64_t>(length.count()); });
    };
    site.create("b1", {}, false);
    for (auto* server : {&one, &two})
        server->with([](auto& state) {
            state.databases.clear();
            state.loads_for = 5;
        });
    CHECK(site.restore(true).proof.good());
    for (auto* server : {&one, &two}) CHECK(server->wire().count("DFLY") == 1);
    CHECK(one.databases().at(0).contains("bar"));
    CHECK(two.databases().at(0).contains("foo"));
}

}  // namespace vbackup::test
