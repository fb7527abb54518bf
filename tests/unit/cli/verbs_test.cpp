// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "golden.hpp"
#include "program.hpp"

using namespace vbackup;
using test::Program;
using test::Ran;

namespace {

const std::string toy = Program::target;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// The one document on stdout.
nlohmann::json document(const Ran& ran) {
    return nlohmann::json::parse(ran.out);
}

}  // namespace

TEST_CASE("create, list, status, verify, restore and delete of a backup that is kept") {
    Program program;
    const auto made = program({"create", toy, "--to", program.store(), "--id", "b1"});
    CAPTURE(made.err);
    REQUIRE(made.code == 0);
    CHECK(made.err.empty());
    CHECK(has(made.out, "b1: complete"));
    CHECK(has(made.out, "Author (20), Docs (1000)"));
    CHECK(has(made.out, program.store()));

    CHECK(document(program({"list", program.store(), "--output", "json"})).at("backups").at(0).at("id") == "b1");
    CHECK(program({"status", program.store(), "b1"}).code == 0);
    CHECK(program({"status", program.store()}).code == 0);
    CHECK(program({"verify", program.store(), "b1"}).code == 0);

    program.database.collections.clear();
    const auto restored = program({"restore", toy, "b1", "--from", program.store()});
    CAPTURE(restored.err);
    CHECK(restored.code == 0);
    CHECK(has(restored.out, "proven: collection Docs is as in the backup"));
    CHECK(program.database.collections.at("Docs") == 1000);

    CHECK(program({"delete", program.store(), "b1", "--yes"}).code == 0);
    CHECK(program({"status", program.store(), "b1"}).code == 7);
}

TEST_CASE("a list that leaves something out is 3, and says what") {
    Program vbackup;
    vbackup({"create", vbackup.target, "--id", "b1", "--to", vbackup.store()});
    CHECK(vbackup({"list", vbackup.target}).code == 0);
    vbackup.database.unreached = "node 7";
    const auto ran = vbackup({"list", vbackup.target});
    CHECK(ran.code == 3);
    CHECK(ran.err.find("node 7 does not answer") != std::string::npos);
    CHECK(ran.out.find("not reached") != std::string::npos);
    CHECK(ran.out.find("no backups") == std::string::npos);
}

TEST_CASE("an id in use is 8, an unknown one 7") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1"}).code == 0);
    CHECK(program({"create", toy, "--id", "b1"}).code == 8);
    CHECK(program({"restore", toy, "b2"}).code == 7);
    CHECK(program({"verify", program.store(), "b2"}).code == 7);
    CHECK(program({"delete", program.store(), "b2", "--yes"}).code == 7);
    CHECK(program({"create", toy, "--collection", "Nothing"}).code == 7);
}

TEST_CASE("an id that is not there: the hint has the one that may be meant, from store, journal or server") {
    Program program;
    const std::string id = "prod-20261121t074700z", slip = "prod-20261121t07470z";
    REQUIRE(program({"create", toy, "--id", id, "--to", program.store()}).code == 0);
    const std::vector<std::vector<std::string>> asked{{"status", program.store(), slip},
                                                      {"verify", program.store(), slip},
                                                      {"delete", program.store(), slip, "--yes"},
                                                      {"pin", program.store(), slip},
                                                      {"export", program.store(), slip, "-"},
                                                      {"copy", program.store(), slip, program.store() + "2"},
                                                      {"restore", toy, slip, "--from", program.store()},
                                                      {"restore", toy, slip, "--from", program.store(), "--dry-run"}};
    for (const auto& arguments : asked) {
        CAPTURE(arguments.front());
        const auto ran = program(arguments);
        CHECK(ran.code == 7);
        CHECK_MESSAGE(has(ran.err, "did you mean " + id + "?"), ran.err);
    }
    CHECK_FALSE(has(program({"verify", program.store(), "other"}).err, "did you mean"));
    // Of one that stays with the server only the journal knows the id; another target's is not meant.
    REQUIRE(program({"create", toy, "--id", "left-alone"}).code == 0);
    CHECK(has(program({"status", toy, "left-alon"}).err, "did you mean left-alone? looked in no store"));
    program.database.snapshots.clear();
    CHECK(has(program({"pin", toy, "left-alon"}).err, "did you mean left-alone? looked in no store"));
    CHECK_FALSE(has(program({"status", "toy+http://other.example:1", "left-alon"}).err, "did you mean"));
}

