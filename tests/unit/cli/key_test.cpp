// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "program.hpp"

using namespace vbackup;
using test::Program;

namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Two passphrases and a key file; @safe is opened with the first.
struct Safe : Program {
    Safe() {
        write("one", "hunter-one");
        write("two", "hunter-two");
        write("key", "0123456789abcdef0123456789abcdef");
        open_with("passphrase_file = \"" + file("one") + "\"");
    }
    std::string file(const std::string& name) const { return (folder / name).string(); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(file(name)) << text << "\n";
        fs::permissions(file(name), fs::perms::owner_read | fs::perms::owner_write);
    }
    void open_with(const std::string& line) const {
        configure("[stores.safe]\nurl = \"" + file("safe") + "\"\n" + line + "\n");
    }
    test::Ran create(const std::string& id, const std::string& to = "@safe") {
        return (*this)({"create", target, "--to", to, "--id", id});
    }
};

}  // namespace

TEST_CASE("a backup lies encrypted where a key is configured, and every verb works on it") {
    Safe vbackup;
    const auto made = vbackup.create("b1");
    CAPTURE(made.err);
    REQUIRE(made.code == 0);
    CHECK_FALSE(fs::exists(vbackup.folder / "safe" / "b1"));
    CHECK(has(vbackup({"list", "@safe"}).out, "b1"));
    CHECK(vbackup({"verify", "@safe", "b1"}).code == 0);
    CHECK(vbackup({"pin", "@safe", "b1"}).code == 0);
    CHECK(vbackup({"unpin", "@safe", "b1"}).code == 0);
    vbackup.database.collections.clear();
    CHECK(vbackup({"restore", Program::target, "b1", "--from", "@safe"}).code == 0);
    CHECK(vbackup.database.collections.size() == 2);

    CHECK(vbackup({"copy", "@safe", "b1", vbackup.file("plain/")}).code == 0);
    CHECK(fs::exists(vbackup.folder / "plain/b1/manifest.json"));
    CHECK(vbackup({"verify", vbackup.file("plain"), "b1"}).code == 0);
    CHECK(vbackup({"export", "@safe", "b1", vbackup.file("b1.tar.zst")}).code == 0);
    CHECK(vbackup({"delete", "@safe", "b1", "--yes"}).code == 0);
    CHECK_FALSE(has(vbackup({"list", "@safe"}).out, "b1"));
    CHECK(vbackup({"copy", vbackup.file("plain"), "b1", "@safe"}).code == 0);
    CHECK(vbackup({"verify", "@safe", "b1"}).code == 0);
}

TEST_CASE("without the key 16, with a wrong one 16, over a store that is not encrypted 12; nothing is changed") {
    Safe vbackup;
    REQUIRE(vbackup.create("b1").code == 0);
    auto ran = vbackup({"list", vbackup.file("safe")});
    CHECK(ran.code == 16);
    CHECK(has(ran.err, "is encrypted, and no key for it is configured"));
    CHECK(has(ran.err, "VBACKUP_PASSPHRASE_FILE"));
    CHECK(vbackup({"delete", vbackup.file("safe"), "b1", "--yes"}).code == 16);
    vbackup.open_with("passphrase_file = \"" + vbackup.file("two") + "\"");
    ran = vbackup({"list", "@safe"});
    CHECK(ran.code == 16);
    CHECK(has(ran.err, "no key slot of"));
    CHECK_FALSE(has(ran.err, "hunter"));

    REQUIRE(vbackup.create("b3", vbackup.store()).code == 0);
    vbackup.environment["VBACKUP_KEY_FILE"] = vbackup.file("key");
    ran = vbackup.create("b4", vbackup.store());
    CHECK(ran.code == 12);
    CHECK(has(ran.err, "b3 there is not encrypted"));
    CHECK(has(ran.err, "vbackup copy"));
    CHECK_FALSE(fs::exists(vbackup.folder / "store" / "encryption.json"));
}

TEST_CASE("a path of which the configuration knows that it is encrypted is not written as it is") {
    Safe vbackup;
    REQUIRE(vbackup.create("b1", vbackup.store()).code == 0);
    REQUIRE(vbackup({"export", vbackup.store(), "b1", vbackup.file("b1.tar.zst")}).code == 0);
    fs::create_directory(vbackup.folder / "safe");
    fs::create_directory_symlink(vbackup.folder / "safe", vbackup.folder / "link");
    for (const auto& path : {vbackup.file("safe"), vbackup.file("safe/"), vbackup.file("./safe"),
                             "file://" + vbackup.file("safe"), vbackup.file("link")}) {
        CAPTURE(path);
        const auto ran = vbackup.create("b2", path);
        CHECK(ran.code == 12);
        CHECK(has(ran.err, "is the place of @safe, which is encrypted"));
        CHECK(has(ran.err, "write @safe instead"));
        CHECK(vbackup({"copy", vbackup.store(), "b1", path}).code == 12);
        CHECK(vbackup({"import", vbackup.file("b1.tar.zst"), path}).code == 12);
        CHECK(fs::is_empty(vbackup.folder / "safe"));
    }
    CHECK(vbackup.create("b2", vbackup.file("safer")).code == 0);
    vbackup.environment["VBACKUP_PASSPHRASE_FILE"] = vbackup.file("one");
    CHECK(vbackup.create("b2", vbackup.file("safe")).code == 0);
    CHECK(vbackup({"verify", "@safe", "b2"}).code == 0);
}

