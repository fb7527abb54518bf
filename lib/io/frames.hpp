// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "io/stream.hpp"

namespace vbackup::io {

// Bytes compressed with zstd in frames that each hold 1 MiB of them (the last one less), with a table of the frames at the end, as the
// "zstd seekable format" has it (contrib/seekable_format in zstd's sources): any zstd unpacks the whole, and a part can be read from the
// frame in which it begins.
inline constexpr std::size_t frame_bytes = std::size_t{1} << 20;

// Packs what is written; `finish` ends the table and the inner sink, `rewind` rewinds both. `inner` outlives it. Memory: a few MiB,
// more with a high level, and 8 bytes a frame.
std::unique_ptr<Sink> pack_frames(Sink& inner, int level);

// Opens the packed bytes from an offset on.
using OpenPacked = std::function<std::unique_ptr<Source>(std::uint64_t offset)>;

// The bytes as they were, from `offset` on; `size` is how many they are in all, `packed_size` how many the packed ones. Throws what
// the opened sources throw, and Error{corrupt} for what is damaged, cut, or not of that size. From offset 0 it reads the packed bytes to their
// end, the table too.
std::unique_ptr<Source> unpack_frames(const OpenPacked& open, std::uint64_t packed_size, std::uint64_t size,
                                      std::uint64_t offset);

}  // namespace vbackup::io