TEST_CASE("the search for an id that may be meant is no failure of its own") {
    Program program;
    std::ofstream(program.folder / "file") << "no folder";
    const auto missing = program({"verify", (program.folder / "nowhere").string(), "b1"});
    CHECK(missing.code == 7);
    CHECK(has(missing.err, "`vbackup list` shows what is there"));
    REQUIRE(program({"create", toy, "--id", "b1"}).code == 0);
    // What cannot be read is not named, and hides nothing.
    std::ofstream(program.folder / ".local/state/vbackup/b1/manifest.json") << "{";
    const auto ran = program({"status", toy, "b2"});
    CHECK(ran.code == 7);
    CHECK_FALSE(has(ran.err, "did you mean"));
}

TEST_CASE("a restore over what exists is 8, and with --overwrite asks") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store()}).code == 0);
    program.database.collections["Docs"] = 7;
    program.database.changes.clear();
    const std::vector<std::string> restore{"restore", toy, "b1", "--from", program.store()};
    CHECK(program(restore).code == 8);

    auto overwrite = restore;
    overwrite.emplace_back("--overwrite");
    const auto refused = program(overwrite);
    CHECK(refused.code == 12);
    CHECK(has(refused.err, "--yes"));
    CHECK(program.database.changes.empty());

    std::string asked;
    program.ask = [&](std::string_view question) {
        asked = question;
        return "no";
    };
    CHECK(program(overwrite).code == 12);
    CHECK(has(asked, "clear:Docs"));
    CHECK(program.database.collections.at("Docs") == 7);
    program.ask = [](std::string_view) { return "y"; };
    CHECK(program(overwrite).code == 0);
    CHECK(program.database.collections.at("Docs") == 1000);
    program.ask = nullptr;
    overwrite.emplace_back("--yes");
    CHECK(program(overwrite).code == 0);
}

TEST_CASE("--rename, --collection and --exclude reach the story") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store(), "--exclude", "Auth*"}).code == 0);
    CHECK(program({"restore", toy, "b1", "--from", program.store(), "--rename", "Docs", "Old", "--collection", "Docs"})
              .code == 0);
    CHECK(program.database.collections.at("Old") == 1000);
    CHECK(program.database.changes.back() == "send:Old");
}

TEST_CASE("--switch-alias needs a new name, and a database that can") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store()}).code == 0);
    const auto changes = program.database.changes;
    std::vector<std::string> restore = {"restore", toy, "b1", "--from", program.store(), "--switch-alias"};
    CHECK(program(restore).code == 2);
    restore.insert(restore.end(), {"--rename", "Docs", "Old"});
    const auto ran = program(restore);
    CHECK(ran.code == 14);
    CHECK(has(ran.err, "--switch-alias"));
    CHECK(program.database.changes == changes);
}

TEST_CASE("--dry-run prints the plan and changes nothing") {
    Program program;
    const auto ran = program({"create", toy, "--to", program.store(), "--id", "b1", "--dry-run"});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "nothing was changed"));
    CHECK(has(ran.out, "snapshot:Docs"));
    CHECK(program.database.changes.empty());
    CHECK_FALSE(std::filesystem::exists(program.store()));
    REQUIRE(program({"create", toy, "--to", program.store(), "--id", "b1"}).code == 0);
    CHECK(program({"delete", program.store(), "b1", "--dry-run"}).code == 0);
    CHECK(program({"status", program.store(), "b1"}).code == 0);
}

