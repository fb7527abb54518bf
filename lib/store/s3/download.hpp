// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "io/stream.hpp"
#include "store/s3/bucket.hpp"

namespace vbackup::store::s3 {

// An object from `offset` on. Broken lines are mended: the rest is asked for by range, of the very same object (If-Match).
// Throws Error{not_found} for none; while it is read Error{conflict} when it was replaced meanwhile.
std::unique_ptr<io::Source> open_object(std::shared_ptr<Bucket> bucket, std::string key, std::uint64_t offset);

}  // namespace vbackup::store::s3
