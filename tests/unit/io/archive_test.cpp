// SPDX-License-Identifier: Apache-2.0
#include "io/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "io/digest.hpp"
#include "io/files.hpp"
#include "io/unpack.hpp"
#include "support/fake_clock.hpp"

using namespace vbackup;
using namespace vbackup::io;

namespace {

struct Entry {
    std::string name;
    std::string data;
    std::vector<std::pair<std::int64_t, std::int64_t>> pieces = {};  // of a sparse one: offset and length
};

enum class Packing { none, gzip, zstd };

la_ssize_t append(archive*, void* text, const void* bytes, std::size_t count) {
    static_cast<std::string*>(text)->append(static_cast<const char*>(bytes), count);
    return static_cast<la_ssize_t>(count);
}

void add(archive* writer, const Entry& wanted) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, wanted.name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(wanted.data.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    for (const auto& [offset, length] : wanted.pieces) archive_entry_sparse_add_entry(entry, offset, length);
    // It warns of a name that this locale cannot show, and writes it all the same.
    REQUIRE(archive_write_header(writer, entry) >= ARCHIVE_WARN);
    if (!wanted.data.empty()) {
        REQUIRE(archive_write_data(writer, wanted.data.data(), wanted.data.size()) >= 0);
    }
    archive_entry_free(entry);
}

// With the checksum that Go's writers put behind each frame; libarchive's writer leaves it out.
std::string zstd(const std::string& text) {
    ZSTD_CCtx* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    const std::size_t size = ZSTD_compress2(context, packed.data(), packed.size(), text.data(), text.size());
    ZSTD_freeCCtx(context);
    REQUIRE_FALSE(ZSTD_isError(size));
    return packed.substr(0, size);
}

// libarchive's raw format writes what it is given and nothing else.
std::string gzip(const std::string& text) {
    std::string packed;
    archive* writer = archive_write_new();
    archive_write_set_format_raw(writer);
    archive_write_add_filter_gzip(writer);
    archive_write_set_bytes_in_last_block(writer, 1);
    archive_write_open(writer, &packed, nullptr, &append, nullptr);
    add(writer, {"raw", text});
    REQUIRE(archive_write_close(writer) == ARCHIVE_OK);
    archive_write_free(writer);
    return packed;
}

std::string pack(const std::string& text, Packing packing) {
    if (packing == Packing::gzip) return gzip(text);
    return packing == Packing::zstd ? zstd(text) : text;
}

// A tar as GNU tar or Go write it, without padding behind its two zero blocks.
std::string make_tar(const std::vector<Entry>& entries, Packing packing = Packing::none) {
    std::string text;
    archive* writer = archive_write_new();
    const bool sparse = std::any_of(entries.begin(), entries.end(), [](const Entry& e) { return !e.pieces.empty(); });
    if (sparse) {
        archive_write_set_format_pax(writer);
    } else {
        archive_write_set_format_gnutar(writer);
    }
    archive_write_set_bytes_per_block(writer, 512);
    archive_write_set_bytes_in_last_block(writer, 1);
    archive_write_open(writer, &text, nullptr, &append, nullptr);
    for (const Entry& entry : entries) add(writer, entry);
    REQUIRE(archive_write_close(writer) == ARCHIVE_OK);
    archive_write_free(writer);
    return pack(text, packing);
}

// One header block by hand (POSIX ustar).
std::string tar_header(const std::string& name, std::size_t size, char type) {
    std::string block(512, '\0');
    block.replace(0, name.size(), name);
    block.replace(100, 7, "0000644");
    block.replace(124, 11, fmt::format("{:011o}", size));
    block.replace(136, 11, "00000000000");
    block.replace(148, 8, "        ");
    block[156] = type;
    block.replace(257, 8, std::string("ustar\00000", 8));
    unsigned sum = 0;
    for (const char byte : block) sum += static_cast<unsigned char>(byte);
    block.replace(148, 7, fmt::format("{:06o}", sum) + '\0');
    return block;
}

// Text that compresses a little.
std::string letters(std::size_t count) {
    std::mt19937 random(7);
    std::string text(count, '\0');
    std::generate(text.begin(), text.end(), [&] { return static_cast<char>('a' + random() % 16); });
    return text;
}

std::vector<Entry> three_entries() {
    return {{"a/first.json", "{\"version\":1}"}, {"a/zeros", std::string(4096, '\0')}, {"b/last", letters(3000)}};
}

ArchiveContents check(const std::string& bytes) {
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally, Instant::max(), {}};
    const auto source = memory_source(bytes);
    return check_archive(call, *source);
}