TEST_CASE("--no-wait returns with the job under way; status is 4, wait finishes it") {
    Program program;
    program.database.looks_needed = 5;
    const auto begun = program({"create", toy, "--id", "b1", "--no-wait"});
    CAPTURE(begun.err);
    CHECK(begun.code == 0);
    CHECK(has(begun.out, "vbackup wait " + toy + " b1"));
    const auto running = program({"status", toy, "b1"});
    CHECK(running.code == 4);
    CHECK(running.err.empty());
    const auto waited = program({"wait", toy, "b1"});
    CHECK(waited.code == 0);
    CHECK(has(waited.out, "b1: complete"));
    CHECK(program({"status", toy, "b1"}).code == 0);
}

TEST_CASE("a target whose store is none leaves its backups with the server, whatever the default store is") {
    Program program;
    program.configure("store = \"" + program.store() + "\"\n[targets.prod]\nurl = \"" + toy +
                      "\"\nstore = \"none\"\n[targets.other]\nurl = \"" + toy + "\"\n");
    CHECK(program({"create", "prod", "--id", "b1"}).code == 0);
    CHECK_FALSE(std::filesystem::exists(program.folder / "store/b1"));
    CHECK(program({"create", "other", "--id", "b2"}).code == 0);
    CHECK(std::filesystem::exists(program.folder / "store/b2"));
    CHECK(program({"create", "prod", "--id", "b3", "--to", program.store()}).code == 0);
    CHECK(std::filesystem::exists(program.folder / "store/b3"));
}

TEST_CASE("a configured store does not keep --no-wait from working") {
    Program program;
    program.configure("store = \"" + program.store() + "\"\n[targets.prod]\nurl = \"" + toy + "\"\n");
    CHECK(program({"create", "prod", "--id", "b1", "--no-wait"}).code == 0);
    CHECK(program({"create", "prod", "--id", "b2"}).code == 0);
    CHECK(std::filesystem::exists(program.folder / "store/b2/manifest.json"));
    CHECK_FALSE(std::filesystem::exists(program.folder / "store/b1"));
    CHECK(program({"create", "prdo"}).code == 19);
    CHECK(has(program({"create", "prdo"}).err, "did you mean 'prod'?"));
}

TEST_CASE("a job that failed is 11, and status says so") {
    Program program;
    program.database.end = model::Phase::failed;
    const auto ran = program({"create", toy, "--id", "b1"});
    CHECK(ran.code == 11);
    CHECK(ran.out.empty());
    CHECK(has(ran.err, "no space left"));
    CHECK(program({"status", toy, "b1"}).code == 11);
    CHECK(program({"status", toy}).code == 13);
}

TEST_CASE("a signal ends the wait with 128 and its number, and says how to go on") {
    Program program;
    program.signal = SIGTERM;
    fail_at(program, "observe", ErrorKind::interrupted, "interrupted");
    const auto ran = program({"create", toy, "--id", "b1"});
    CHECK(ran.code == 128 + SIGTERM);
    CHECK(ran.out.empty());
    CHECK(has(ran.err, "the job goes on at the server"));
    CHECK(has(ran.err, "vbackup status " + toy + " b1"));
    CHECK(has(ran.err, "vbackup cancel " + toy + " b1"));
    program.database.before = nullptr;
    CHECK(program({"wait", toy, "b1"}).code == 0);

    fail_at(program, "inspect", ErrorKind::interrupted, "interrupted");
    const auto early = program({"create", toy, "--id", "b2"});
    CHECK(has(early.err, "before anything was changed"));
    program.signal = 0;
    CHECK(program({"create", toy, "--id", "b2"}).code == 130);
}

TEST_CASE("a server that is lost while its job runs leaves the person with the id and the verbs") {
    Program program;
    fail_at(program, "observe", ErrorKind::denied, "the key was taken away");
    CHECK(has(program({"create", toy, "--id", "b1"}).err, "may go on at the server"));
    fail_at(program, "observe", ErrorKind::not_understood, "a web page");
    const auto ran = program({"wait", toy, "b1"});
    CAPTURE(ran.err);
    CHECK(ran.code == 17);
    CHECK(has(ran.err, "the job may go on at the server"));
    CHECK(has(ran.err, "vbackup status " + toy + " b1"));
}

