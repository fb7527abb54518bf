// SPDX-License-Identifier: Apache-2.0
#include "io/key_records.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "io/seen_keys.hpp"
#include "io/zstd.hpp"
#include "support/fake_clock.hpp"

using namespace vbackup;
using namespace vbackup::io;
using vbackup::test::FakeClock;

namespace {

std::string payload_of(std::string_view text) {
    std::string payload{'\0', static_cast<char>(text.size())};
    payload += text;
    payload += std::string_view("\x08\x00", 2);
    Crc64 checksum;
    checksum.update(std::as_bytes(std::span(payload)));
    for (unsigned n = 0; n < 8; ++n) payload += static_cast<char>(checksum.value() >> (8 * n) & 0xFF);
    return payload;
}

constexpr std::uint64_t begun = 1'795'247'220'000;

std::string taken(KeyWriter& writer) {
    std::string bytes(writer.size(), '\0');
    writer.take(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

std::string sample(KeySummary* summary = nullptr) {
    KeyWriter writer(begun, "a sample");
    writer.add(0, "a", 0, payload_of("1"));
    writer.add(0, std::string_view("\0\n", 2), begun + 5000, payload_of("two"));
    writer.begin_large(3, "large", 0, 20);
    const auto large = payload_of("in pieces");
    writer.add_piece(large.substr(0, 7));
    writer.add_piece(large.substr(7));
    writer.end_large(true);
    writer.begin_large(3, "void", 0, 20);
    writer.add_piece("half of it");
    writer.end_large(false);
    writer.add({"index", "idx", "FT.CREATE\nidx"});
    writer.count_vanished(3);
    writer.finish();
    if (summary) *summary = writer.summary();
    return taken(writer);
}

struct Read {
    std::vector<KeyRecord> records;
    std::vector<Definition> definitions;
    KeySummary summary;
    std::string about;
};

Read read(const std::string& bytes) {
    const auto source = memory_source(bytes);
    KeyReader reader(*source);
    Read all;
    for (auto item = reader.next(); item != KeyReader::Item::end; item = reader.next()) {
        if (item == KeyReader::Item::record) all.records.push_back(reader.record());
        if (item == KeyReader::Item::definition) all.definitions.push_back(reader.definition());
    }
    all.summary = reader.summary();
    all.about = reader.about();
    return all;
}

ErrorKind kind_of(const std::string& bytes) {
    FakeClock clock;
    Tally tally;
    Call call{clock, tally};
    try {
        const auto source = memory_source(bytes);
        check_keys(call, *source);
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::usage;
}

std::string packed(const std::string& bytes) {
    const auto source = zstd(memory_source(bytes));
    return read_all(*source, std::size_t{64} << 20);
}

}  // namespace

TEST_CASE("what was written is read, with its counts") {
    const auto all = read(sample());
    CHECK(all.about == "a sample");
    REQUIRE(all.records.size() == 3);
    CHECK(all.records[0].key == "a");
    CHECK(all.records[0].payload == payload_of("1"));
    CHECK(all.records[1].key == std::string("\0\n", 2));
    CHECK(all.records[1].expiry == begun + 5000);
    CHECK(all.records[2].database == 3);
    CHECK(all.records[2].payload == payload_of("in pieces"));
    REQUIRE(all.definitions.size() == 1);
    CHECK(all.definitions[0].payload == "FT.CREATE\nidx");
    CHECK(all.summary.databases.at(0).keys == 2);
    CHECK(all.summary.databases.at(0).with_expiry == 1);
    CHECK(all.summary.databases.at(3).keys == 1);
    CHECK(all.summary.databases.at(3).vanished == 1);
    CHECK(all.summary.begun == begun);
    CHECK(all.summary.databases.at(0).largest == payload_of("two").size());
    CHECK(all.summary.databases.at(3).largest == payload_of("in pieces").size());
    CHECK(all.summary.databases.at(3).version == 8);
}

TEST_CASE("cut at any byte it is corrupt, plain and compressed") {
    for (const auto& whole : {sample(), packed(sample())}) {
        CHECK(kind_of(whole) == ErrorKind::usage);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            CAPTURE(size);
            REQUIRE(kind_of(whole.substr(0, size)) == ErrorKind::corrupt);
        }
        CHECK(kind_of(whole + "x") == ErrorKind::corrupt);
    }
}

TEST_CASE("with any bit changed it is not read as good") {
    const auto whole = sample();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const int bit : {0, 3, 7}) {
            auto changed = whole;
            changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
            CAPTURE(at);
            REQUIRE(kind_of(changed) != ErrorKind::usage);
        }
    }
}

