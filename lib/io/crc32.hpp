// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vbackup::io {

// The CRC-32 of gzip (RFC 1952, section 8: reflected polynomial 0xEDB88320), computed while bytes pass.
class Crc32 {
public:
    void update(std::span<const std::byte> bytes);
    std::uint32_t value() const { return ~state_; }

private:
    std::uint32_t state_ = ~std::uint32_t{0};
};

}  // namespace vbackup::io