TEST_CASE("a deadline is 4 with the id, a stall 5") {
    Program program;
    program.database.looks_needed = 1'000'000;
    const auto late = program({"create", toy, "--id", "b1", "--timeout", "10m", "--collection", "Docs"});
    CHECK(late.code == 4);
    CHECK(has(late.err, "b1"));
    CHECK(has(late.err, "vbackup wait"));
    CHECK(program.clock.elapsed() >= std::chrono::minutes(10));
    CHECK(program.clock.elapsed() < std::chrono::minutes(12));
    const auto stalled = program({"wait", toy, "b1", "--stall", "1h"});
    CHECK(stalled.code == 5);
    CHECK(program.clock.elapsed() < std::chrono::minutes(80));
}

TEST_CASE("--allow-skipped-tenants and --keep-on-server reach the driver, and nothing does that was not said") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store()}).code == 0);
    CHECK(program.database.snapshots.empty());
    CHECK(program.database.asked.empty());
    REQUIRE(program({"create", toy, "--id", "b2", "--to", program.store(), "--keep-on-server"}).code == 0);
    CHECK(program.database.snapshots.size() == program.database.collections.size());
    CHECK(program.database.asked == model::Options{{"keep-on-server", "true"}});
    for (const auto* verb : {"create", "check"}) {
        CAPTURE(verb);
        program.database.asked.clear();
        REQUIRE(program({verb, toy, "--allow-skipped-tenants"}).code == 0);
        CHECK(program.database.asked == model::Options{{"allow-skipped-tenants", "true"}});
    }
}

TEST_CASE("a reader that left ends quietly, a full disk is 18") {
    Program program;
    program.out_failure = EPIPE;
    const auto left = program({"list", program.store()});
    CHECK(left.code == 128 + SIGPIPE);
    CHECK(left.err.empty());
    program.out_failure = ENOSPC;
    const auto full = program({"list", program.store()});
    CHECK(full.code == 18);
    CHECK(has(full.err, "No space left on device"));
    CHECK(program({"--help"}).code == 18);
}

TEST_CASE("--quiet hides what was done, not what was asked for") {
    Program program;
    const auto made = program({"create", toy, "--id", "b1", "--quiet"});
    CHECK(made.code == 0);
    CHECK(made.out.empty());
    CHECK(made.err.empty());
    CHECK(has(program({"list", toy, "--quiet"}).out, "b1"));
    CHECK_FALSE(program({"create", toy, "--id", "b2", "--quiet", "--dry-run"}).out.empty());
    CHECK(document(program({"create", toy, "--id", "b3", "--quiet", "--output", "json"})).at("id") == "b3");
    const auto failed = program({"create", toy, "--id", "b1", "--quiet"});
    CHECK(failed.code == 8);
    CHECK_FALSE(failed.err.empty());
}

TEST_CASE("NO_COLOR, TERM=dumb and a file have no colour") {
    Program program;
    program.terminal = true;
    CHECK(has(program({"list", "nobody"}).err, "\x1b["));
    program.environment["NO_COLOR"] = "1";
    CHECK_FALSE(has(program({"list", "nobody"}).err, "\x1b["));
    program.environment.erase("NO_COLOR");
    program.environment["TERM"] = "dumb";
    CHECK_FALSE(has(program({"list", "nobody"}).err, "\x1b["));
    program.environment["TERM"] = "xterm";
    program.terminal = false;
    CHECK_FALSE(has(program({"list", "nobody"}).err, "\x1b["));
}

TEST_CASE("verify names each bad file and is 6") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store()}).code == 0);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(program.folder / "store/b1/data"))
        if (entry.is_regular_file() && has(entry.path().string(), "Docs")) std::ofstream(entry.path()) << "Docs=1001";
    const auto ran = program({"verify", program.store(), "b1"});
    CHECK(ran.code == 6);
    CHECK(has(ran.out, "bad data/Docs.toy"));
    CHECK_FALSE(has(ran.out, "bad data/Author.toy"));
    CHECK(document(program({"verify", program.store(), "b1", "--output", "json"})).at("good") == false);
}