std::optional<std::string> entry_of(const std::string& bytes, const std::string& name, std::size_t most = 10'000) {
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally, Instant::max(), {}};
    const auto source = memory_source(bytes);
    return read_entry(call, *source, name, most);
}

// "good", "corrupt" or the message of another error.
std::string verdict(const std::string& bytes) {
    try {
        check(bytes);
        return "good";
    } catch (const Error& error) {
        return error.kind() == ErrorKind::corrupt ? "corrupt" : error.message();
    }
}

// What comes out, whether or not its checksum is right.
std::string unpacked(const std::string& bytes) {
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally, Instant::max(), {}};
    const auto source = memory_source(bytes);
    Unpacker unpacker(call, *source);
    std::string text;
    for (auto piece = unpacker.next(); !piece.empty(); piece = unpacker.next()) {
        text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }
    return text;
}

std::string tiny_snapshot() {
    return read_file(real_files(), TEST_DATA "/qdrant/tiny.snapshot");
}

}  // namespace

TEST_CASE("an archive is read to its end, plain and compressed") {
    for (const Packing packing : {Packing::none, Packing::gzip, Packing::zstd}) {
        CAPTURE(static_cast<int>(packing));
        const ArchiveContents contents = check(make_tar(three_entries(), packing));
        CHECK(contents.entries == 3);
        CHECK(contents.bytes == 13 + 4096 + 3000);
        CHECK(contents.names == std::vector<std::string>{"a/first.json", "a/zeros", "b/last"});
    }
}

TEST_CASE("an archive without entries is one") {
    CHECK(check(make_tar({})).entries == 0);
}

TEST_CASE("zeros behind the end mark are padding") {
    const std::string tar = make_tar(three_entries());
    CHECK(verdict(tar + std::string(8192, '\0')) == "good");
    // It is padding in whole blocks: anything else was cut.
    CHECK(verdict(tar + std::string(8191, '\0')) == "corrupt");
}

TEST_CASE("a plain tar that is cut anywhere is corrupt") {
    const std::string tar = make_tar(three_entries());
    REQUIRE(tar.size() % 512 == 0);
    for (std::size_t size = 0; size < tar.size(); size += 512) {
        CAPTURE(size);
        CHECK(verdict(tar.substr(0, size)) == "corrupt");
        CHECK(verdict(tar.substr(0, size + 1)) == "corrupt");
        CHECK(verdict(tar.substr(0, size + 511)) == "corrupt");
    }
}

TEST_CASE("a tar that is cut right behind an entry which ends in zeros is corrupt") {
    const std::string tar = make_tar({{"zeros", std::string(4096, '\0')}});
    CHECK(verdict(tar) == "good");
    CHECK(verdict(tar.substr(0, tar.size() - 1024)) == "corrupt");
    CHECK(verdict(tar.substr(0, tar.size() - 512)) == "corrupt");
}

TEST_CASE("a compressed tar whose end mark is missing inside is corrupt") {
    const std::string whole = make_tar(three_entries());
    for (const Packing packing : {Packing::gzip, Packing::zstd}) {
        CHECK(verdict(pack(whole.substr(0, whole.size() - 1024), packing)) == "corrupt");
        CHECK(verdict(pack(whole.substr(0, whole.size() - 512), packing)) == "corrupt");
        CHECK(verdict(pack(whole, packing)) == "good");
    }
}

