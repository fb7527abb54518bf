// SPDX-License-Identifier: Apache-2.0
// Keys come home and go back, whatever happens to them meanwhile.
#include <algorithm>

#include "contract/dragonfly/keys_site.hpp"

namespace vbackup::test {

namespace {

using Fixture = KeysFixture;

std::string bad(const model::Proof& proof) {
    std::string all;
    for (const auto& one : proof.findings)
        if (!one.good) all += one.what + "; ";
    return all;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "all databases come home, and go back into an empty server equal") {
    const auto before = server.databases();
    const auto made = site.create();
    REQUIRE(made.manifest);
    CHECK(made.manifest->kept);
    CHECK(made.manifest->product == "Dragonfly");
    CHECK(made.manifest->server_version == "1.40.1");
    CHECK(made.manifest->collections.size() == 2);
    CHECK(counted(site).databases.at(0).keys == 28);
    CHECK(counted(site).databases.at(0).with_expiry == 2);
    server.with([](auto& state) { state.databases.clear(); });
    const auto restored = site.restore();
    CHECK(bad(restored.proof) == "");
    CHECK(restored.proof.findings.size() == 2);
    CHECK(site.asked == 0);
    CHECK((server.databases() == before) == true);
}

TEST_CASE_FIXTURE(Fixture, "what is there is not touched without --overwrite, and cleared with it after a yes") {
    site.create();
    server.set(0, "one more", "x");
    const auto now = server.databases();
    CHECK_ENDS(ErrorKind::conflict, "--overwrite", site.restore());
    site.agrees = false;
    CHECK_ENDS(ErrorKind::refused, "delete every key", site.restore(true));
    CHECK((server.databases() == now) == true);
    CHECK(server.wire().count("FLUSHALL") == 0);
    site.agrees = true;
    CHECK(bad(site.restore(true).proof) == "");
    CHECK(server.databases().at(0).contains("one more") == false);
    CHECK(server.wire().count("FLUSHALL") == 1);
}

TEST_CASE_FIXTURE(Fixture, "one database goes to another number, and only that one is cleared") {
    site.create();
    server.set(3, "old", "x");
    CHECK_ENDS(ErrorKind::conflict, "db3", site.restore(false, {}, {{"db7", "db3"}}, {.include = {"db7"}}));
    CHECK(bad(site.restore(true, {}, {{"db7", "db3"}}, {.include = {"db7"}}).proof) == "");
    CHECK(server.databases().at(3).size() == 1);
    CHECK(server.databases().at(3).contains("in seven"));
    CHECK(server.databases().at(0).size() == 28);
    CHECK(server.wire().count("FLUSHALL") == 0);
    CHECK_ENDS(ErrorKind::usage, "db0", site.restore(true, {}, {{"db7", "seven"}}));
    CHECK_ENDS(ErrorKind::usage, "two databases", site.restore(true, {}, {{"db7", "db0"}}));
}

TEST_CASE_FIXTURE(Fixture,
                  "chosen keys go back without clearing; those that are there stay, or are replaced after a yes") {
    site.create();
    server.with([](auto& state) {
        state.databases[0].erase("key:11");
        state.databases[0]["key:12"].text = "changed";
    });
    CHECK_ENDS(ErrorKind::conflict, "1 of the chosen keys exist already",
               site.restore(false, {{"match", "key:1[12]"}}));
    CHECK(server.databases().at(0).at("key:11").text == "value 11");
    CHECK(server.databases().at(0).at("key:12").text == "changed");
    CHECK(site.asked == 0);
    CHECK(bad(site.restore(true, {{"match", "key:1[12]"}}).proof) == "");
    CHECK(site.asked == 1);
    CHECK(server.databases().at(0).at("key:12").text == "value 12");
    CHECK(server.wire().count("FLUSHALL") == 0);
}

TEST_CASE_FIXTURE(Fixture, "a backup of chosen keys or databases holds these only") {
    site.create("some", {{"match", "key:2*"}});
    CHECK(counted(site, "some/data/keys").databases.at(0).keys == 6);
    site.create("seven", {}, true, {.include = {"db7"}});
    CHECK(counted(site, "seven/data/keys").databases.size() == 1);
    CHECK_ENDS(ErrorKind::not_found, "db9", site.create("none", {}, true, {.include = {"db9"}}));
    CHECK_ENDS(ErrorKind::not_found, "db0, db1", site.create("none", {}, true, {.include = {"Article"}}));
}

TEST_CASE_FIXTURE(Fixture, "a backup of a part never clears what is not in it, however it is restored") {
    site.create("seven", {}, true, {.include = {"db7"}});
    site.create("some", {{"match", "key:2*"}});
    server.with([](auto& state) { state.databases[0]["key:20"].text = "changed"; });
    server.set(7, "later", "x");
    const auto zero = server.databases().at(0);
    CHECK(bad(site.restore(true, {}, {}, {}, "seven").proof) == "");
    CHECK((server.databases().at(0) == zero) == true);
    CHECK(server.databases().at(7).size() == 1);
    CHECK_ENDS(ErrorKind::conflict, "exist already", site.restore(false, {}, {}, {}, "some"));
    CHECK((server.databases().at(0) == zero) == true);
    CHECK(bad(site.restore(true, {}, {}, {}, "some").proof) == "");
    CHECK(server.databases().at(0).at("key:20").text == "value 20");
    CHECK(server.databases().at(0).size() == 28);
    CHECK(server.databases().at(7).size() == 1);
    CHECK(server.wire().count("FLUSHALL") == 0);
}

TEST_CASE_FIXTURE(Fixture, "a database that gets its first keys while others are read is in the backup too") {
    server.with([](auto& state) {
        state.before = [&state](const RespCommand& command) {
            if (command.front() == "SCAN") state.databases[5]["first"] = {"5", 0};
        };
    });
    site.create("part", {}, true, {.include = {"db0"}});
    CHECK(counted(site, "part/data/keys").databases.size() == 1);
    server.with([](auto& state) { state.databases.erase(5); });
    site.create();
    CHECK(counted(site).databases.at(5).keys == 1);
    const auto before = server.databases();
    server.with([](auto& state) {
        state.before = nullptr;
        state.databases.clear();
    });
    CHECK(bad(site.restore().proof) == "");
    CHECK((server.databases() == before) == true);
}

TEST_CASE_FIXTURE(Fixture,
                  "of a database that gets many keys while others are read none is taken for one that came twice") {
    constexpr int many = 20'000;
    server.with([](auto& state) {
        state.page = 1000;
        state.before = [&state](const RespCommand& command) {
            if (command.front() != "SCAN" || state.databases.contains(5)) return;
            for (int n = 0; n < many; ++n) state.databases[5][Fixture::fmt_key(n)] = {"5", 0};
        };
    });
    site.create();
    CHECK(counted(site).databases.at(5).keys == many);
    CHECK(counted(site).databases.at(5).perhaps_twice == 0);
}

TEST_CASE_FIXTURE(Fixture, "a pattern that no key is like is said, and nothing is made or put back") {
    CHECK_ENDS(ErrorKind::not_found, "no key like kee:*", site.create("none", {{"match", "kee:*"}}));
    CHECK_FALSE(site.store.manifest("none"));
    site.create();
    server.with([](auto& state) { state.databases.clear(); });
    CHECK_ENDS(ErrorKind::not_found, "no key like kee:*", site.restore(false, {{"match", "kee:*"}}));
    CHECK(bad(site.restore(false, {{"match", "key:2*"}}).proof) == "");
    CHECK(server.databases().at(0).size() == 6);
}

TEST_CASE_FIXTURE(Fixture, "what the target cannot take is refused before anything is cleared") {
    server.set(12, "high", "1");
    site.create();
    const auto before = server.databases();
    const auto refused = [&](const char* why) {
        CHECK_ENDS(ErrorKind::refused, why, site.restore(true));
        CHECK(server.wire().count("FLUSHALL") == 0);
        CHECK((server.databases() == before) == true);
    };
    server.with([](auto& state) { state.last_database = 7; });
    refused("--rename db12");
    server.with([](auto& state) {
        state.last_database = 15;
        state.most_at_once = "20";
    });
    refused("CONFIG SET proto-max-bulk-len");
    server.with([](auto& state) {
        state.most_at_once = "1048576";
        state.product = "redis";
        state.gives = state.takes = 8;
    });
    refused("up to format 8");
    server.with([](auto& state) { state.gives = state.takes = 10; });
    CHECK(bad(site.restore(true).proof) == "");
}

TEST_CASE_FIXTURE(Fixture, "a Dragonfly takes values of a newer format than it gives") {
    server.with([](auto& state) { state.gives = 12; });
    site.create();
    server.with([](auto& state) { state.gives = 9; });
    CHECK(bad(site.restore(true).proof) == "");
    server.with([](auto& state) { state.takes = 11; });
    CHECK_ENDS(ErrorKind::refused, "payload version", site.restore(true));
}

TEST_CASE_FIXTURE(Fixture, "keys that vanish between SCAN and DUMP are counted, and no error") {
    server.with([](auto& state) {
        state.page = 1000;
        state.before = [&state](const RespCommand& command) {
            if (command.front() == "DUMP" && command[1] != "vbackup:none") state.databases[0].erase("key:5");
            if (command.front() == "PEXPIRETIME" && command[1] != "vbackup:none") state.databases[0].erase("key:9");
        };
    });
    const auto made = site.create();
    CHECK(counted(site).databases.at(0).keys == 26);
    CHECK(counted(site).databases.at(0).vanished == 2);
    CHECK(site.tally.warnings().size() == 1);
    REQUIRE(made.manifest->notes.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a key whose expiry changes while it is read is read again, at one moment") {
    server.with([](auto& state) {
        state.before = [&state](const RespCommand& command) {
            // After its expiry was read and before its value is.
            if (command.front() != "DUMP" || command[1] != "long" || state.databases[0]["long"].text == "new") return;
            state.databases[0]["long"] = {"new", 0};
        };
    });
    site.create();
    CHECK(server.wire().count("MULTI") == 1);
    CHECK(counted(site).databases.at(0).with_expiry == 1);
    server.with([](auto& state) {
        state.before = nullptr;
        state.databases.clear();
    });
    site.restore();
    CHECK(server.databases().at(0).at("long").text == "new");
    CHECK(server.databases().at(0).at("long").expiry == 0);
}

TEST_CASE_FIXTURE(Fixture, "keys that SCAN names twice are put back once, and counted once") {
    server.with([](auto& state) { state.scans_twice = true; });
    const auto made = site.create();
    const auto counts = counted(site).databases.at(0);
    CHECK(counts.keys == 56);
    CHECK(counts.perhaps_twice == 28);
    server.with([](auto& state) { state.databases.clear(); });
    const auto restored = site.restore();
    CHECK(bad(restored.proof) == "");
    CHECK(restored.proof.findings.at(0).what.find("26 keys without expiry where the backup has 26, 2 with") !=
          std::string::npos);
    CHECK(server.databases().at(0).size() == 28);
}

TEST_CASE_FIXTURE(Fixture,
                  "a server that wants fewer questions: without PEXPIRETIME and MEMORY USAGE it works as well") {
    server.with([](auto& state) { state.unknown = {"PEXPIRETIME", "MEMORY"}; });
    const auto before = server.databases();
    site.create();
    server.with([](auto& state) { state.databases.clear(); });
    CHECK(bad(site.restore().proof) == "");
    CHECK((server.databases() == before) == true);
}

TEST_CASE_FIXTURE(Fixture, "large strings come in pieces; one that changes meanwhile is begun again") {
    const std::string large(5 << 20, 'y');
    server.set(0, "large", large);
    int times = 0;
    server.with([&](auto& state) {
        state.before = [&state, &times](const RespCommand& command) {
            if (command.front() != "GETRANGE" || command[2] != std::to_string(4 << 20) || ++times > 1) return;
            state.databases[0]["large"].text[7] = 'z';
        };
    });
    site.create();
    CHECK(times == 2);
    CHECK(counted(site).databases.at(0).keys == 29);
    CHECK(server.wire().count("GETRANGE") == 10);
    server.with([](auto& state) {
        state.before = nullptr;
        state.databases.clear();
    });
    site.restore();
    auto wanted = large;
    wanted[7] = 'z';
    CHECK((server.databases().at(0).at("large").text == wanted) == true);
}

TEST_CASE_FIXTURE(Fixture, "a large string that changes all the time is read as a whole in the end") {
    server.set(0, "large", std::string(5 << 20, 'y'));
    server.with([](auto& state) {
        state.before = [&state](const RespCommand& command) {
            if (command.front() == "GETRANGE") ++state.databases[0]["large"].text[0];
        };
    });
    site.create();
    CHECK(counted(site).databases.at(0).keys == 29);
    CHECK(server.wire().count("WATCH") == 3);
}

TEST_CASE_FIXTURE(Fixture, "a large hash of which a field expires is read whole, others piece by piece") {
    server.set(0, "large", std::string(5 << 20, 'y'));
    std::int64_t left = -1, fields = 2;
    bool may = true;
    server.with([&](auto& state) {
        state.product = "redis";
        state.fault = [&](const RespCommand& command) -> std::optional<RespAnswer> {
            const auto& name = command.front();
            if (name == "HTTL" && !may) return RespAnswer{resp::error("NOPERM no permissions to run 'httl'")};
            if (name == "HTTL" && command[1] != "large") return RespAnswer{resp::array({resp::integer(-2)})};
            if (name == "HTTL") return RespAnswer{resp::array({resp::integer(-1), resp::integer(left)})};
            if (name == "TYPE") return RespAnswer{resp::status("hash")};
            if (name == "HLEN") return RespAnswer{resp::integer(fields)};
            if (name == "HKEYS") return RespAnswer{resp::texts({"a", "b"})};
            if (name == "HSTRLEN") return RespAnswer{resp::integer(1)};
            if (name == "HGET") return RespAnswer{resp::text(command[2] == "a" ? "1" : "2")};
            if (name == "HSCAN") return RespAnswer{resp::array({resp::text("0"), resp::texts({"a", "1", "b", "2"})})};
            return std::nullopt;
        };
    });
    const auto dumped = [&] {
        const auto all = server.wire().commands();
        return std::count(all.begin(), all.end(), RespCommand{"DUMP", "large"});
    };
    // EXEC of the scripted server knows strings only: what is seen here is that the hash is not left to DUMP.
    SUBCASE("none, and it has many fields") {
        fields = 100'000;
        site.create();
        CHECK(server.wire().count("HSCAN") > 0);
        CHECK(server.wire().count("HKEYS") == 0);
        CHECK(server.wire().count("HTTL") == server.wire().count("HSCAN") + 1);
    }
    SUBCASE("none, and it has few fields: HSCAN would have the server copy each value twice") {
        site.create();
        CHECK(server.wire().count("HSCAN") == 0);
        CHECK(server.wire().count("HKEYS") > 0);
        CHECK(server.wire().count("HGET") == 2 * server.wire().count("HKEYS"));
        CHECK(server.wire().count("HTTL") == server.wire().count("HKEYS") + 1);
    }
    SUBCASE("one") {
        left = 3600;
        site.create();
        CHECK(server.wire().count("HKEYS") == 1);
        CHECK(dumped() == 1);
        CHECK(counted(site).databases.at(0).keys == 29);
    }
    SUBCASE("it may not be asked") {
        may = false;
        site.create();
        CHECK(server.wire().count("HSCAN") + server.wire().count("HKEYS") == 0);
        CHECK(dumped() == 1);
    }
}

TEST_CASE_FIXTURE(Fixture, "a large value that becomes one of another type is read anew") {
    server.set(0, "large", std::string(5 << 20, 'y'));
    server.with([](auto& state) {
        state.fault = [&state](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "GETRANGE" || state.databases[0]["large"].text.size() < 10) return std::nullopt;
            if (command[2] == "0") return std::nullopt;
            if (command[2] == std::to_string(4 << 20)) state.databases[0]["large"].text = "short";
            return RespAnswer{resp::error("WRONGTYPE Operation against a key holding the wrong kind of value")};
        };
    });
    CHECK(site.create().manifest);
    CHECK(counted(site).databases.at(0).keys == 29);
}

TEST_CASE_FIXTURE(Fixture, "expired meanwhile: the proof asks only for what must still be there") {
    site.create();
    server.with([](auto& state) {
        state.databases.clear();
        state.now += 120'000;
    });
    CHECK(bad(site.restore().proof) == "");
    CHECK_FALSE(server.databases().at(0).contains("short"));
    CHECK(server.databases().at(0).contains("long"));
}

TEST_CASE_FIXTURE(Fixture, "a key that is missing after the restore is seen, and so is one too many") {
    site.create();
    for (const auto* extra : {"", "stranger"}) {
        server.with([&](auto& state) {
            state.databases.clear();
            state.before = [&state, extra](const RespCommand& command) {
                if (command.front() != "RESTORE" || command[1] != "key:24") return;
                if (*extra != '\0') state.databases[0][extra] = {"x", 0};
            };
            state.fault = [extra](const RespCommand& command) -> std::optional<RespAnswer> {
                if (*extra == '\0' && command.front() == "RESTORE" && command[1] == "key:3")
                    return RespAnswer{resp::ok()};
                return std::nullopt;
            };
        });
        CHECK_ENDS(ErrorKind::corrupt, "where the backup has 26", site.restore());
    }
}

TEST_CASE_FIXTURE(Fixture, "the line breaks in the middle: it is read from the beginning, and whole") {
    int dumps = 0;
    server.with([&](auto& state) {
        state.fault = [&dumps](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() == "DUMP" && ++dumps == 12) return RespAnswer{"", RespAnswer::Then::close};
            return std::nullopt;
        };
    });
    site.create();
    CHECK(counted(site).databases.at(0).keys == 28);
}

TEST_CASE_FIXTURE(Fixture, "an answer to RESTORE is lost: it is sent again and no key is lost or twice") {
    const auto before = server.databases();
    site.create();
    int restores = 0;
    server.with([&](auto& state) {
        state.databases.clear();
        state.fault = [&restores](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() == "RESTORE" && ++restores == 15) return RespAnswer{"", RespAnswer::Then::close};
            return std::nullopt;
        };
    });
    CHECK(bad(site.restore().proof) == "");
    CHECK((server.databases() == before) == true);
}

