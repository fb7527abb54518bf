// SPDX-License-Identifier: Apache-2.0
// A server must have given all that it had: what tells, and what is no fault of the backup.
#include "contract/dragonfly/keys_site.hpp"

namespace vbackup::test {

TEST_CASE_FIXTURE(KeysFixture, "a server that nobody writes to and that does not name all its keys is no good backup") {
    server.with([](auto& state) {
        state.fault = [](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "SCAN") return std::nullopt;
            return RespAnswer{resp::array({resp::text("0"), resp::texts({"key:1"})})};
        };
    });
    CHECK_ENDS(ErrorKind::partial, "though nobody wrote", site.create());
    CHECK_FALSE(site.store.manifest("b1"));
}

TEST_CASE_FIXTURE(KeysFixture,
                  "a server that names some of its keys only is no good backup though somebody writes to it") {
    server.with([](auto& state) {
        state.fault = [&state](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "SCAN" || command.back() == "1") return std::nullopt;
            state.databases[0]["key:3"].text = "written";
            ++state.changes;
            return RespAnswer{resp::array({resp::text("0"), resp::texts({"key:1"})})};
        };
    });
    CHECK_ENDS(ErrorKind::partial, "it counted 2 changes only", site.create());
    CHECK_FALSE(site.store.manifest("b1"));
}

TEST_CASE_FIXTURE(KeysFixture,
                  "a server that saves meanwhile counts its changes anew: few keys are an error, some fewer a doubt") {
    std::size_t had = 2000, named = 1500;
    bool changes = false;  // those that are named go, and as many others come
    server.with([&](auto& state) {
        state.databases.clear();
        state.fault = [&](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "SCAN") return std::nullopt;
            state.changes = 0;
            state.last_success = state.now / 1000;
            std::vector<std::string> names;
            for (const auto& [name, value] : state.databases[0])
                if (names.size() < named) names.push_back(name);
            const auto gone = changes ? names.size() / 2 : 0;
            for (std::size_t n = 0; n < gone; ++n) {
                state.databases[0].erase(names[n]);
                state.databases[0]["new " + names[n]] = {"new", 0};
            }
            return RespAnswer{resp::array({resp::text("0"), resp::texts(names)})};
        };
    });
    const auto fill = [&] {
        for (std::size_t n = 0; n < had; ++n) server.set(0, KeysFixture::fmt_key(static_cast<int>(n)), "1");
    };
    const auto is_doubted = [&] {
        fill();
        CHECK(site.create().manifest);
        CHECK(site.tally.warnings().at(0).find("cannot be told") != std::string::npos);
    };
    SUBCASE("some fewer") {
        is_doubted();
    }
    SUBCASE("few") {
        named = 999;
        fill();
        CHECK_ENDS(ErrorKind::partial, "before and after", site.create());
    }
    SUBCASE("few are left of those that it named") {
        changes = true;
        is_doubted();
    }
    SUBCASE("few of a handful") {
        had = 4;
        named = 1;
        is_doubted();
    }
}

TEST_CASE_FIXTURE(KeysFixture, "keys that come and go while it is read are no fault of the backup") {
    int scans = 0;
    server.with([&](auto& state) {
        state.before = [&](const RespCommand& command) {
            if (command.front() != "SCAN" || ++scans > 5) return;
            const auto gone = KeysFixture::fmt_key(24 - scans), come = "key:0" + std::to_string(scans);
            state.databases[0].erase(gone);
            state.databases[0][come] = {"new", 0};
            state.changes += 2;
        };
    });
    CHECK(site.create().manifest);
}

TEST_CASE_FIXTURE(KeysFixture,
                  "a server that is started anew while it is read: whole when its keys came back, else no backup") {
    int dumps = 0;
    bool comes_back = false;
    server.with([&](auto& state) {
        state.fault = [&](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "DUMP" || ++dumps != 12) return std::nullopt;
            state.uptime = 1;
            state.changes = 0;
            if (!comes_back) state.databases = {{0, {{"key:1", {"value 1", 0}}}}};
            return RespAnswer{"", RespAnswer::Then::close};
        };
    });
    SUBCASE("empty") {
        CHECK_ENDS(ErrorKind::partial, "started anew", site.create());
        CHECK_FALSE(site.store.manifest("b1"));
        CHECK_ENDS(ErrorKind::partial, "started anew", site.create());
    }
    SUBCASE("empty, and chosen keys are read") {
        CHECK_ENDS(ErrorKind::partial, "started anew", site.create("b1", {{"match", "key:*"}}));
        CHECK_FALSE(site.store.manifest("b1"));
    }
    SUBCASE("whole") {
        comes_back = true;
        CHECK(site.create().manifest);
        CHECK(counted(site).databases.at(0).keys == 28);
        REQUIRE(site.tally.warnings().size() == 2);
        CHECK(site.tally.warnings()[0].find("db0 has 28 keys, 26 of them without expiry, where it had 28 and 26") !=
              std::string::npos);
    }
}

TEST_CASE_FIXTURE(KeysFixture,
                  "a server that is started anew: half of its keys is what tells, whether they expire or not") {
    int dumps = 0;
    std::size_t left = 0;
    server.with([&](auto& state) {
        state.databases.clear();
        state.fault = [&](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "DUMP" || ++dumps != 12) return std::nullopt;
            state.uptime = 1;
            state.changes = 0;
            auto& keys = state.databases[0];
            while (keys.size() > left) keys.erase(keys.begin());
            return RespAnswer{"", RespAnswer::Then::close};
        };
    });
    const auto fill = [&](std::uint64_t expiry) {
        for (int n = 0; n < 40; ++n) server.set(0, KeysFixture::fmt_key(n), "1", expiry);
    };
    const auto soon = server.with([](auto& state) { return state.now + 60'000; });
    SUBCASE("all expire, and few came back") {
        fill(soon);
        left = 19;
        CHECK_ENDS(ErrorKind::partial, "db0 has 19 keys, 0 of them without expiry, where it had 40 and 0",
                   site.create());
        CHECK_FALSE(site.store.manifest("b1"));
    }
    SUBCASE("all expire, and some have done so") {
        fill(soon);
        left = 20;
        CHECK(site.create().manifest);
        CHECK(site.tally.warnings().at(0).find("started anew meanwhile") != std::string::npos);
    }
    SUBCASE("none expires, and the last one written is lost") {
        fill(0);
        left = 39;
        CHECK(site.create().manifest);
        CHECK(site.tally.warnings().at(0).find("db0 has 39 keys, 39 of them without expiry, where it had 40 and 40") !=
              std::string::npos);
    }
    SUBCASE("none expires, and few came back") {
        fill(0);
        left = 19;
        CHECK_ENDS(ErrorKind::partial, "started anew", site.create());
        CHECK_ENDS(ErrorKind::partial, "started anew", site.create());
    }
}

}  // namespace vbackup::test