TEST_CASE("a compressed tar that is cut at any byte is corrupt") {
    for (const Packing packing : {Packing::gzip, Packing::zstd}) {
        CAPTURE(static_cast<int>(packing));
        const std::string tar = make_tar(three_entries(), packing);
        REQUIRE(verdict(tar) == "good");
        for (std::size_t size = 0; size < tar.size(); ++size) {
            CAPTURE(size);
            CHECK(verdict(tar.substr(0, size)) == "corrupt");
        }
    }
}

TEST_CASE("a damaged byte in compressed data is corrupt") {
    for (const Packing packing : {Packing::gzip, Packing::zstd}) {
        CAPTURE(static_cast<int>(packing));
        const std::string tar = make_tar(three_entries());
        const std::string packed = pack(tar, packing);
        std::size_t harmless = 0;
        for (std::size_t at = 0; at < packed.size(); ++at) {
            CAPTURE(at);
            std::string damaged = packed;
            damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
            if (verdict(damaged) == "corrupt") continue;
            // Some bits mean nothing, such as the time in gzip's header: the data is the same then.
            ++harmless;
            CHECK(unpacked(damaged) == tar);
        }
        CHECK(harmless < 16);
    }
}

TEST_CASE("a damaged header is corrupt") {
    std::string tar = make_tar(three_entries());
    for (const std::size_t at : {std::size_t{0}, std::size_t{130}, std::size_t{150}, std::size_t{1024}}) {
        CAPTURE(at);
        std::string damaged = tar;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
        CHECK(verdict(damaged) == "corrupt");
    }
}

