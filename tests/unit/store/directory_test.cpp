// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "store/store.hpp"
#include "support/fault_files.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::store;

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

struct Fixture {
    test::TemporaryFolder folder;
    test::FaultFiles files;
    fs::path root = folder / "store";
    std::unique_ptr<Store> store = open_directory(root, files);
};

void write(io::Sink& sink, std::string_view text) {
    sink.write(std::as_bytes(std::span(text)));
}

void put(Store& store, const std::string& name, std::string_view text) {
    const auto sink = store.create(name);
    write(*sink, text);
    sink->finish();
}

void put_part(Store& store, const std::string& name, std::string_view text) {
    write(*store.create(name), text);
}

std::string get(Store& store, const std::string& name) {
    return io::read_all(*store.open(name), 1 << 20);
}

ErrorKind kind_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.kind();
    }
    FAIL("no error");
    return ErrorKind::failed;
}

// All paths below, as the file system has them.
Names paths_below(const fs::path& root) {
    Names paths;
    if (!fs::exists(root)) return paths;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
        paths.push_back(entry.path().lexically_relative(root).string());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is put is there, listed and sized") {
    put(*store, "b-1/data/x", "hello");
    put(*store, "b-1/manifest.json", "{}");
    put(*store, "b-2/manifest.json", "{}");
    CHECK(get(*store, "b-1/data/x") == "hello");
    CHECK(io::read_all(*store->open("b-1/data/x", 3), 10) == "lo");
    CHECK(store->size("b-1/data/x") == 5);
    CHECK(store->size("b-1/data/y") == std::nullopt);
    CHECK(store->size("b-1/data") == std::nullopt);
    CHECK(store->list("") == Names{"b-1/data/x", "b-1/manifest.json", "b-2/manifest.json"});
    CHECK(store->list("b-1") == Names{"b-1/data/x", "b-1/manifest.json"});
    CHECK(store->list("b-1/") == Names{"b-1/data/x", "b-1/manifest.json"});
    CHECK(store->list("b-1/data") == Names{"b-1/data/x"});
    CHECK(store->list("b").empty());
    CHECK(store->folders() == Names{"b-1", "b-2"});
    CHECK(kind_of([&] { store->open("b-3/x"); }) == ErrorKind::not_found);
}

