// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "golden.hpp"
#include "program.hpp"

using namespace vbackup;
using test::Program;

namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// One backup in the store, and a name for a second one.
struct Made : Program {
    Made() { make("b1"); }
    void make(const std::string& id) { CHECK((*this)({"create", target, "--to", store(), "--id", id}).code == 0); }
    std::string other() const { return (folder / "other").string(); }
    std::string file() const { return (folder / "b1.tar.zst").string(); }
    void damage(const std::string& id) const {
        for (const auto& entry : fs::recursive_directory_iterator(folder / "store" / id / "data"))
            if (entry.is_regular_file()) std::ofstream(entry.path(), std::ios::app) << "x";
    }
};

}  // namespace

TEST_CASE("a backup goes through a file from one store to another") {
    Made vbackup;
    const auto out = vbackup({"export", vbackup.store(), "b1", vbackup.file()});
    CHECK(out.code == 0);
    CHECK(has(out.out, "b1: exported to " + vbackup.file() + ", 2 files"));
    CHECK(vbackup({"export", vbackup.store(), "b1", vbackup.file()}).code == 8);
    CHECK_FALSE(fs::exists(vbackup.file() + ".lock"));
    const auto looked = vbackup({"import", vbackup.file(), vbackup.other(), "--dry-run"});
    CHECK(looked.code == 0);
    CHECK(has(looked.out, "would be imported"));
    CHECK_FALSE(fs::exists(vbackup.other()));
    const auto in = vbackup({"import", vbackup.file(), vbackup.other()});
    CAPTURE(in.err);
    CHECK(in.code == 0);
    CHECK(has(in.out, "b1: imported into " + vbackup.other()));
    CHECK(vbackup({"verify", vbackup.other(), "b1"}).code == 0);
    CHECK(vbackup({"import", vbackup.file(), vbackup.other()}).code == 8);
    CHECK(vbackup({"import", vbackup.file() + "x", vbackup.other()}).code == 7);
}

TEST_CASE("a damaged backup leaves no archive, and an archive that is cut no backup") {
    Made vbackup;
    CHECK(vbackup({"export", vbackup.store(), "b1", vbackup.file()}).code == 0);
    fs::resize_file(vbackup.file(), fs::file_size(vbackup.file()) - 1);
    CHECK(vbackup({"import", vbackup.file(), vbackup.other()}).code == 6);
    CHECK(vbackup({"list", vbackup.other()}).out == "no backups\n");
    vbackup.damage("b1");
    const auto bad = vbackup.file() + ".bad";
    CHECK(vbackup({"export", vbackup.store(), "b1", bad}).code == 6);
    CHECK_FALSE(fs::exists(bad));
    CHECK_FALSE(fs::exists(bad + ".part"));
}

TEST_CASE("an archive goes through pipes, with nothing else in it") {
    Made vbackup;
    const auto piped = vbackup({"export", vbackup.store(), "b1", "-"});
    CHECK(piped.code == 0);
    CHECK(piped.err.empty());
    vbackup.input = piped.out;
    const auto in = vbackup({"import", "-", vbackup.other()});
    CAPTURE(in.err);
    CHECK(in.code == 0);
    CHECK(has(in.out, "b1: imported"));
    CHECK(vbackup({"verify", vbackup.other(), "b1"}).code == 0);
    CHECK(vbackup({"import", "-", vbackup.other()}).code == 6);
}

TEST_CASE("a pipe whose other side does nothing ends with the deadline, one that broke with the disk's code") {
    Made vbackup;
    vbackup.waits = true;
    CHECK(vbackup({"export", vbackup.store(), "b1", "-", "--timeout", "90s"}).code == 4);
    CHECK(vbackup({"import", "-", vbackup.other(), "--timeout", "90s"}).code == 4);
    vbackup.waits = false;
    vbackup.out_failure = EPIPE;
    CHECK(vbackup({"export", vbackup.store(), "b1", "-"}).code == 18);
}

TEST_CASE("no archive to a terminal, from a person, or mixed with JSON") {
    Made vbackup;
    CHECK(vbackup({"export", vbackup.store(), "b1", "-", "--output", "json"}).code == 2);
    vbackup.terminal = true;
    CHECK(vbackup({"export", vbackup.store(), "b1", "-"}).code == 2);
    vbackup.ask = [](std::string_view) { return std::string(); };
    CHECK(vbackup({"import", "-", vbackup.other()}).code == 2);
}

TEST_CASE("copy from store to store, with what went wrong told for each") {
    Made vbackup;
    vbackup.make("b2");
    vbackup.make("b3");
    CHECK(vbackup({"copy", vbackup.store(), "b1", vbackup.other(), "--dry-run"}).code == 0);
    CHECK_FALSE(fs::exists(vbackup.other()));
    const auto copied = vbackup({"copy", vbackup.store(), "b1", "b2", vbackup.other()});
    CAPTURE(copied.err);
    CHECK(copied.code == 0);
    CHECK(has(copied.out, "b2: copied to " + vbackup.other()));
    CHECK(has(vbackup({"copy", vbackup.store(), "b1", vbackup.other()}).out, "b1: is in"));
    vbackup.damage("b3");
    const auto partly = vbackup({"copy", vbackup.store(), "b2", "b3", vbackup.other(), "--output", "json"});
    CHECK(partly.code == 3);
    const auto document = nlohmann::json::parse(partly.out);
    CHECK(document.at("backups").at(0).at("there") == true);
    CHECK(document.at("backups").at(1).at("error").at("kind") == "corrupt");
    CHECK(vbackup({"copy", vbackup.store(), "b3", vbackup.other()}).code == 6);
    CHECK(vbackup({"copy", vbackup.store(), "none", vbackup.other()}).code == 7);
    CHECK(vbackup({"copy", vbackup.store(), "b1", vbackup.store()}).code == 2);
    CHECK(vbackup({"copy", vbackup.store(), "b1", "b2"}).code == 2);
    CHECK(vbackup({"copy", vbackup.store(), vbackup.other()}).code == 2);
}

