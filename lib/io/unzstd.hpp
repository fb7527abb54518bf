// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "io/stream.hpp"

namespace vbackup::io {

// The bytes of a source that a server compressed with zstd on the way (RFC 8878: frames one after another), as they were
// before. It begins at offset 0, and its size is not known. Throws what the source throws, Error{unreachable} when the
// source ends within a frame, and Error{not_understood} for what is not zstd or needs a window of more than 8 MiB, which
// RFC 9659 forbids on the wire. Memory: 128 KiB and that window.
std::unique_ptr<Source> unzstd(std::unique_ptr<Source> source);

}  // namespace vbackup::io