TEST_CASE_FIXTURE(Fixture, "a store is made with the first write, for its owner only") {
    CHECK(store->list("").empty());
    CHECK(store->folders().empty());
    CHECK(store->partial_size("x/y") == 0);
    CHECK(store->free_bytes().value() > 0);
    CHECK_FALSE(fs::exists(root));
    put(*store, "x/y", "");
    CHECK(fs::status(root).permissions() == fs::perms::owner_all);
    CHECK(fs::status(root / "x/y").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    CHECK(store->where() == root.string());
}

TEST_CASE_FIXTURE(Fixture, "names of any kind lie below the store and come back") {
    const Names odd = {"id/with space",
                       "id/ünï/名前",
                       "id/../../escape",
                       "..",
                       ".",
                       "id/.hidden",
                       "id/trailing.",
                       "id/trailing ",
                       "id/x.part",
                       "id/50%",
                       "id/%2E.",
                       "id/a\\b",
                       "id/new\nline",
                       "id/-rf",
                       "id//double",
                       "/absolute",
                       "id/" + std::string(200, 'n'),
                       std::string("id/nul\0byte", 11),
                       "id/\xff\xfe",
                       ".locks/x"};
    for (const std::string& name : odd) {
        CAPTURE(name);
        put(*store, name, name);
    }
    for (const std::string& name : odd) {
        CAPTURE(name);
        CHECK(get(*store, name) == name);
        CHECK(store->size(name) == name.size());
    }
    Names sorted = odd;
    std::sort(sorted.begin(), sorted.end());
    CHECK(store->list("") == sorted);
    CHECK(store->list("", true).empty());
    CHECK(paths_below(folder.path()).front() == "store");
    CHECK(Names(1, fs::directory_iterator(folder.path())->path().filename().string()) == Names{"store"});
    for (const std::string& name : odd) store->remove(name);
    CHECK(store->list("").empty());
}

TEST_CASE_FIXTURE(Fixture, "over-long names lie apart, and what is listed opens them") {
    const std::string one = "id/" + std::string(300, 'x') + "1";
    const std::string two = "id/" + std::string(300, 'x') + "2";
    put(*store, one, "one");
    put(*store, two, "two");
    put_part(*store, one, "part of one");
    CHECK(get(*store, one) == "one");
    CHECK(get(*store, two) == "two");
    const Names listed = store->list("id");
    REQUIRE(listed.size() == 2);
    CHECK(Names{std::min(get(*store, listed[0]), get(*store, listed[1]))} == Names{"one"});
    CHECK(store->list("id", true).size() == 1);
    store->remove(one);
    CHECK(store->list("id").size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "what was left unfinished is seen, opened and carried on") {
    put_part(*store, "id/data/x", "half");
    CHECK(store->size("id/data/x") == std::nullopt);
    CHECK(store->partial_size("id/data/x") == 4);
    CHECK(io::read_all(*store->open_partial("id/data/x"), 10) == "half");
    CHECK(store->list("").empty());
    CHECK(store->list("", true) == Names{"id/data/x"});
    CHECK(store->folders() == Names{"id"});
    CHECK(kind_of([&] { store->open("id/data/x"); }) == ErrorKind::not_found);
    CHECK(kind_of([&] { store->open_partial("id/data/y"); }) == ErrorKind::not_found);
    const auto sink = store->create("id/data/x", true);
    write(*sink, " done");
    sink->finish();
    CHECK(get(*store, "id/data/x") == "half done");
    CHECK(store->partial_size("id/data/x") == 0);
    CHECK(store->list("", true).empty());
}

TEST_CASE_FIXTURE(Fixture, "remove takes the finished and the unfinished file, durably") {
    put(*store, "id/x", "x");
    put_part(*store, "id/x", "part");
    put(*store, "id/x.y", "stays");
    files.heal();
    store->remove("id/x");
    CHECK(files.record().back() == "sync_directory id");
    CHECK(paths_below(root) == Names{"id", "id/x.y"});
    store->remove("id/x");
    store->remove("nothing/at/all");
    CHECK(paths_below(root) == Names{"id", "id/x.y"});
}

TEST_CASE_FIXTURE(Fixture, "remove_all takes everything below, and nothing else") {
    put(*store, "a/data/deep/x", "x");
    put_part(*store, "a/data/y", "y");
    fs::create_directories(root / "a/empty/folder");
    put(*store, "ab/x", "stays");
    put(*store, "b/a/x", "stays");
    store->remove_all("a");
    CHECK(paths_below(root) == Names{"ab", "ab/x", "b", "b/a", "b/a/x"});
    store->remove_all("b/");
    CHECK(paths_below(root) == Names{"ab", "ab/x"});
    put(*store, "ab/file", "x");
    put_part(*store, "ab/file", "y");
    store->remove_all("ab/file");
    CHECK(paths_below(root) == Names{"ab", "ab/x"});
    store->remove_all("nothing");
    store->remove_all("../outside");
    CHECK(kind_of([&] { store->remove_all(""); }) == ErrorKind::storage);
    CHECK(kind_of([&] { store->remove_all("/"); }) == ErrorKind::storage);
    CHECK(paths_below(root) == Names{"ab", "ab/x"});
}

TEST_CASE_FIXTURE(Fixture, "links are not followed out of the store") {
    fs::create_directories(folder / "outside");
    io::write_file(io::real_files(), folder / "outside/precious", "x");
    put(*store, "a/x", "x");
    fs::create_directory_symlink(folder / "outside", root / "a/link");
    fs::create_directory_symlink(root / "a", root / "a/circle");
    CHECK(store->list("a") == Names{"a/x"});
    store->remove_all("a");
    CHECK_FALSE(fs::exists(root / "a"));
    CHECK(fs::exists(folder / "outside/precious"));
}

TEST_CASE_FIXTURE(Fixture, "files that are not vbackup's are no names of the store") {
    put(*store, "a/x", "x");
    io::write_file(io::real_files(), root / "a/.DS_Store", "x");
    io::write_file(io::real_files(), root / "a/%zz", "x");
    io::write_file(io::real_files(), root / "README", "x");
    fs::create_directories(root / ".snapshots/deep");
    CHECK(store->folders() == Names{"a"});
    files.heal();
    CHECK(store->list("") == Names{"README", "a/x"});
    // A file system's own snapshots may be as large as all backups together.
    CHECK(files.record() == Names{"list ", "list a"});
}

TEST_CASE_FIXTURE(Fixture, "a lock is held by one of two stores, and is no folder") {
    const auto other = open_directory(root, files);
    auto held = store->lock("id");
    try {
        other->lock("id");
        FAIL("two hold one lock");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::busy);
        CHECK(error.message() ==
              "another run works on id in " + root.string() + " (process " + std::to_string(::getpid()) + ")");
    }
    CHECK(kind_of([&] { store->lock("id"); }) == ErrorKind::busy);
    CHECK(other->lock("id/2"));
    CHECK(store->folders().empty());
    CHECK(store->list("").empty());
    held.reset();
    CHECK(other->lock("id"));
    CHECK(fs::is_empty(root / ".locks"));
}

TEST_CASE_FIXTURE(Fixture, "asking whether a store can be written leaves nothing") {
    store->require_writable();
    CHECK(paths_below(folder.path()).empty());
    put(*store, "a/x", "x");
    store->require_writable();
    CHECK(paths_below(root) == Names{"a", "a/x"});
}

TEST_CASE_FIXTURE(Fixture, "a store that cannot be written says so") {
    for (std::size_t nth = 1; nth <= 7; ++nth) {
        CAPTURE(nth);
        files.fail_at(nth, EROFS);
        CHECK(kind_of([&] { store->require_writable(); }) == ErrorKind::storage);
    }
    files.leave_room(3);
    CHECK(kind_of([&] { store->require_writable(); }) == ErrorKind::storage);
    files.heal();
    io::write_file(io::real_files(), folder / "file", "x");
    const auto behind_a_file = open_directory(folder / "file/store", files);
    CHECK(kind_of([&] { behind_a_file->require_writable(); }) == ErrorKind::storage);
    const auto a_file = open_directory(folder / "file", files);
    CHECK(kind_of([&] { a_file->require_writable(); }) == ErrorKind::storage);
}

// Root may write everywhere, so another user is borrowed where the tests run as root.
TEST_CASE_FIXTURE(Fixture, "without permission the hint says so") {
    fs::create_directories(root);
    fs::permissions(root,
                    fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
    fs::permissions(folder.path(), fs::perms::owner_all | fs::perms::others_exec);
    const pid_t child = ::fork();
    if (child == 0) {
        if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(2);
        try {
            store->require_writable();
        } catch (const Error& error) {
            const bool right = error.kind() == ErrorKind::storage &&
                               error.message().find("Permission denied") != std::string::npos &&
                               error.hint().find("permission") != std::string::npos;
            ::_exit(right ? 0 : 3);
        }
        ::_exit(4);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(WEXITSTATUS(status) == 0);
    fs::permissions(root, fs::perms::owner_all);
}

TEST_CASE_FIXTURE(Fixture, "every fault of the disk is an error of the store") {
    put(*store, "id/x", "x");
    const std::vector<std::function<void()>> works = {[&] { put(*store, "id/new", "y"); },
                                                      [&] { get(*store, "id/x"); },
                                                      [&] { store->size("id/x"); },
                                                      [&] { store->list(""); },
                                                      [&] { store->folders(); },
                                                      [&] { store->remove("id/none"); },
                                                      [&] { store->partial_size("id/x"); },
                                                      [&] { store->lock("id"); },
                                                      [&] { store->free_bytes(); },
                                                      [&] { store->remove_all("none"); }};
    for (std::size_t index = 0; index < works.size(); ++index) {
        CAPTURE(index);
        std::size_t nth = 0;
        do {
            files.fail_at(++nth);
            try {
                works[index]();
                CHECK_FALSE(files.failed());
            } catch (const Error& error) {
                CHECK(error.kind() == ErrorKind::storage);
                CHECK(files.failed());
            }
        } while (files.failed());
        CHECK(nth > 1);
        files.heal();
        CHECK(get(*store, "id/x") == "x");
    }
}