TEST_CASE_FIXTURE(Fixture, "a value that is damaged on its way, or none at all, is in no backup") {
    const auto spoil = [&](const std::string& word, std::function<std::string(std::string)> change) {
        server.wire().tamper([word, change = std::move(change), spoilt = false](
                                 const RespCommand& command, const std::function<RespAnswer()>& work) mutable {
            auto answer = work();
            // Not of keys that are not there, by which rights are tried.
            const bool is_none = answer.bytes.starts_with("$-1") || answer.bytes.starts_with(":-2");
            if (spoilt || is_none || command.front() != word) return answer;
            spoilt = true;
            answer.bytes = change(answer.bytes);
            return answer;
        });
    };
    spoil("DUMP", [](std::string bytes) {
        bytes[bytes.find("\r\n") + 3] ^= 1;  // of the value
        return bytes;
    });
    CHECK_ENDS(ErrorKind::corrupt, "its checksum differs", site.create());
    CHECK(site.store.manifest("b1").has_value() == false);
    spoil("DUMP", [](const std::string&) { return resp::array({}); });
    CHECK_ENDS(ErrorKind::not_understood, "DUMP gave no bytes", site.create());
    spoil("PEXPIRETIME", [](const std::string&) { return resp::array({}); });
    CHECK_ENDS(ErrorKind::not_understood, "expiry", site.create());
    CHECK(site.create().manifest.has_value());
}

