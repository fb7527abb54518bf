// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "io/files.hpp"
#include "support/fault_files.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::io;

namespace {

struct Fixture {
    test::TemporaryFolder folder;
    test::FaultFiles files;
    std::filesystem::path path = folder / "b";
    std::filesystem::path part = folder / "b.part";

    std::optional<std::string> visible() const {
        if (!real_files().size(path)) return std::nullopt;
        return read_file(real_files(), path);
    }
};

void put(Sink& sink, std::string_view text) {
    sink.write(std::as_bytes(std::span(text)));
}

// Those of the calls that make bytes durable and visible, in their order.
std::vector<std::string> order(const std::vector<std::string>& record) {
    std::vector<std::string> kept;
    for (const std::string& call : record) {
        const std::string name = call.substr(0, call.find(' '));
        if (name == "write" || name == "sync" || name == "close" || name == "rename" || name == "sync_directory") {
            kept.push_back(call);
        }
    }
    return kept;
}

constexpr std::size_t block = std::size_t{64} << 10;

std::uint64_t space_of(const std::filesystem::path& path) {
    struct stat facts {};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return static_cast<std::uint64_t>(facts.st_blocks) * 512;
}

std::string zeros(std::size_t size) {
    return std::string(size, '\0');
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a durable file is visible only after finish") {
    const auto sink = durable_file(files, path);
    put(*sink, "hello ");
    put(*sink, "world");
    CHECK_FALSE(visible());
    sink->finish();
    CHECK(visible() == "hello world");
    CHECK_FALSE(std::filesystem::exists(part));
    CHECK(std::filesystem::status(path).permissions() ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE_FIXTURE(Fixture, "write, fsync, rename, fsync of the folder: in this order") {
    const auto sink = durable_file(files, path);
    put(*sink, "x");
    sink->finish();
    CHECK(order(files.record()) == std::vector<std::string>{"write b.part", "sync b.part", "close b.part",
                                                            "rename b.part b",
                                                            "sync_directory " + folder.path().filename().string()});
}

TEST_CASE_FIXTURE(Fixture, "missing folders are made") {
    write_file(files, folder / "deep/er/file", "x");
    CHECK(read_file(files, folder / "deep/er/file") == "x");
    CHECK(std::filesystem::status(folder / "deep/er").permissions() == std::filesystem::perms::owner_all);
}

TEST_CASE_FIXTURE(Fixture, "without finish the earlier file stands and the partial one stays") {
    write_file(files, path, "earlier");
    {
        const auto sink = durable_file(files, path);
        put(*sink, "half");
    }
    CHECK(visible() == "earlier");
    CHECK(read_file(files, part) == "half");
}

TEST_CASE_FIXTURE(Fixture, "resume carries on, without it the file begins empty") {
    put(*durable_file(files, path), "half");
    {
        const auto sink = durable_file(files, path, true);
        put(*sink, " and half");
        sink->finish();
    }
    CHECK(visible() == "half and half");
    put(*durable_file(files, path), "other");
    const auto sink = durable_file(files, path);
    put(*sink, "new");
    sink->finish();
    CHECK(visible() == "new");
}

TEST_CASE_FIXTURE(Fixture, "resume of nothing is a beginning") {
    const auto sink = durable_file(files, path, true);
    put(*sink, "new");
    sink->finish();
    CHECK(visible() == "new");
}

TEST_CASE_FIXTURE(Fixture, "rewind forgets what was written, also before") {
    put(*durable_file(files, path), "much longer than the new one");
    const auto sink = durable_file(files, path, true);
    put(*sink, "more");
    sink->rewind();
    put(*sink, "new");
    sink->finish();
    CHECK(visible() == "new");
}

TEST_CASE_FIXTURE(Fixture, "the disk is told to begin every 8 MiB") {
    const std::string block(1 << 20, 'x');
    const auto sink = durable_file(files, path);
    for (int i = 0; i < 20; ++i) put(*sink, block);
    sink->finish();
    std::vector<std::string> hints;
    for (const std::string& call : files.record()) {
        if (call.starts_with("start_writeback")) hints.push_back(call);
    }
    CHECK(hints ==
          std::vector<std::string>{"start_writeback b.part 0 8388608", "start_writeback b.part 8388608 8388608"});
    CHECK(real_files().size(path) == 20 << 20);
}

TEST_CASE_FIXTURE(Fixture, "of what is carried on, the disk is told only the new bytes") {
    put(*durable_file(files, path), "earlier");
    files.heal();
    const auto sink = durable_file(files, path, true);
    put(*sink, std::string(8 << 20, 'x'));
    const std::vector<std::string> record = files.record();
    CHECK(std::count(record.begin(), record.end(), "start_writeback b.part 7 8388608") == 1);
}

TEST_CASE_FIXTURE(Fixture, "a fault at any call leaves nothing visible, or all of it") {
    for (const bool earlier : {false, true}) {
        for (const bool dead : {false, true}) {
            std::size_t faults = 0;
            for (std::size_t nth = 1;; ++nth) {
                CAPTURE(earlier);
                CAPTURE(dead);
                CAPTURE(nth);
                files.heal();
                files.remove(path);
                files.remove(part);
                if (earlier) write_file(files, path, "earlier");
                files.fail_at(nth, EIO, dead);
                bool threw = false;
                try {
                    write_file(files, path, "new");
                } catch (const Error& error) {
                    threw = true;
                    CHECK(error.kind() == ErrorKind::storage);
                }
                if (!files.failed()) break;
                ++faults;
                CHECK(threw);
                // Only the last call, the fsync of the folder, comes after the rename. What replaced an earlier file
                // stays then, and what was new is hidden again unless the disk takes no call any more.
                const bool after_rename = files.record().size() > 0 && visible() == "new";
                if (after_rename) {
                    CHECK((earlier || dead));
                } else {
                    CHECK(visible() == (earlier ? std::optional<std::string>("earlier") : std::nullopt));
                }
            }
            CHECK(faults == 7);
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "a full disk is told, and the earlier file stands") {
    write_file(files, path, "earlier");
    for (std::uint64_t room = 0; room < 10; ++room) {
        CAPTURE(room);
        files.leave_room(room);
        CHECK_THROWS_AS(write_file(files, path, "0123456789"), Error);
        CHECK(visible() == "earlier");
        CHECK(real_files().size(part) == room);
    }
    files.leave_room(10);
    write_file(files, path, "0123456789");
    CHECK(visible() == "0123456789");
}

TEST_CASE_FIXTURE(Fixture, "what could not be fsynced is not carried on") {
    files.fail_next("sync");
    CHECK_THROWS_AS(write_file(files, path, "lost"), Error);
    CHECK_FALSE(std::filesystem::exists(part));
    files.heal();
    const auto sink = durable_file(files, path, true);
    put(*sink, "again");
    sink->finish();
    CHECK(visible() == "again");
}

TEST_CASE_FIXTURE(Fixture, "a rename that fails keeps the partial file for a rerun") {
    files.fail_next("rename");
    CHECK_THROWS_AS(write_file(files, path, "all of it"), Error);
    CHECK_FALSE(visible());
    files.heal();
    durable_file(files, path, true)->finish();
    CHECK(visible() == "all of it");
}

TEST_CASE_FIXTURE(Fixture, "no descriptor stays open, whatever fails") {
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    if (!std::filesystem::exists("/proc/self/fd")) return;
    const auto before = open_files();
    for (std::size_t nth = 1; nth < 20; ++nth) {
        files.fail_at(nth);
        try {
            write_file(files, path, "x");
            read_file(files, path);
            file_source(files, path, 1);
        } catch (const Error&) {
            continue;
        }
    }
    CHECK(open_files() == before);
}

TEST_CASE_FIXTURE(Fixture, "zeros become holes wherever they lie, and the bytes stay the same") {
    const std::string data(block, 'x');
    struct Case {
        std::string text;
        std::uint64_t most_space;
    };
    const std::vector<Case> cases{
        {data + zeros(16 * block) + data, 4 * block},
        {zeros(16 * block) + data, 3 * block},
        {data + zeros(16 * block), 3 * block},
        {zeros(16 * block), block},
        {"odd" + zeros(16 * block) + "odd", 4 * block},
        {data + zeros(8 * block) + data + zeros(8 * block + 5) + "end", 6 * block},
    };
    for (const auto& [text, most_space] : cases) {
        CAPTURE(text.size());
        CAPTURE(most_space);
        const auto sink = durable_file(files, path);
        put(*sink, text);
        sink->finish();
        CHECK((visible() == text));
        CHECK(space_of(path) <= most_space);
    }
}

TEST_CASE_FIXTURE(Fixture, "what is no whole block of zeros is written") {
    for (const std::string& text : {zeros(block - 1), "x" + zeros(block - 1), zeros(block - 1) + "x" + zeros(block - 1),
                                    zeros(3), std::string("x") + zeros(2 * block - 2)}) {
        CAPTURE(text.size());
        files.heal();
        const auto sink = durable_file(files, path);
        put(*sink, text);
        sink->finish();
        CHECK((visible() == text));
        const auto record = files.record();
        CHECK(std::count(record.begin(), record.end(), "truncate b.part") == 0);
    }
}

TEST_CASE_FIXTURE(Fixture, "a partial file that ends in a hole has its whole length and is carried on behind it") {
    const std::string begin = "begin" + std::string(block - 5, 'x') + zeros(4 * block);
    put(*durable_file(files, path), begin);
    CHECK(real_files().size(part) == begin.size());
    CHECK((read_file(real_files(), part) == begin));
    CHECK(space_of(part) <= 2 * block);
    {
        const auto sink = durable_file(files, path, true);
        put(*sink, zeros(2 * block));
        put(*sink, "end");
        put(*sink, zeros(3 * block - 3));
        sink->finish();
    }
    CHECK((visible() == begin + zeros(2 * block) + "end" + zeros(3 * block - 3)));
    CHECK(space_of(path) <= 5 * block);
}

TEST_CASE_FIXTURE(Fixture, "where a hole at the end cannot be made, the partial file is shorter and still true") {
    {
        const auto sink = durable_file(files, path);
        put(*sink, std::string(block, 'x') + zeros(block));
        files.fail_next("truncate");
    }
    CHECK(files.failed());
    CHECK(real_files().size(part) == block);
    {
        const auto sink = durable_file(files, path);
        put(*sink, std::string(block, 'x') + zeros(block));
        files.fail_next("truncate");
        CHECK_THROWS_AS(sink->finish(), Error);
        CHECK_FALSE(visible());
    }
}

TEST_CASE_FIXTURE(Fixture, "rewind forgets a hole, too") {
    const auto sink = durable_file(files, path);
    put(*sink, zeros(4 * block));
    sink->rewind();
    put(*sink, "new");
    sink->finish();
    CHECK(visible() == "new");
}
