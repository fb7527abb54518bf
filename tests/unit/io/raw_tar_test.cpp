// SPDX-License-Identifier: Apache-2.0
#include "io/raw_tar.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/error.hpp"

namespace vbackup::io {
namespace {

// Of a real Qdrant: sparse files, and a tar in it for each segment.
std::string real_snapshot() {
    std::ifstream file(std::filesystem::path(TEST_DATA) / "qdrant/tiny-shard.snapshot", std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string data_of(RawTarReader& reader) {
    std::string all, part(1000, '\0');
    while (const auto count = reader.read(std::as_writable_bytes(std::span(part)))) all += part.substr(0, count);
    return all;
}

// Put together again out of its entries.
std::string relayed(const std::string& tar, RawTarReader::End end = RawTarReader::End::marked) {
    const auto source = memory_source(tar);
    RawTarReader reader(*source, ErrorKind::corrupt, {}, end);
    std::string copy;
    while (const auto* entry = reader.next()) {
        const auto size = entry->size;
        copy += entry->head;
        copy += data_of(reader) + tar_padding(size);
    }
    return end == RawTarReader::End::marked ? copy + tar_end() : copy;
}

std::optional<ErrorKind> ends(const std::string& tar, ErrorKind cut = ErrorKind::corrupt) {
    const auto source = memory_source(tar);
    RawTarReader reader(*source, cut);
    try {
        while (reader.next()) data_of(reader);
        return std::nullopt;
    } catch (const Error& error) {
        return error.kind();
    }
}

// An entry of its own, with that name.
std::string entry_called(const std::string& name, const std::string& text) {
    const auto tar = real_snapshot();
    const auto source = memory_source(tar);
    RawTarReader reader(*source);
    while (const auto* entry = reader.next()) {
        if (entry->name != "shard_config.json") continue;
        REQUIRE(entry->size == text.size());
        return tar_head(*entry, name) + text + tar_padding(text.size());
    }
    return {};
}

}  // namespace

TEST_CASE("tar: what a real server wrote is read and put together again byte for byte") {
    const auto tar = real_snapshot();
    CHECK(relayed(tar) == tar);
    const auto source = memory_source(tar);
    RawTarReader reader(*source);
    std::size_t sparse = 0, inner = 0;
    while (const auto* entry = reader.next()) {
        sparse += entry->kind == 'S' ? 1 : 0;
        if (!entry->name.ends_with(".tar")) continue;
        ++inner;
        const auto segment = data_of(reader);
        CHECK(relayed(segment, RawTarReader::End::open) == segment);
        CHECK_THROWS_AS(relayed(segment), Error);
        CHECK_THROWS_AS(relayed(segment.substr(0, segment.size() - 512), RawTarReader::End::open), Error);
    }
    CHECK(sparse > 0);
    CHECK(inner > 0);
}

TEST_CASE("tar: an entry gets another name, also one that is too long for a header") {
    const std::string text(21, 'x');
    for (const auto& name :
         {std::string("short"), std::string(100, 'n'), std::string(101, 'n'), std::string(700, 'n')}) {
        CAPTURE(name.size());
        const auto once = entry_called(name, text);
        const auto source = memory_source(once + tar_end());
        RawTarReader reader(*source);
        const auto* entry = reader.next();
        REQUIRE(entry);
        CHECK(entry->name == name);
        const auto again = tar_head(*entry, "segments/other");
        CHECK(reader.text(100) == text);
        CHECK_FALSE(reader.next());
        const auto renamed = memory_source(again + text + tar_padding(text.size()) + tar_end());
        RawTarReader second(*renamed);
        CHECK(second.next()->name == "segments/other");
    }
}

TEST_CASE("tar: one that ends anywhere before its end is cut, and the kind of error is the reader's choice") {
    const auto tar = real_snapshot();
    for (std::size_t size = 0; size < tar.size(); size += 512) {
        CAPTURE(size);
        CHECK(ends(tar.substr(0, size)) == ErrorKind::corrupt);
    }
    CHECK(ends(tar.substr(0, tar.size() - 1)) == ErrorKind::corrupt);
    CHECK(ends(tar.substr(0, 700), ErrorKind::unreachable) == ErrorKind::unreachable);
    CHECK_FALSE(ends(tar));
}

TEST_CASE("tar: a damaged header, and what follows the end, are no tar") {
    auto tar = real_snapshot();
    CHECK(ends(tar + std::string(512, 'x')) == ErrorKind::corrupt);
    tar[3] = static_cast<char>(tar[3] ^ 1);
    CHECK(ends(tar) == ErrorKind::corrupt);
}

TEST_CASE("tar: a size that no file has is damage, not an entry without data") {
    auto tar = real_snapshot();
    // In base 256: with what fills its last block it would be counted as nothing.
    tar.replace(124, 12, std::string(12, '\xFF'));
    std::fill_n(tar.begin() + 148, 8, ' ');
    unsigned sum = 0;
    for (const char c : tar.substr(0, 512)) sum += static_cast<unsigned char>(c);
    tar.replace(148, 8, fmt::format("{:06o}", sum) + '\0' + ' ');
    const auto source = memory_source(tar);
    RawTarReader reader(*source);
    CHECK_THROWS_AS(reader.next(), Error);
}

TEST_CASE("tar: what is stepped over is not read") {
    const auto tar = real_snapshot();
    const auto source = memory_source(tar);
    std::uint64_t stepped = 0;
    RawTarReader reader(*source, ErrorKind::corrupt, [&](std::uint64_t bytes) {
        stepped += bytes;
        std::vector<std::byte> some(static_cast<std::size_t>(bytes));
        for (std::size_t have = 0; have < some.size();) have += source->read(std::span(some).subspan(have));
    });
    std::size_t entries = 0;
    while (reader.next()) ++entries;
    CHECK(entries > 4);
    CHECK(stepped > tar.size() / 2);
}

}  // namespace vbackup::io
