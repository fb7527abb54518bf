// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "store/store.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::store;

namespace {

namespace fs = std::filesystem;

ErrorKind refusal(std::string_view url) {
    try {
        open_store(url);
    } catch (const Error& error) {
        CHECK_FALSE(error.hint().empty());
        return error.kind();
    }
    return ErrorKind::failed;
}

}  // namespace

TEST_CASE("a store is a path with a slash or a file url") {
    CHECK(open_store("/var/backups/vbackup")->where() == "/var/backups/vbackup");
    CHECK(open_store("/var//backups/../vbackup/")->where() == "/var/vbackup");
    CHECK(open_store("./here")->where() == (fs::current_path() / "here").string());
    CHECK(open_store("a/b")->where() == (fs::current_path() / "a/b").string());
    CHECK(open_store("file:///var/with%20space")->where() == "/var/with space");
    CHECK(open_store("file://localhost/var/x")->where() == "/var/x");
    CHECK(open_store("/")->where() == "/");
}

TEST_CASE("what is no store is refused") {
    CHECK(refusal("s3://bucket/prefix") == ErrorKind::unsupported);
    for (const std::string_view text : {"", "name", "@nightly", "file://server/share", "file:relative", "file:/one",
                                        "file:///%zz", "http://host/x", "gs://b/c", "~/backups", "~user/x"}) {
        CAPTURE(text);
        CHECK(refusal(text) == ErrorKind::usage);
    }
    CHECK(refusal(std::string_view("a/\0b", 4)) == ErrorKind::usage);
}

TEST_CASE("a url that is refused is not repeated, as it may hold a password") {
    try {
        open_store("ftp://user:hunter2@host/x");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.message().find("hunter2") == std::string::npos);
    }
}

TEST_CASE("a location is a folder that exists here, with names as they are") {
    const test::TemporaryFolder folder;
    io::write_file(io::real_files(), folder / "b1/.hidden/50%", "x");
    CHECK_FALSE(open_location("file://" + (folder / "none").string()));
    CHECK_FALSE(open_location("file://" + (folder / "b1/.hidden/50%").string()));
    CHECK_FALSE(open_location("s3://bucket/b1"));
    CHECK_FALSE(open_location("relative/path"));
    CHECK_FALSE(open_location(""));
    for (const std::string& url : {"file://" + (folder / "b1").string(), (folder / "b1").string()}) {
        const auto store = open_location(url);
        REQUIRE(store);
        CHECK(store->list("") == std::vector<std::string>{".hidden/50%"});
        CHECK(io::read_all(*store->open(".hidden/50%"), 10) == "x");
        CHECK_THROWS_AS(store->open("../b1/.hidden/50%"), Error);
        CHECK_THROWS_AS(store->remove_all(".."), Error);
    }
}

TEST_CASE(
    "what is put at a location has the owner and the permissions of the folder there, so that its server can read it") {
    const test::TemporaryFolder folder;
    fs::create_directory(folder / "place");
    const auto place = folder / "place";
    const bool root = ::geteuid() == 0;
    if (root) REQUIRE(::chown(place.c_str(), 12345, 12346) == 0);
    REQUIRE(::chmod(place.c_str(), 0750) == 0);
    const auto store = open_location(place.string());
    REQUIRE(store);
    store->create("b1/node1/chunk")->finish();
    for (const auto& [name, mode] : {std::pair{"b1", 0750U}, {"b1/node1", 0750U}, {"b1/node1/chunk", 0640U}}) {
        CAPTURE(name);
        struct stat facts {};
        REQUIRE(::stat((place / name).c_str(), &facts) == 0);
        CHECK((facts.st_mode & 07777U) == mode);
        if (!root) continue;
        CHECK(facts.st_uid == 12345);
        CHECK(facts.st_gid == 12346);
    }
    // A store of our own shows nothing to others.
    open_store((place / "store").string())->create("b1/x")->finish();
    CHECK((fs::status(place / "store/b1/x").permissions() & fs::perms::mask) ==
          (fs::perms::owner_read | fs::perms::owner_write));
}
