// SPDX-License-Identifier: Apache-2.0
#include "io/crc32.hpp"

#include <array>

namespace vbackup::io {

namespace {

using Table = std::array<std::uint32_t, 256>;

// tables[k][b] is the effect of byte b when k more zero bytes follow it, so that eight bytes take eight look-ups that do
// not wait for each other.
constexpr std::array<Table, 8> make_tables() {
    std::array<Table, 8> tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
        tables[0][byte] = value;
    }
    for (std::size_t k = 1; k < 8; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t previous = tables[k - 1][byte];
            tables[k][byte] = previous >> 8 ^ tables[0][previous & 0xFF];
        }
    }
    return tables;
}

constexpr std::array<Table, 8> tables = make_tables();

std::uint32_t byte_at(std::span<const std::byte> bytes, std::size_t at) {
    return std::to_integer<std::uint32_t>(bytes[at]);
}

}  // namespace

void Crc32::update(std::span<const std::byte> bytes) {
    std::uint32_t state = state_;
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
        const std::uint32_t low =
            state ^ (byte_at(bytes, 0) | byte_at(bytes, 1) << 8 | byte_at(bytes, 2) << 16 | byte_at(bytes, 3) << 24);
        state = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^
                tables[4][low >> 24] ^ tables[3][byte_at(bytes, 4)] ^ tables[2][byte_at(bytes, 5)] ^
                tables[1][byte_at(bytes, 6)] ^ tables[0][byte_at(bytes, 7)];
    }
    for (const std::byte byte : bytes) {
        state = state >> 8 ^ tables[0][(state ^ std::to_integer<std::uint32_t>(byte)) & 0xFF];
    }
    state_ = state;
}

}  // namespace vbackup::io
