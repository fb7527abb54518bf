// SPDX-License-Identifier: Apache-2.0
// What a nightly run leaves: prune, and status as the alarm.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "program.hpp"

using namespace vbackup;
using test::Program;

namespace {

const std::string toy = Program::target;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("status --max-age is 13 when the newest good backup of any target is too old, and when there is none") {
    Program program;
    CHECK(program({"status", toy, "--max-age", "26h"}).code == 13);
    CHECK(program({"status", program.store(), "--max-age", "26h"}).code == 13);
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store()}).code == 0);
    program.clock.advance(std::chrono::hours(25));
    CHECK(program({"status", toy, "--max-age", "26h", "--to", program.store()}).code == 0);
    REQUIRE(program({"create", "toy+http://other.example:1", "--id", "b2", "--to", program.store()}).code == 0);
    CHECK(program({"status", program.store(), "--max-age", "26h"}).code == 0);
    program.clock.advance(std::chrono::hours(2));
    const auto stale = program({"status", toy, "--max-age", "26h", "--to", program.store()});
    CHECK(stale.code == 13);
    CHECK(has(stale.err, "1d3h old"));
    CHECK(program({"status", program.store(), "--max-age", "26h"}).code == 13);
    CHECK(program({"status", program.store()}).code == 0);
    CHECK(program({"status", toy, "b1", "--max-age", "26h", "--to", program.store()}).code == 2);
    CHECK(program({"status", toy, "--max-age", "old"}).code == 2);
}

TEST_CASE("status --max-age of a store is 13 when one of its targets never had a good backup") {
    Program program;
    REQUIRE(program({"create", toy, "--id", "b1", "--to", program.store()}).code == 0);
    program.database.end = model::Phase::failed;
    REQUIRE(program({"create", "toy+http://other.example:1", "--id", "b2", "--to", program.store()}).code == 11);
    program.database.end = model::Phase::succeeded;
    REQUIRE(program({"create", toy, "--id", "b3", "--to", program.store()}).code == 0);
    const auto ran = program({"status", program.store(), "--max-age", "26h"});
    CAPTURE(ran.err);
    CHECK(ran.code == 13);
    CHECK(has(ran.err, "no good backup of http://other.example:1"));
}

TEST_CASE("a status that could not ask everybody is 3, unless there is worse") {
    Program program;
    program.database.unreached = "node 7";
    CHECK(program({"status", toy}).code == 13);
    REQUIRE(program({"create", toy, "--id", "b1"}).code == 0);
    const auto ran = program({"status", toy});
    CHECK(ran.code == 3);
    CHECK(has(ran.err, "node 7 does not answer"));
    CHECK(has(ran.out, "b1"));
}

TEST_CASE("status without an id is 13 without a good backup, and 11 when the last one failed") {
    Program program;
    CHECK(program({"status", toy}).code == 13);
    CHECK(program({"status", program.store()}).code == 13);
    REQUIRE(program({"create", toy, "--id", "b1"}).code == 0);
    CHECK(program({"status", toy}).code == 0);
    program.clock.advance(std::chrono::hours(1));
    program.database.end = model::Phase::failed;
    REQUIRE(program({"create", toy, "--id", "b2"}).code == 11);
    const auto ran = program({"status", toy});
    CHECK(ran.code == 11);
    CHECK(has(ran.out, "newest good backup: b1"));
}

TEST_CASE("prune asks once, removes what no rule keeps, and says why of each") {
    Program vbackup;
    for (const auto* id : {"b1", "b2", "b3"}) {
        CHECK(vbackup({"create", vbackup.target, "--id", id, "--to", vbackup.store()}).code == 0);
        vbackup.clock.advance(std::chrono::hours(24));
    }
    const auto plan = vbackup({"prune", vbackup.store(), "--keep-last", "2", "--dry-run"});
    CHECK(plan.code == 0);
    CHECK(plan.out.find("1 to remove, 2 kept (dry run") != std::string::npos);
    CHECK(plan.out.find("no rule keeps it") != std::string::npos);
    CHECK(vbackup({"prune", vbackup.store(), "--keep-last", "2"}).code == 12);
    CHECK(std::filesystem::exists(vbackup.folder / "store/b1/manifest.json"));
    const auto done = vbackup({"prune", vbackup.store(), "--keep-last", "2", "--yes"});
    CHECK(done.code == 0);
    CHECK_FALSE(std::filesystem::exists(vbackup.folder / "store/b1"));
    CHECK(std::filesystem::exists(vbackup.folder / "store/b2/manifest.json"));
    CHECK(vbackup({"prune", vbackup.store(), "--yes", "--keep-last", "x"}).code == 2);
}

