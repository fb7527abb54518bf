// SPDX-License-Identifier: Apache-2.0
#include "backup/kept.hpp"

#include <fmt/format.h>

#include "backup/fetch.hpp"
#include "base/error.hpp"
#include "io/frames.hpp"
#include "store/catalog.hpp"

namespace vbackup::backup {

std::unique_ptr<io::Source> open_kept(store::Store& store, const std::string& id, const model::File& file,
                                      std::uint64_t offset) {
    const auto name = store::file_name(id, file.name);
    if (file.packing.empty()) return store.open(name, offset);
    if (file.packing != zstd_packing)
        throw Error(ErrorKind::refused,
                    fmt::format("{} is packed with {}, which is not known", file.name, file.packing),
                    "use a newer vbackup");
    const auto open = [&](std::uint64_t from) {
        auto packed = store.open(name, from);
        return from == 0 ? checked(std::move(packed), file.stored_sha256, file.name) : std::move(packed);
    };
    return io::unpack_frames(open, stored_size(file), file.size.value_or(0), offset);
}

std::uint64_t stored_size(const model::File& file) {
    return file.packing.empty() ? file.size.value_or(0) : file.stored_size.value_or(0);
}

}  // namespace vbackup::backup
