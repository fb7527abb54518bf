// SPDX-License-Identifier: Apache-2.0
#include "io/tar.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "io/sealed_zstd.hpp"
#include "support/fake_clock.hpp"
#include "support/text_sink.hpp"

using namespace vbackup;
using namespace vbackup::io;

namespace {

struct Entry {
    std::string name;
    std::string data;
    bool operator==(const Entry&) const = default;
};
using Entries = std::vector<Entry>;

struct Fixture {
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally};
};

std::string random_text(std::size_t size) {
    std::mt19937 random(7);  // NOLINT: the same bytes each time
    std::string text(size, '\0');
    for (char& letter : text) letter = static_cast<char>(random());
    return text;
}

std::string packed(const Entries& entries, unsigned threads = 2) {
    test::TextSink text;
    const auto zstd = zstd_sealed(text, 1, threads);
    TarWriter tar(*zstd);
    for (const auto& [name, data] : entries) {
        tar.begin(name, data.size(), Moment{});
        tar.write(std::as_bytes(std::span(data)));
    }
    tar.finish();
    zstd->finish();
    CHECK(text.finished);
    return text.text;
}

Entries unpacked(Call& call, const std::string& bytes) {
    const auto source = memory_source(bytes);
    SealReader sealed(*source);
    TarReader tar(call, sealed);
    Entries entries;
    while (tar.next()) {
        CHECK(tar.is_file());
        auto& entry = entries.emplace_back(Entry{tar.name(), ""});
        tar.data([&](std::uint64_t, std::span<const std::byte> piece) {
            entry.data.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        });
        CHECK(entry.data.size() == tar.size());
    }
    tar.require_end();
    sealed.require_seal();
    return entries;
}

ErrorKind kind_of_unpacking(Call& call, const std::string& bytes) {
    try {
        unpacked(call, bytes);
    } catch (const Error& error) {
        return error.kind();
    }
    return ErrorKind::interrupted;
}

}  // namespace

TEST_CASE("what is packed comes out again: long names, names beyond ASCII, an empty file, a large one") {
    Fixture fixture;
    const Entries entries{{"b1/data/a", "text"},
                          {"b1/data/" + std::string(300, 'x') + "/deep", "1"},
                          {"b1/data/Bücher/本", "2"},
                          {"b1/data/empty", ""},
                          {"b1/data/large", random_text(5'000'000)}};
    CHECK(unpacked(fixture.call, packed(entries)) == entries);
    CHECK(packed(entries, 1) == packed(entries, 3));
}

TEST_CASE("an entry that is given fewer or more bytes than was said is no archive") {
    test::TextSink text;
    TarWriter tar(text);
    tar.begin("a", 3, Moment{});
    CHECK_THROWS_AS(tar.write(std::as_bytes(std::span(std::string_view("four")))), Error);
    tar.write(std::as_bytes(std::span(std::string_view("tw"))));
    CHECK_THROWS_AS(tar.begin("b", 0, Moment{}), Error);
    CHECK_THROWS_AS(tar.finish(), Error);
    CHECK_FALSE(text.finished);
}

TEST_CASE("each flipped bit of a small archive is found, and each cut") {
    Fixture fixture;
    const auto whole = packed({{"b1/data/a", "some text, some text"}, {"b1/data/b", random_text(700)}});
    CHECK(unpacked(fixture.call, whole).size() == 2);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bytes = whole;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        CAPTURE(bit);
        CHECK(kind_of_unpacking(fixture.call, bytes) == ErrorKind::corrupt);
    }
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK(kind_of_unpacking(fixture.call, whole.substr(0, size)) == ErrorKind::corrupt);
    }
}

TEST_CASE("bits flipped at random in an archive of several blocks are found") {
    Fixture fixture;
    const auto whole = packed({{"b1/data/a", random_text(300'000) + std::string(2'000'000, 'a')}});
    std::mt19937 random(8);  // NOLINT: the same ones each time
    for (int round = 0; round < 300; ++round) {
        auto bytes = whole;
        const auto bit = random() % (bytes.size() * 8);
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        CAPTURE(bit);
        CHECK(kind_of_unpacking(fixture.call, bytes) == ErrorKind::corrupt);
    }
}