TEST_CASE_FIXTURE(Fixture,
                  "a database that may not be chosen gets no keys, and neither does another one in its place") {
    server.set(3, "of the third", "x");
    site.create();
    server.with([](auto& state) {
        state.databases.clear();
        state.fault = [](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() == "SELECT" && command[1] == "3")
                return RespAnswer{resp::error("NOPERM this user has no permissions to run the 'select' command")};
            return std::nullopt;
        };
        // Only once the keys are on their way.
        state.fault = [deny = std::move(state.fault), restores = 0](const RespCommand& command) mutable {
            restores += command.front() == "RESTORE" ? 1 : 0;
            return restores > 0 ? deny(command) : std::nullopt;
        };
    });
    CHECK_ENDS(ErrorKind::denied, "SELECT", site.restore());
    CHECK(server.databases()[0].contains("of the third") == false);
}

TEST_CASE_FIXTURE(Fixture, "what the server does not take is said with the key, and not tried again") {
    site.create();
    server.with([](auto& state) {
        state.databases.clear();
        state.fault = [](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() == "RESTORE" && command[1] == "key:7")
                return RespAnswer{resp::error("ERR DUMP payload version or checksum are wrong")};
            return std::nullopt;
        };
    });
    CHECK_ENDS(ErrorKind::refused, "key:7", site.restore());
    CHECK_ENDS(ErrorKind::storage, "OOM", [&] {
        server.with([](auto& state) {
            state.databases.clear();
            state.fault = [](const RespCommand& command) -> std::optional<RespAnswer> {
                if (command.front() != "RESTORE") return std::nullopt;
                return RespAnswer{resp::error("OOM command not allowed when used memory > 'maxmemory'.")};
            };
        });
        site.restore();
    }());
}

