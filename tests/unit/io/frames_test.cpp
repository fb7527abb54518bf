// SPDX-License-Identifier: Apache-2.0
#include "io/frames.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "base/error.hpp"
#include "io/zstd.hpp"
#include "support/text_sink.hpp"

using namespace vbackup;
using namespace vbackup::io;

namespace {

constexpr std::size_t all = std::size_t{1} << 30;

// Half of it can be packed.
std::string text_of(std::size_t size) {
    std::mt19937 random(9);  // NOLINT: the same bytes each time
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; i += 2) text[i] = static_cast<char>(random());
    return text;
}

std::string packed(const std::string& text) {
    test::TextSink sink;
    const auto packer = pack_frames(sink, 1);
    // In pieces that do not fit the frames.
    for (std::size_t at = 0; at < text.size(); at += 300'000)
        packer->write(std::as_bytes(std::span(text).subspan(at, std::min<std::size_t>(300'000, text.size() - at))));
    packer->finish();
    CHECK(sink.finished);
    return sink.text;
}

std::string unpacked(const std::string& bytes, std::size_t size, std::uint64_t offset = 0) {
    const auto source =
        unpack_frames([&](std::uint64_t from) { return memory_source(bytes, from); }, bytes.size(), size, offset);
    CHECK(source->size() == size);
    CHECK(source->offset() == offset);
    return read_all(*source, all);
}

}  // namespace

TEST_CASE("what is packed in frames comes out again, whole and from any offset, and by any zstd") {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, frame_bytes - 1, frame_bytes, frame_bytes + 1, 5 * frame_bytes + 77}) {
        CAPTURE(size);
        const auto text = text_of(size);
        const auto bytes = packed(text);
        CHECK((unpacked(bytes, size) == text));
        const auto source = memory_source(bytes);
        CHECK((read_all(*unzstd_file(*source), all) == text));
        for (const std::size_t offset : {std::size_t{1}, frame_bytes - 1, frame_bytes, 3 * frame_bytes + 5, size})
            if (offset <= size) CHECK((unpacked(bytes, size, offset) == text.substr(offset)));
    }
}

TEST_CASE("a part is read from its frame on, not from the beginning") {
    const auto text = text_of(4 * frame_bytes);
    const auto bytes = packed(text);
    std::vector<std::uint64_t> opened;
    const auto open = [&](std::uint64_t from) {
        opened.push_back(from);
        return memory_source(bytes, from);
    };
    CHECK((read_all(*unpack_frames(open, bytes.size(), text.size(), 3 * frame_bytes + 1), all) ==
           text.substr(3 * frame_bytes + 1)));
    for (const auto from : opened) CHECK(from > bytes.size() / 2);
}

TEST_CASE("damaged frames never give other bytes, and another size is told") {
    const auto text = text_of(900);
    const auto whole = packed(text);
    const auto gives_others = [&](const std::string& bytes) {
        try {
            return unpacked(bytes, text.size()) != text;
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::corrupt);
            return false;
        }
    };
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bytes = whole;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        CAPTURE(bit);
        CHECK_FALSE(gives_others(bytes));
    }
    for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(gives_others(whole.substr(0, size)));
    CHECK_THROWS_AS(unpacked(whole, text.size() - 1), Error);
    CHECK_THROWS_AS(unpacked(whole, text.size() + 1), Error);
}

TEST_CASE("a table that is damaged or cut is no way to a part") {
    const auto text = text_of(2 * frame_bytes);
    const auto whole = packed(text);
    for (const std::size_t back : {std::size_t{1}, std::size_t{5}, std::size_t{9}}) {
        auto bytes = whole;
        bytes[bytes.size() - back] = static_cast<char>(bytes[bytes.size() - back] ^ 0x40);
        CHECK_THROWS_AS(unpacked(bytes, text.size(), frame_bytes), Error);
    }
    CHECK_THROWS_AS(unpacked(whole.substr(0, 10), text.size(), frame_bytes), Error);
}