TEST_CASE("pin and unpin, and what they are to list, prune and delete") {
    Made vbackup;
    vbackup.clock.advance(std::chrono::hours(1));
    vbackup.make("b2");
    CHECK(vbackup({"pin", vbackup.store(), "b1", "--dry-run"}).out ==
          "b1: would be pinned (dry run: nothing was changed)\n");
    CHECK(vbackup({"pin", vbackup.target, "b1"}).code == 7);  // it is in no store of the target's
    const auto pinned = vbackup({"pin", vbackup.store(), "b1", "none"});
    CHECK(pinned.code == 3);
    CHECK(pinned.out == "b1: pinned\n");
    CHECK(vbackup({"pin", vbackup.store(), "b1"}).out == "b1: was pinned already\n");
    CHECK(has(vbackup({"list", vbackup.store()}).out, "kept, pinned"));
    const auto listed = nlohmann::json::parse(vbackup({"list", vbackup.store(), "--output", "json"}).out);
    CHECK(listed.at("backups").at(1).at("pinned") == true);
    CHECK(listed.at("backups").at(0).at("pinned") == false);
    CHECK(has(vbackup({"prune", vbackup.store(), "--keep-last", "1", "--yes"}).out, "0 removed, 2 kept"));
    CHECK(vbackup({"delete", vbackup.store(), "b1", "--yes"}).code == 12);
    CHECK(vbackup({"unpin", vbackup.store(), "b1", "--output", "json"}).code == 0);
    CHECK(has(vbackup({"prune", vbackup.store(), "--keep-last", "1", "--yes"}).out, "1 removed, 1 kept"));
    vbackup({"pin", vbackup.store(), "b2"});
    CHECK(vbackup({"delete", vbackup.store(), "b2", "--pinned", "--yes"}).code == 0);
}

TEST_CASE("verify of several, and of slices: any finding is a failure") {
    Made vbackup;
    vbackup.make("b2");
    const auto both = vbackup({"verify", vbackup.store(), "b1", "b2"});
    CHECK(both.code == 0);
    CHECK(has(both.out, "b1: good"));
    CHECK(has(both.out, "b2: good"));
    const auto slice = vbackup({"verify", vbackup.store(), "b1", "--subset", "2/2"});
    CHECK(slice.code == 0);
    CHECK(has(slice.out, "slice 2 of 2: 1 of 2 files"));
    // By the clock: the slices of a share follow each other from day to day.
    std::string seen;
    for (int day = 0; day < 3; ++day) {
        const auto document = nlohmann::json::parse(
            vbackup({"verify", vbackup.store(), "b1", "--subset", "34%", "--output", "json"}).out);
        CHECK(document.at("slice").at("of") == 3);
        seen += std::to_string(document.at("slice").at("number").get<int>());
        vbackup.clock.advance(std::chrono::hours(24));
    }
    CHECK(has(seen + seen, "123"));
    for (const char* wrong : {"0/3", "4/3", "3", "0%", "101%", "x%", "1/0", "-1/3", "1/3/3", "%"})
        CHECK(vbackup({"verify", vbackup.store(), "b1", std::string("--subset=") + wrong}).code == 2);
    vbackup.damage("b1");
    const auto bad = vbackup({"verify", vbackup.store(), "b1", "b2"});
    CHECK(bad.code == 6);
    CHECK(has(bad.out, "b2: good"));
    CHECK(vbackup({"verify", vbackup.store(), "b2", "none"}).code == 7);
    CHECK(vbackup({"verify", vbackup.store(), "none", "b1"}).code == 6);
    const auto document =
        nlohmann::json::parse(vbackup({"verify", vbackup.store(), "b1", "none", "--output", "json"}).out);
    CHECK(document.at("good") == false);
    CHECK(document.at("backups").at(1).at("error").at("kind") == "not_found");
}

TEST_CASE("--compress packs what is kept; another word is refused") {
    Made vbackup;
    const auto made = vbackup({"create", vbackup.target, "--to", vbackup.store(), "--id", "p1", "--compress", "fast"});
    CHECK(made.code == 0);
    CHECK(has(made.out, " in 2 files, packed "));
    CHECK(vbackup({"verify", vbackup.store(), "p1"}).code == 0);
    CHECK_FALSE(has(vbackup({"create", vbackup.target, "--to", vbackup.store(), "--compress", "none"}).out, "packed"));
    CHECK(vbackup({"create", vbackup.target, "--to", vbackup.store(), "--compress", "max"}).code == 2);
}