TEST_CASE_FIXTURE(Fixture, "search indexes, functions and users: indexes after the keys, users only when asked") {
    const auto field = [](const char* name) {
        return resp::array({resp::text("identifier"), resp::text(name), resp::text("attribute"), resp::text(name),
                            resp::text("type"), resp::text("TEXT")});
    };
    const auto vector =
        resp::array({resp::text("identifier"), resp::text("v"), resp::text("attribute"), resp::text("vec"),
                     resp::text("type"), resp::text("VECTOR"), resp::text("algorithm"), resp::text("HNSW"),
                     resp::text("data_type"), resp::text("FLOAT32"), resp::text("dim"), resp::integer(4),
                     resp::text("distance_metric"), resp::text("COSINE")});
    const auto info = [](const std::vector<std::string>& fields) {
        return resp::array({resp::text("index_name"), resp::text("idx"), resp::text("index_definition"),
                            resp::array({resp::text("key_type"), resp::text("HASH"), resp::text("prefixes"),
                                         resp::texts({"doc:", "art:"}), resp::text("default_score"), resp::integer(1)}),
                            resp::text("attributes"), resp::array(fields), resp::text("num_docs"), resp::integer(3)});
    };
    server.with([&](auto& state) {
        state.indexes["idx"] = info({field("title"), vector});
        state.indexes["poor"] = info({resp::array({resp::text("identifier"), resp::text("v"), resp::text("attribute"),
                                                   resp::text("v"), resp::text("type"), resp::text("VECTOR")})});
        state.users = {"user user on #0123 ~* +get"};
        state.fault = [](const RespCommand& command) -> std::optional<RespAnswer> {
            if (command.front() != "FUNCTION" || command[1] != "DUMP") return std::nullopt;
            return RespAnswer{resp::error("ERR something went wrong")};
        };
    });
    const auto made = site.create("b1", {{"acl", "true"}});
    // Of a vector field of which FT.INFO does not tell the size no command can be made.
    CHECK(made.manifest->notes.at(0).find("functions are not in the backup") != std::string::npos);
    CHECK(made.manifest->notes.at(1).find("index poor") != std::string::npos);
    server.with([](auto& state) {
        state.databases.clear();
        state.indexes.clear();
        state.users.clear();
    });
    CHECK(bad(site.restore().proof) == "");
    RespCommand create, user;
    std::size_t last_key = 0, at = 0, number = 0;
    for (const auto& command : server.wire().commands()) {
        ++number;
        if (command.front() == "RESTORE") last_key = number;
        if (command.front() == "FT.CREATE") create = command, at = number;
    }
    CHECK(
        create ==
        RespCommand{
            "FT.CREATE", "idx", "ON",  "HASH",   "PREFIX", "2", "doc:", "art:",    "SCHEMA", "title", "TEXT",
            "v",         "AS",  "vec", "VECTOR", "HNSW",   "6", "TYPE", "FLOAT32", "DIM",    "4",     "DISTANCE_METRIC",
            "COSINE"});
    CHECK(at > last_key);
    CHECK(server.with([](auto& state) { return state.users.empty(); }));
    server.with([](auto& state) { state.databases.clear(); });
    CHECK(bad(site.restore(true, {{"acl", "true"}}).proof) == "");
    CHECK(server.with([](auto& state) { return state.users.size(); }) == 1);
    for (const auto& command : server.wire().commands())
        if (command.front() == "ACL" && command[1] == "SETUSER") user = command;
    CHECK(user == RespCommand{"ACL", "SETUSER", "user", "reset", "on", "#0123", "~*", "+get"});
}

}  // namespace vbackup::test
