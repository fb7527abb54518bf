// SPDX-License-Identifier: Apache-2.0
// Any bytes are an archive, frames, records of keys, or are refused; what was read and put together again is the same.
#include "support/fuzz.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.hpp"
#include "io/archive.hpp"
#include "io/frames.hpp"
#include "io/key_records.hpp"
#include "io/raw_tar.hpp"
#include "io/sealed_zstd.hpp"
#include "io/tar.hpp"
#include "io/unpack.hpp"
#include "io/unzstd.hpp"
#include "io/zstd.hpp"
#include "support/fake_clock.hpp"
#include "support/text_sink.hpp"

using namespace vbackup;
using namespace vbackup::io;
using test::must;

namespace {

constexpr std::size_t most = std::size_t{64} << 20;

struct Fixture {
    test::FakeClock clock;
    Tally tally;
    Call call{clock, tally};
};

// The work is done, or refused by one of these kinds.
template <typename Work>
void done_or_refused(std::initializer_list<ErrorKind> kinds, const Work& work) {
    try {
        work();
    } catch (const Error& error) {
        must(std::find(kinds.begin(), kinds.end(), error.kind()) != kinds.end(),
             "it was refused by another kind of error: " + error.message());
        must(error.message().size() < 6000, "the error repeats too much");
    }
}

std::string tar_of(std::initializer_list<std::pair<std::string, std::string>> entries) {
    test::TextSink sink;
    TarWriter tar(sink);
    for (const auto& [name, data] : entries) {
        tar.begin(name, data.size(), Moment{});
        tar.write(std::as_bytes(std::span(data)));
    }
    tar.finish();
    return sink.text;
}

std::string sealed(const std::string& text) {
    test::TextSink sink;
    const auto zstd = zstd_sealed(sink, 1, 0);
    zstd->write(std::as_bytes(std::span(text)));
    zstd->finish();
    return sink.text;
}

std::string framed(const std::string& text) {
    test::TextSink sink;
    const auto packer = pack_frames(sink, 1);
    packer->write(std::as_bytes(std::span(text)));
    packer->finish();
    return sink.text;
}

std::vector<std::string> archives() {
    const auto plain =
        tar_of({{"b1/manifest.json", "{}"}, {"b1/data/" + std::string(200, 'x'), std::string(600, 'y')}, {"b1/e", ""}});
    return {plain, sealed(plain), read_all(*zstd(memory_source(plain)), most)};
}

void read_archive(Call& call, const std::string& bytes) {
    done_or_refused({ErrorKind::corrupt}, [&] {
        const auto source = memory_source(bytes);
        check_archive(call, *source);
    });
    done_or_refused({ErrorKind::corrupt, ErrorKind::not_understood}, [&] {
        const auto source = memory_source(bytes);
        read_entry(call, *source, "b1/manifest.json", 1000);
    });
    done_or_refused({ErrorKind::corrupt}, [&] {
        const auto source = memory_source(bytes);
        SealReader seal(*source);
        TarReader tar(call, seal);
        while (tar.next()) {
            std::uint64_t size = 0;
            must(tar.name().size() <= 4096, "a name is too long");
            tar.data([&](std::uint64_t, std::span<const std::byte> piece) { size += piece.size(); });
            must(!tar.is_file() || size <= tar.size(), "there are more data than was said");
        }
        tar.require_end();
        seal.require_seal();
    });
}

// Put together again out of its entries.
std::string relayed(const std::string& tar) {
    const auto source = memory_source(tar);
    RawTarReader reader(*source);
    std::string copy, part(1000, '\0');
    while (const auto* entry = reader.next()) {
        const auto size = entry->size;
        copy += entry->head;
        must(!tar_head(*entry, "segments/other").empty(), "it cannot be called otherwise");
        std::uint64_t read = 0;
        while (const auto count = reader.read(std::as_writable_bytes(std::span(part)))) {
            copy += part.substr(0, count);
            read += count;
        }
        must(read == size, "its data have another size than was said");
        copy += tar_padding(size);
    }
    return copy + tar_end();
}

void read_raw(const std::string& bytes) {
    done_or_refused({ErrorKind::corrupt}, [&] {
        const auto copy = relayed(bytes);
        must(relayed(copy) == copy, "put together again it reads otherwise");
    });
    done_or_refused({ErrorKind::corrupt}, [&] {
        const auto source = memory_source(bytes);
        std::uint64_t passed = 0;
        RawTarReader reader(
            *source, ErrorKind::corrupt, [&](std::uint64_t count) { passed += count; }, RawTarReader::End::open);
        while (const auto* entry = reader.next()) {
            must(entry->size < std::uint64_t{1} << 63U, "no file is that large");
            reader.text(1000);
        }
    });
}

void read_frames(const std::string& bytes) {
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{100}}) {
        done_or_refused({ErrorKind::corrupt}, [&] {
            const auto open = [&](std::uint64_t from) { return memory_source(bytes, from); };
            const auto text = read_all(*unpack_frames(open, bytes.size(), 900, offset), most);
            must(text.size() == 900 - offset, "it has another size than was said");
        });
    }
}

