// SPDX-License-Identifier: Apache-2.0
#include "io/seen_keys.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace vbackup::io {

namespace {

constexpr std::uint64_t most_lines = (std::uint64_t{16} << 20) / 64;

std::uint64_t mixed(std::uint64_t value) {
    value ^= value >> 32;
    value *= 0xD6E8FEB86659FD93;
    value ^= value >> 32;
    value *= 0xD6E8FEB86659FD93;
    return value ^ value >> 32;
}

}  // namespace

// Eight bytes at a time. Nobody gains by collisions here: they only make a count less exact.
std::uint64_t SeenKeys::hash(std::string_view key) {
    auto value = mixed(0x9E3779B97F4A7C15 ^ key.size());
    for (; key.size() >= 8; key.remove_prefix(8)) {
        std::uint64_t word = 0;
        std::memcpy(&word, key.data(), sizeof word);
        value = mixed(value ^ word) + 0x9E3779B97F4A7C15;
    }
    std::uint64_t word = 0;
    std::memcpy(&word, key.data(), key.size());
    return mixed(value ^ word);
}

// One line of 512 bits for eight keys.
SeenKeys::SeenKeys(std::uint64_t keys)
    : lines_(static_cast<std::size_t>(std::bit_ceil(std::clamp<std::uint64_t>(keys / 8, 64, most_lines)))) {}

bool SeenKeys::note(std::string_view key) {
    const auto number = hash(key);
    auto& line = lines_[static_cast<std::size_t>(number & (lines_.size() - 1))];
    // One bit in each of the line's eight words.
    auto bits = mixed(number);
    bool seen = true;
    for (auto& word : line.words) {
        const auto bit = std::uint64_t{1} << (bits & 63);
        seen = seen && (word & bit) != 0;
        word |= bit;
        bits >>= 6;
    }
    return seen;
}

}  // namespace vbackup::io
