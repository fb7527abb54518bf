// SPDX-License-Identifier: Apache-2.0
#include "io/raw_tar.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace vbackup::io {

namespace {

// Where the fields of a header lie (GNU tar's manual, "Basic Tar Format" and "Old GNU Format").
constexpr std::size_t block_size = 512;
constexpr std::size_t name_length = 100, size_at = 124, size_length = 12, sum_at = 148, sum_length = 8, kind_at = 156;
constexpr std::size_t sparse_more_at = 482, map_more_at = 504;
constexpr std::size_t most_of_a_name = 65'536;
// With what fills its last block it must not pass the largest number.
constexpr std::uint64_t most_of_a_file = std::uint64_t{1} << 62U;

using Block = std::array<std::byte, block_size>;

std::string_view text_of(const Block& block) {
    return {reinterpret_cast<const char*>(block.data()), block.size()};
}

std::string_view field(std::string_view block, std::size_t at, std::size_t length) {
    const auto all = block.substr(at, length);
    return all.substr(0, all.find('\0'));
}

[[noreturn]] void throw_damaged(const std::string& what) {
    throw Error(ErrorKind::corrupt, "the archive is damaged: " + what,
                "the file is not what was written: bring it home again, or make a new backup");
}

// Octal digits, or a big-endian number whose first bit is set.
std::uint64_t number(std::string_view digits) {
    std::uint64_t value = 0;
    if (!digits.empty() && (static_cast<unsigned char>(digits.front()) & 0x80U) != 0) {
        for (const char c : digits.substr(digits.size() - 8)) value = (value << 8U) | static_cast<unsigned char>(c);
        return value;
    }
    for (const char c : digits) {
        if (c == ' ') continue;
        if (c == '\0') break;
        if (c < '0' || c > '7') throw_damaged("a number in a header is none");
        value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

// The checksum counts itself as spaces.
std::uint64_t sum_of(std::string_view header) {
    const auto add = [](std::uint64_t sum, char c) { return sum + static_cast<unsigned char>(c); };
    const auto own = header.substr(sum_at, sum_length);
    return std::accumulate(header.begin(), header.end(), std::uint64_t{0}, add) -
           std::accumulate(own.begin(), own.end(), std::uint64_t{0}, add) + sum_length * std::uint64_t{' '};
}

std::uint64_t padding_of(std::uint64_t size) {
    return (block_size - size % block_size) % block_size;
}

void set_field(std::string& header, std::size_t at, std::size_t length, std::string value) {
    value.resize(length, '\0');
    header.replace(at, length, value);
}

void set_sum(std::string& header) {
    header.replace(sum_at, sum_length, fmt::format("{:06o}", sum_of(header)) + '\0' + ' ');
}

// The entry that carries a name too long for a header.
std::string long_name_entry(const std::string& name) {
    std::string header(block_size, '\0');
    set_field(header, 0, name_length, "././@LongLink");
    set_field(header, 100, 8, "0000644");
    set_field(header, 108, 8, "0000000");
    set_field(header, 116, 8, "0000000");
    set_field(header, size_at, size_length, fmt::format("{:011o}", name.size() + 1));
    set_field(header, 136, size_length, "00000000000");
    header[kind_at] = 'L';
    header.replace(257, 8, std::string("ustar  \0", 8));
    set_sum(header);
    return header + name + '\0' + tar_padding(name.size() + 1);
}

}  // namespace

RawTarReader::RawTarReader(Source& source, ErrorKind cut, Skip skip, End end)
    : source_(source), cut_(cut), skip_(std::move(skip)), end_(end) {}

void RawTarReader::throw_cut() const {
    throw Error(cut_, "the archive is cut short: the two zero blocks that end a tar are missing",
                "what came is not whole: run the same command again");
}

// False when the source has ended before the first byte.
bool RawTarReader::read_block(std::span<std::byte> block) {
    std::size_t have = 0;
    while (have < block.size()) {
        const auto count = source_.read(block.subspan(have));
        if (count == 0 && have == 0) return false;
        if (count == 0) throw_cut();
        have += count;
    }
    return true;
}

void RawTarReader::require_block(std::span<std::byte> block) {
    if (!read_block(block)) throw_cut();
}

void RawTarReader::pass(std::uint64_t bytes) {
    if (skip_ && bytes > 0) return skip_(bytes);
    std::array<std::byte, 16 * block_size> scratch{};
    while (bytes > 0) {
        const auto count = source_.read(
            std::span(scratch).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, scratch.size()))));
        if (count == 0) throw_cut();
        bytes -= count;
    }
}