void read_packed(Call& call, const std::string& bytes) {
    done_or_refused({ErrorKind::corrupt}, [&] {
        const auto source = memory_source(bytes);
        Unpacker unpacker(call, *source);
        while (!unpacker.next().empty()) {
        }
        unpacker.require_end();
    });
    done_or_refused({ErrorKind::unreachable, ErrorKind::not_understood}, [&] {
        const auto source = unzstd(memory_source(bytes));
        std::vector<std::byte> block(10'000);
        while (source->read(block) != 0) {
        }
    });
}

std::string some_keys() {
    KeyWriter writer(1'795'247'220'000, "a sample");
    writer.add(0, "a", 0, "payload without a checksum");
    writer.begin_large(3, "large", 5, 20);
    writer.add_piece("half of it");
    writer.end_large(true);
    writer.add({"index", "idx", "FT.CREATE\nidx"});
    writer.count_vanished(3);
    writer.finish();
    std::string bytes(writer.size(), '\0');
    writer.take(std::as_writable_bytes(std::span(bytes)));
    return bytes;
}

void read_keys(Call& call, const std::string& bytes) {
    done_or_refused({ErrorKind::corrupt, ErrorKind::refused}, [&] {
        const auto source = memory_source(bytes);
        KeyReader reader(*source);
        while (reader.next() != KeyReader::Item::end) {
        }
        KeyCounts all;
        for (const auto& [database, counts] : reader.summary().databases) all.add(counts);
        all.alive(reader.summary().begun, reader.summary().begun + 5000);
    });
    done_or_refused({ErrorKind::corrupt, ErrorKind::refused}, [&] {
        const auto source = memory_source(bytes);
        check_keys(call, *source);
    });
    done_or_refused({ErrorKind::corrupt, ErrorKind::refused}, [&] {
        const auto source = memory_source(bytes);
        count_keys(call, *source, {{0, 1}});
    });
    payload_version(bytes);
    payload_problem(bytes);
}

// A tar whose checksums hold although it was changed, so that what lies behind them is read.
std::string with_sums(std::string tar) {
    for (std::size_t at = 0; at + 512 <= tar.size(); at += 512) {
        if (std::string_view(tar).substr(at + 257, 5) != "ustar") continue;
        std::fill_n(tar.begin() + static_cast<std::ptrdiff_t>(at) + 148, 8, ' ');
        unsigned sum = 0;
        for (const char c : tar.substr(at, 512)) sum += static_cast<unsigned char>(c);
        std::string digits(6, '0');
        for (auto place = digits.rbegin(); sum > 0; sum /= 8) *place++ = static_cast<char>('0' + sum % 8);
        tar.replace(at + 148, 8, digits + '\0' + ' ');
    }
    return tar;
}

const std::vector<std::string> numbers{"00000000000",
                                       "77777777777",
                                       "00000001000",
                                       std::string(12, '\xFF'),
                                       std::string("\x80\0\0\0", 4),
                                       std::string("\x80\0\0\0\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 12),
                                       std::string(512, '\0'),
                                       std::string("ustar\0"
                                                   "00",
                                                   8),
                                       "ustar  ",
                                       "././@LongLink",
                                       "\xFD\x2F\xB5\x28",
                                       "\x1F\x8B\x08"};

}  // namespace

TEST_CASE("fuzz: archives") {
    Fixture fixture;
    const test::Fuzz about{.corpus = "archive",
                           .words = numbers,
                           .nests = {{"", std::string(512, '\0'), "", ""}},
                           .more = archives(),
                           .rounds = 500};
    CHECK(test::fuzz(about, [&](const std::string& bytes) { read_archive(fixture.call, bytes); }) == "");
}

TEST_CASE("fuzz: tars as they lie there") {
    const test::Fuzz about{.corpus = "tar", .words = numbers, .more = archives(), .rounds = 1500};
    const auto wrong = test::fuzz(about, [](const std::string& bytes) {
        read_raw(bytes);
        read_raw(with_sums(bytes));
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: zstd and its frames") {
    Fixture fixture;
    std::string text(900, 'x');
    for (std::size_t i = 0; i < text.size(); i += 3) text[i] = static_cast<char>(i);
    const test::Fuzz about{.corpus = "zstd", .words = numbers, .more = {framed(text), sealed(text)}, .rounds = 1500};
    const auto wrong = test::fuzz(about, [&](const std::string& bytes) {
        read_frames(bytes);
        read_packed(fixture.call, bytes);
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: records of keys") {
    Fixture fixture;
    const auto keys = some_keys();
    const test::Fuzz about{.corpus = "keys",
                           .words = {"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
                                     std::string(3, '\0')},
                           .more = {keys, sealed(keys)},
                           .rounds = 1500};
    CHECK(test::fuzz(about, [&](const std::string& bytes) { read_keys(fixture.call, bytes); }) == "");
}
