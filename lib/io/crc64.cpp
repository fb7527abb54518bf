// SPDX-License-Identifier: Apache-2.0
#include "io/crc64.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace vbackup::io {

namespace {

// 0xAD93D23594C935A9 with its bits in the other order.
constexpr std::uint64_t polynomial = 0x95AC9329AC4BC9B5;

using Tables = std::array<std::array<std::uint64_t, 256>, 8>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint64_t byte = 0; byte < 256; ++byte) {
        auto value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? value >> 1 ^ polynomial : value >> 1;
        tables[0][byte] = value;
    }
    for (std::size_t n = 1; n < tables.size(); ++n)
        for (std::size_t byte = 0; byte < 256; ++byte)
            tables[n][byte] = tables[n - 1][byte] >> 8 ^ tables[0][tables[n - 1][byte] & 0xFF];
    return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

void Crc64::update(std::span<const std::byte> bytes) {
    auto state = state_;
    if constexpr (std::endian::native == std::endian::little) {
        for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data(), sizeof word);
            word ^= state;
            state = 0;
            for (std::size_t n = 0; n < 8; ++n) state ^= tables[7 - n][word >> (8 * n) & 0xFF];
        }
    }
    for (const auto byte : bytes) state = state >> 8 ^ tables[0][(state ^ std::to_integer<std::uint64_t>(byte)) & 0xFF];
    state_ = state;
}

}  // namespace vbackup::io