TEST_CASE("a store given as a path is opened by the environment") {
    Safe vbackup;
    vbackup.environment["VBACKUP_PASSPHRASE"] = "hunter-one";
    CHECK(vbackup.create("b1", vbackup.store()).code == 0);
    vbackup.environment.erase("VBACKUP_PASSPHRASE");
    CHECK(vbackup({"verify", vbackup.store(), "b1"}).code == 16);
    vbackup.environment["VBACKUP_PASSPHRASE_FILE"] = vbackup.file("one");
    CHECK(vbackup({"verify", vbackup.store(), "b1"}).code == 0);
    vbackup.environment["VBACKUP_KEY_FILE"] = vbackup.file("key");
    const auto ran = vbackup({"verify", vbackup.store(), "b1"});
    CHECK(ran.code == 19);
    CHECK(has(ran.err, "more than one of VBACKUP_PASSPHRASE_FILE"));
}

TEST_CASE("a key is changed while the data stays") {
    Safe vbackup;
    CHECK(vbackup({"key", "list", "@safe"}).code == 12);
    REQUIRE(vbackup.create("b1").code == 0);
    auto ran = vbackup({"key", "add", "@safe", "--passphrase-file", vbackup.file("two"), "--dry-run"});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "key-2: would be added"));
    ran = vbackup({"key", "add", "@safe", "--passphrase-file", vbackup.file("two")});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "key-2: added"));
    CHECK(vbackup({"key", "add", "@safe", "--name", "vault", "--key-file", vbackup.file("key")}).code == 0);
    CHECK(vbackup({"key", "remove", "@safe", "--name", "key-1", "--yes"}).code == 12);
    vbackup.open_with("passphrase_command = \"cat " + vbackup.file("two") + "\"");
    CHECK(vbackup({"verify", "@safe", "b1"}).code == 0);
    CHECK(vbackup({"key", "remove", "@safe", "--name", "key-1"}).code == 12);
    CHECK(vbackup({"key", "remove", "@safe", "--name", "key-1", "--yes"}).code == 0);
    const auto slots = nlohmann::json::parse(vbackup({"key", "list", "@safe", "--output", "json"}).out).at("slots");
    REQUIRE(slots.size() == 2);
    CHECK(slots.at(0).at("name") == "key-2");
    CHECK(slots.at(0).at("opened") == true);
    CHECK(slots.at(1).at("kind") == "key-file");
    CHECK(vbackup({"verify", "@safe", "b1"}).code == 0);
    vbackup.open_with("key_file = \"" + vbackup.file("key") + "\"");
    CHECK(vbackup({"verify", "@safe", "b1"}).code == 0);
    vbackup.open_with("passphrase_file = \"" + vbackup.file("one") + "\"");
    CHECK(vbackup({"verify", "@safe", "b1"}).code == 16);
}

TEST_CASE("key says what it does not understand, and takes no secret as an argument") {
    Safe vbackup;
    for (const std::vector<std::string>& words : {std::vector<std::string>{"key", "ad", "@safe"},
                                                  {"key", "add", "@safe"},
                                                  {"key", "remove", "@safe"},
                                                  {"key", "list", "@safe", "--name", "x"},
                                                  {"key", "list", "@safe", "--key-file", "x"},
                                                  {"key", "add", "@safe", "--passphrase", "hunter2"}}) {
        const auto ran = vbackup(words);
        CHECK(ran.code == 2);
        CHECK_FALSE(has(ran.err, "hunter2"));
    }
}

TEST_CASE("config check reads the keys of stores, and config show shows none") {
    Safe vbackup;
    CHECK(vbackup({"config", "check"}).code == 0);
    fs::permissions(vbackup.file("one"), fs::perms::all);
    auto ran = vbackup({"config", "check"});
    CHECK(ran.code == 19);
    CHECK(has(ran.out + ran.err, "passphrase_file can be read by other users"));
    vbackup.open_with("passphrase_command = \"echo hunter-one\"");
    CHECK_FALSE(has(vbackup({"config", "show"}).out, "hunter"));
    vbackup.open_with("key_file = \"a\"\npassphrase_file = \"b\"");
    ran = vbackup({"config", "check"});
    CHECK(ran.code == 19);
    CHECK(has(ran.out + ran.err, "is not the only place named for the key"));
}
