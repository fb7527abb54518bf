// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "io/files.hpp"
#include "store/names.hpp"
#include "store/store.hpp"

namespace vbackup::store {

// A directory as a store whose names become paths as `naming` says. A relative path counts from the current folder now,
// not when it is used.
std::unique_ptr<Store> open_folder(const std::filesystem::path& path, Naming naming, const io::FileSystem& files);

}  // namespace vbackup::store