TEST_CASE("prune of a target: what stays with the server goes there; what vbackup did not make stays") {
    Program vbackup;
    for (const auto* id : {"b1", "b2"}) {
        CHECK(vbackup({"create", vbackup.target, "--id", id, "--retention", "2d"}).code == 0);
        vbackup.clock.advance(std::chrono::hours(72));
    }
    vbackup.database.snapshots["foreign"] = {.collection = "Docs", .bytes = "", .started = Moment{}};
    const auto before = vbackup.database.snapshots.size();
    const auto done = vbackup({"prune", vbackup.target, "--yes", "--output", "json"});
    CHECK(done.code == 0);
    CHECK(vbackup.database.snapshots.size() < before);
    CHECK(vbackup.database.snapshots.contains("foreign"));
    CHECK(vbackup({"status", vbackup.target, "b1"}).code == 7);
    CHECK(vbackup({"status", vbackup.target, "b2"}).code == 0);
    CHECK(done.out.find("wanted for 2d only") != std::string::npos);
    CHECK(vbackup({"prune", vbackup.target, "--keep-last", "1", "--yes"}).code == 0);
    CHECK(vbackup.database.snapshots.contains("foreign"));
    CHECK(vbackup({"prune", vbackup.target, "--keep-last", "1", "--yes", "--unmanaged"}).code == 0);
    CHECK_FALSE(vbackup.database.snapshots.contains("foreign"));
}

TEST_CASE("prune leaves the backup alone that a restore which came to nothing was made from") {
    Program vbackup;
    const auto other = "toy+http://other.example:1";
    REQUIRE(vbackup({"create", other, "--id", "b1", "--to", vbackup.store()}).code == 0);
    vbackup.database.collections.clear();
    fail_at(vbackup, "run", ErrorKind::unreachable, "it went away");
    REQUIRE(vbackup({"restore", toy, "b1", "--from", vbackup.store()}).code == 15);
    vbackup.database.before = {};
    vbackup.clock.advance(std::chrono::hours(48));
    vbackup.configure("store = \"" + vbackup.store() + "\"\n[targets.prod]\nurl = \"" + toy + "\"\n");
    const auto ran = vbackup({"prune", "prod", "--yes"});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "a restore that has not ended"));
    CHECK(std::filesystem::exists(vbackup.folder / "store/b1/manifest.json"));
}

TEST_CASE("prune leaves the backup alone that an interrupted restore needs") {
    Program vbackup;
    for (const auto* id : {"b1", "b2"}) {
        REQUIRE(vbackup({"create", toy, "--id", id, "--to", vbackup.store()}).code == 0);
        vbackup.clock.advance(std::chrono::hours(1));
    }
    vbackup.database.collections.clear();
    fail_at(vbackup, "run", ErrorKind::unreachable, "it went away");
    REQUIRE(vbackup({"restore", toy, "b1", "--from", vbackup.store()}).code == 15);
    vbackup.database.before = {};
    for (const auto& subject : {vbackup.store(), toy}) {
        vbackup.configure("store = \"" + vbackup.store() + "\"\n");
        const auto ran = vbackup({"prune", subject, "--keep-last", "1", "--yes"});
        CAPTURE(ran.err);
        CHECK(ran.code == 0);
        CHECK(has(ran.out, "a restore from it has not ended"));
        CHECK(std::filesystem::exists(vbackup.folder / "store/b1/manifest.json"));
    }
    vbackup.clock.advance(std::chrono::hours(25));
    CHECK(vbackup({"prune", vbackup.store(), "--keep-last", "1", "--yes"}).code == 0);
    CHECK_FALSE(std::filesystem::exists(vbackup.folder / "store/b1"));
}

TEST_CASE("prune goes on past a note that cannot be read, and without a place for notes") {
    Program vbackup;
    REQUIRE(vbackup({"create", toy, "--id", "b1", "--to", vbackup.store()}).code == 0);
    REQUIRE(vbackup({"create", toy, "--id", "left"}).code == 0);
    const auto notes = vbackup.folder / ".local/state/vbackup";
    REQUIRE(std::filesystem::exists(notes / "left"));
    std::filesystem::create_directories(notes / "x--restore");
    std::ofstream(notes / "x--restore/intent.json") << "{";
    const auto ran = vbackup({"prune", vbackup.store(), "--keep-last", "1", "--yes"});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(has(ran.err, "x--restore"));
    vbackup.environment.clear();
    const auto homeless = vbackup({"prune", vbackup.store(), "--keep-last", "1", "--yes"});
    CHECK(homeless.code == 0);
    CHECK(has(homeless.err, "cannot be looked at"));
}

TEST_CASE("a restore that came to nothing does not hide how good the backups of its target are") {
    Program vbackup;
    REQUIRE(vbackup({"create", "toy+http://other.example:1", "--id", "b9", "--to", vbackup.store()}).code == 0);
    REQUIRE(vbackup({"create", toy, "--id", "b1"}).code == 0);
    vbackup.database.collections.clear();
    fail_at(vbackup, "run", ErrorKind::unreachable, "it went away");
    REQUIRE(vbackup({"restore", toy, "b9", "--from", vbackup.store()}).code == 15);
    vbackup.database.before = {};
    vbackup.clock.advance(std::chrono::hours(25));
    const auto ran = vbackup({"status", toy});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
}

TEST_CASE("a backup that nobody wants for any time is refused") {
    Program vbackup;
    const auto ran = vbackup({"create", toy, "--id", "b1", "--retention", "0s"});
    CHECK(ran.code == 2);
    CHECK(has(ran.err, "--retention"));
    CHECK(vbackup.database.snapshots.empty());
}
