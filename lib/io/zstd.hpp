// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "io/stream.hpp"

namespace vbackup::io {

// The bytes of a source, compressed with zstd as one frame that ends with a checksum. It begins at offset 0, and its size
// is not known. Compression has a thread of libzstd's own where the library was built with threads, so that the calling
// one only reads the source. Throws what the source throws. Memory: about 8 MiB at level 1.
std::unique_ptr<Source> zstd(std::unique_ptr<Source> source, int level = 1);

// The other way, for files of ours: what `unzstd` (io/unzstd.hpp) does for a wire, but what is damaged or cut is
// Error{corrupt}. `source` outlives it.
std::unique_ptr<Source> unzstd_file(Source& source);

}  // namespace vbackup::io