TEST_CASE("what is no archive is corrupt") {
    CHECK(verdict("") == "corrupt");
    CHECK(verdict("x") == "corrupt");
    CHECK(verdict("<html><body>502 Bad Gateway</body></html>") == "corrupt");
    CHECK(verdict(letters(100'000)) == "corrupt");
    CHECK(verdict(std::string(512, '\0')) == "corrupt");
}

TEST_CASE("something behind the end is corrupt") {
    const std::string tar = make_tar(three_entries());
    CHECK(verdict(tar + std::string(512, 'x')) == "corrupt");
    CHECK(verdict(tar + tar) == "corrupt");
    CHECK(verdict(zstd(tar) + "tail") == "corrupt");
    CHECK(verdict(gzip(tar) + "tail") == "corrupt");
    const std::string packed = gzip(tar);
    CHECK(verdict(packed + "tail" + packed.substr(packed.size() - 8)) == "corrupt");
}

// No database writes them, and with libarchive their checksums cannot be told apart from damage.
TEST_CASE("several gzip members are not taken for whole") {
    const std::string tar = make_tar({{"one", letters(2000)}});
    CHECK(verdict(gzip(tar.substr(0, 1000)) + gzip(tar.substr(1000))) == "corrupt");
}

TEST_CASE("a sparse entry counts with its holes") {
    std::string data(1 << 20, '\0');
    data.replace(4096, 5, "hello");
    data.replace(600'000, 5, "world");
    const std::string tar = make_tar({{"sparse", data, {{4096, 512}, {599'552, 1024}}}, {"after", "x"}});
    REQUIRE(tar.size() < 100'000);
    const ArchiveContents contents = check(tar);
    CHECK(contents.entries == 2);
    CHECK(contents.bytes == data.size() + 1);
    CHECK(entry_of(tar, "sparse", 2 << 20) == data);
    for (std::size_t size = 0; size < tar.size(); size += 512) CHECK(verdict(tar.substr(0, size)) == "corrupt");
}

TEST_CASE("odd names are kept, whatever the locale") {
    const std::string name = std::string(300, 'n') + "/ü 名";
    const ArchiveContents contents = check(make_tar({{name, "x"}, {"sparse-ü", "abc", {{0, 3}}}}));
    REQUIRE(contents.names.size() == 2);
    CHECK(contents.names[0] == name);
    CHECK(contents.names[1] == "sparse-ü");
}

// Go and Rust write such names as UTF-8 into an extended header, and libarchive warns when the locale has no such letters.
TEST_CASE("names in extended headers are kept, whatever the locale") {
    const std::string record = "15 path=ü/名\n";
    REQUIRE(record.size() == 15);
    const std::string tar = tar_header("PaxHeader", record.size(), 'x') + record +
                            std::string(512 - record.size(), '\0') + tar_header("short", 0, '0') +
                            std::string(1024, '\0');
    CHECK(check(tar).names == std::vector<std::string>{"ü/名"});
}

TEST_CASE("one entry is read by its name") {
    for (const Packing packing : {Packing::none, Packing::gzip, Packing::zstd}) {
        const std::string tar = make_tar(three_entries(), packing);
        CHECK(entry_of(tar, "a/first.json") == "{\"version\":1}");
        CHECK(entry_of(tar, "./b/last") == letters(3000));
        CHECK(entry_of(tar, "missing") == std::nullopt);
        CHECK_THROWS_AS(entry_of(tar, "b/last", 2999), Error);
        CHECK(entry_of(tar, "b/last", 3000) == letters(3000));
    }
}

TEST_CASE("what a source throws passes through") {
    struct Broken final : Source {
        std::string text = make_tar(three_entries());
        bool given = false;
        std::size_t read(std::span<std::byte> into) override {
            if (given) throw Error(ErrorKind::unreachable, "the line broke");
            given = true;
            std::copy_n(reinterpret_cast<const std::byte*>(text.data()), 1000, into.begin());
            return 1000;
        }
        std::optional<std::uint64_t> size() const override { return {}; }
    } source;
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally, Instant::max(), {}};
    try {
        check_archive(call, source);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::unreachable);
        CHECK(error.message() == "the line broke");
    }
}

TEST_CASE("the deadline ends the check") {
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally, clock.now(), {}};
    clock.advance(Milliseconds(1));
    const auto source = memory_source(make_tar(three_entries()));
    try {
        check_archive(call, *source);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::deadline);
    }
}

TEST_CASE("the source is read to its end, so that a digest taken on the way is whole") {
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally, Instant::max(), {}};
    const std::string tar = make_tar(three_entries(), Packing::zstd);
    const auto source = memory_source(tar);
    check_archive(call, *source);
    CHECK(read_all(*source, tar.size()).empty());
}

TEST_CASE("a snapshot that a real Qdrant wrote opens to its end") {
    const std::string snapshot = tiny_snapshot();
    const std::string told = read_file(real_files(), TEST_DATA "/qdrant/tiny.snapshot.sha256");
    CHECK(sha256(snapshot) == told.substr(0, 64));
    const ArchiveContents contents = check(snapshot);
    CHECK(contents.entries == 9);
    // wal/open-1 and wal/open-2 are sparse, 1 MiB each.
    CHECK(contents.bytes == 2 * 1'048'576 + 108'544 + 87 + 21 + 5 + 636 + 2 + 45);
    CHECK(std::count(contents.names.begin(), contents.names.end(), "config.json") == 1);
    CHECK(entry_of(snapshot, "version.info") == "0.4.2");
}

// Qdrant takes a snapshot that is cut between two entries for a whole one (contracts.md, Q.9): we must not.
TEST_CASE("a snapshot that is cut at any block is corrupt") {
    const std::string snapshot = tiny_snapshot();
    for (std::size_t size = 0; size < snapshot.size(); size += 512) {
        CAPTURE(size);
        CHECK(verdict(snapshot.substr(0, size)) == "corrupt");
    }
}