void RawTarReader::read_long_name() {
    if (left_ == 0 || left_ > most_of_a_name) throw_damaged("the name of an entry has no good length");
    std::string name(static_cast<std::size_t>(left_ + padding_), '\0');
    require_block(std::as_writable_bytes(std::span(name)));
    entry_.head += name;
    name.resize(static_cast<std::size_t>(left_));
    long_name_ = name.substr(0, name.find('\0'));
    left_ = padding_ = 0;
}

void RawTarReader::read_sparse_maps() {
    bool more = entry_.head[entry_.head.size() - block_size + sparse_more_at] != '\0';
    while (more) {
        Block block{};
        require_block(block);
        entry_.head += text_of(block);
        more = text_of(block)[map_more_at] != '\0';
    }
}

const TarEntry* RawTarReader::next() {
    pass(left_ + padding_);
    left_ = padding_ = 0;
    entry_ = {};
    long_name_.clear();
    for (;;) {
        Block block{};
        if (!read_block(block)) {
            if (end_ == End::open && entry_.head.empty()) return nullptr;
            throw_cut();
        }
        const auto header = text_of(block);
        if (header.find_first_not_of('\0') == std::string_view::npos) {
            if (!entry_.head.empty()) throw_damaged("a long name belongs to no entry");
            require_block(block);
            if (text_of(block).find_first_not_of('\0') != std::string_view::npos)
                throw_damaged("something follows its end");
            while (read_block(block)) {
                if (text_of(block).find_first_not_of('\0') != std::string_view::npos)
                    throw_damaged("something follows its end");
            }
            return nullptr;
        }
        if (number(header.substr(sum_at, sum_length)) != sum_of(header))
            throw_damaged("the checksum of a header differs");
        entry_.head += header;
        left_ = entry_.size = number(header.substr(size_at, size_length));
        if (entry_.size > most_of_a_file) throw_damaged("the size of an entry is none");
        padding_ = padding_of(left_);
        entry_.kind = header[kind_at] == '\0' ? '0' : header[kind_at];
        if (entry_.kind == 'L') {
            read_long_name();
            continue;
        }
        if (entry_.kind != '0' && entry_.kind != '5' && entry_.kind != 'S')
            throw_damaged(fmt::format("an entry is of kind {:#x}", static_cast<unsigned char>(entry_.kind)));
        if (entry_.kind == 'S') read_sparse_maps();
        entry_.name = long_name_.empty() ? std::string(field(header, 0, name_length)) : long_name_;
        return &entry_;
    }
}

std::size_t RawTarReader::read(std::span<std::byte> into) {
    if (left_ == 0 || into.empty()) return 0;
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(left_, into.size()));
    const auto count = source_.read(into.first(most));
    if (count == 0) throw_cut();
    left_ -= count;
    return count;
}

void RawTarReader::skip(std::uint64_t bytes) {
    if (bytes > left_) throw_cut();
    left_ -= bytes;
    pass(bytes);
}

std::optional<std::string> RawTarReader::text(std::size_t most) {
    if (entry_.kind != '0' || left_ != entry_.size || left_ > most) return std::nullopt;
    std::string text(static_cast<std::size_t>(left_), '\0');
    const auto bytes = std::as_writable_bytes(std::span(text));
    for (std::size_t have = 0; have < text.size();) have += read(bytes.subspan(have));
    return text;
}

std::string tar_padding(std::uint64_t size) {
    return std::string(static_cast<std::size_t>(padding_of(size)), '\0');
}

std::string tar_end() {
    return std::string(2 * block_size, '\0');
}

std::string tar_head(const TarEntry& entry, const std::string& name) {
    // A long name of its own comes before the header, in a header and blocks of text.
    auto head = entry.head;
    if (head[kind_at] == 'L') {
        const auto size = number(std::string_view(head).substr(size_at, size_length));
        head.erase(0, static_cast<std::size_t>(block_size + size + padding_of(size)));
    }
    auto header = head.substr(0, block_size);
    set_field(header, 0, name_length, name.substr(0, name_length));
    set_sum(header);
    head.replace(0, block_size, header);
    return name.size() > name_length ? long_name_entry(name) + head : head;
}

}  // namespace vbackup::io
