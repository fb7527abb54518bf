// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/stream.hpp"
#include "model/manifest.hpp"
#include "store/store.hpp"

namespace vbackup::backup {

// The files of a backup as they lie in a store, packed or as they are. Whoever reads or writes their bytes does it here.

// What a manifest calls the packing of io/frames.hpp.
inline constexpr std::string_view zstd_packing = "zstd";

// The bytes as the server gave them, from `offset` on. Error{not_found} for none, Error{corrupt} where packed ones are damaged: at
// the end of a whole reading each of their bits has been compared, but the bytes as the server gave them are compared by whoever
// reads them. Error{refused} for a packing that this vbackup does not know. `store` outlives it.
std::unique_ptr<io::Source> open_kept(store::Store& store, const std::string& id, const model::File& file,
                                      std::uint64_t offset = 0);
// How many bytes it takes in the store by its manifest.
std::uint64_t stored_size(const model::File& file);

}  // namespace vbackup::backup
