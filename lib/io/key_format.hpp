// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// The marks of the file that io/key_records.hpp speaks of.
namespace vbackup::io::key_format {

inline constexpr std::string_view magic{"vbkeys\r\n", 8};
inline constexpr std::uint64_t version = 1;
inline constexpr char record = 'K', large_record = 'L', definition = 'D', trailer = 'E';
// What DUMP puts behind a value: two bytes of a version and eight of a checksum.
inline constexpr std::size_t payload_end = 10;
inline constexpr char good = 'g', void_record = 'v';

}  // namespace vbackup::io::key_format