TEST_CASE("check shows what it found, and is 12 when a create would be refused") {
    Program program;
    const auto good = program({"check", toy, "--to", program.store()});
    CAPTURE(good.err);
    CHECK(good.code == 0);
    CHECK(has(good.out, "a create would not be refused"));
    CHECK(program.database.changes.empty());
    fail_at(program, "plan", ErrorKind::refused, "2 tenants would be left out");
    const auto refused = program({"check", toy});
    CHECK(refused.code == 12);
    CHECK(has(refused.out, "obstacle: 2 tenants would be left out"));
    fail_at(program, "inspect", ErrorKind::denied, "the key is wrong");
    CHECK(program({"check", toy}).code == 16);
}

TEST_CASE("delete of several: some good is 3, none good is the worst") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store()}).code == 0);
    const auto some = program({"delete", program.store(), "b1", "b2", "--yes"});
    CHECK(some.code == 3);
    CHECK(has(some.out, "b1: deleted"));
    CHECK(has(some.err, "1 of 2 were not deleted: b2"));
    CHECK(program({"delete", program.store(), "b1", "b2", "--yes"}).code == 7);
}

TEST_CASE("cancel ends a job, and what it had begun is no backup") {
    Program program;
    program.database.looks_needed = 3;
    REQUIRE(program({"create", toy, "--id", "b1", "--no-wait", "--collection", "Docs"}).code == 0);
    const auto ran = program({"cancel", toy, "b1"});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "b1: cancelled"));
    CHECK(program({"wait", toy, "b1"}).code != 0);
}

TEST_CASE("what the database cannot do is 14, before it is asked anything") {
    Program program;
    program.database.before = [](const std::string&, const std::string&) { FAIL("it was asked"); };
    const auto ran = program({"verify", toy, "b1"});
    CHECK(ran.code == 14);
    CHECK(has(ran.err, "Toy has no verify; hint: it cannot be read from"));
}

TEST_CASE("download brings home what was left with the server") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1"}).code == 0);
    CHECK(program({"download", toy, "b1"}).code == 2);
    const auto ran = program({"download", toy, "b1", "--to", program.store()});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "b1: downloaded"));
    CHECK(program({"verify", program.store(), "b1"}).code == 0);
}

TEST_CASE("the key of a configured target is looked for before anybody is asked") {
    Program program;
    program.configure("[targets.prod]\nurl = \"" + toy + "\"\napi_key_file = \"/nowhere/prod.key\"\n");
    int asked = 0;
    program.database.before = [&](const std::string&, const std::string&) { ++asked; };
    CHECK(program({"list", "prod"}).code == 19);
    CHECK(asked == 0);
}

TEST_CASE("options of the configuration serve the verbs they belong to, those of the command line win") {
    Program program;
    program.configure("[targets.prod]\nurl = \"" + toy + "\"\noptions = { unit = \"shard\", level = 99 }\n");
    CHECK(program({"list", "prod"}).code == 0);
    CHECK(program({"create", "prod", "--id", "b1"}).code == 19);
    CHECK(program({"create", "prod", "--id", "b1", "-o", "level=9"}).code == 0);
    program.configure("[targets.prod]\nurl = \"" + toy + "\"\noptions = { unti = \"shard\" }\n");
    const auto unknown = program({"list", "prod"});
    CHECK(unknown.code == 19);
    CHECK(has(unknown.err, "unti"));
}

TEST_CASE("an id in use says nothing of a restore of it that goes on") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store()}).code == 0);
    program.database.collections.clear();
    program.database.restore_looks = 1'000'000;
    CHECK(has(program({"restore", toy, "b1", "--from", program.store(), "--timeout", "30s"}).err, "the job goes on"));
    const auto ran = program({"create", toy, "--id", "b1", "--to", program.store()});
    CAPTURE(ran.err);
    CHECK(ran.code == 8);
    CHECK_FALSE(has(ran.err, "may go on"));
}
