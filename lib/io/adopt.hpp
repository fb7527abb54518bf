// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace vbackup::io {

// Gives a file or folder the owner, the group and the permissions of the folder it lies in (a file without those to execute),
// as far as this user may: so that a server can read what is put into its own folder. Never throws; what is not there, or
// is not ours to change, stays as it is.
void adopt(const std::filesystem::path& path) noexcept;

}  // namespace vbackup::io