TEST_CASE("a payload that is damaged is found though all else fits") {
    KeyWriter writer(begun, "");
    auto payload = payload_of("value");
    payload[3] = '!';
    writer.add(0, "name", 0, payload);
    writer.finish();
    const auto bytes = taken(writer);
    CHECK(kind_of(bytes) == ErrorKind::corrupt);
    CHECK(read(bytes).records.size() == 1);
    CHECK(payload_problem(payload_of("value")) == "");
    CHECK(payload_problem("short") != "");
    // A server may be told to compute none.
    CHECK(payload_problem(payload_of("value").substr(0, 9) + std::string(8, '\0')) == "");
}

TEST_CASE("a newer format is refused, and not taken for damage") {
    auto bytes = sample();
    bytes[8] = 2;
    CHECK(kind_of(bytes) == ErrorKind::refused);
}

TEST_CASE("how many keys with an expiry are left is known within a factor of two of their time") {
    KeyCounts counts;
    counts.keys = counts.with_expiry = 4;
    for (const std::uint64_t seconds : {0U, 3U, 100U, 1'000'000U})
        ++counts.expiring[expiry_slot(begun, begun + seconds * 1000)];
    using Pair = std::pair<std::uint64_t, std::uint64_t>;
    CHECK(counts.alive(begun, begun) == Pair{3, 4});
    CHECK(counts.alive(begun, begun + 5'000) == Pair{2, 2});
    CHECK(counts.alive(begun, begun + 90'000) == Pair{1, 2});
    CHECK(counts.alive(begun, begun + 3'000'000'000) == Pair{0, 0});
    CHECK(expiry_slot(begun, 1) == 0);
    CHECK(expiry_slot(0, ~std::uint64_t{0}) == 39);
}

TEST_CASE("the checksum is that of Redis") {
    Crc64 checksum;
    checksum.update(std::as_bytes(std::span(std::string_view("1234"))));
    checksum.update(std::as_bytes(std::span(std::string_view("56789"))));
    CHECK(checksum.value() == 0xE9C6D914C4B8D9CA);
    Crc64 once;
    once.update(std::as_bytes(std::span(std::string_view("123456789"))));
    CHECK(once.value() == checksum.value());
}

TEST_CASE("a key that was noted is always known, and others hardly ever") {
    SeenKeys seen(100'000);
    std::size_t false_alarms = 0;
    for (int n = 0; n < 100'000; ++n) false_alarms += seen.note("key:" + std::to_string(n)) ? 1U : 0U;
    CHECK(false_alarms == 0);
    std::size_t known = 0;
    for (int n = 0; n < 100'000; ++n) known += seen.note("key:" + std::to_string(n)) ? 1U : 0U;
    CHECK(known == 100'000);
}

TEST_CASE("zstd: what is packed comes out equal, whatever its size; the thread ends with it") {
    for (const std::size_t size : {0U, 1U, 1000U, 300'000U, 5'000'000U}) {
        std::string bytes(size, '\0');
        for (std::size_t n = 0; n < size; ++n) bytes[n] = static_cast<char>(n * n >> 7 & 0xFF);
        const auto small = packed(bytes);
        const auto source = memory_source(small);
        const auto plain = unzstd_file(*source);
        CHECK((read_all(*plain, size + 1) == bytes) == true);
    }
    // Given up in the middle.
    auto source = zstd(memory_source(std::string(3'000'000, 'x')));
    std::vector<std::byte> some(10);
    CHECK(source->read(some) > 0);
}
