// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/stream.hpp"

namespace vbackup::io {

struct ArchiveContents {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;         // of all entries, unpacked
    std::vector<std::string> names;  // of the first 10,000
};

// Opens an archive (tar, also GNU sparse, plain or compressed with gzip or zstd) and reads every entry to its end.
// Throws Error{corrupt} when it is no archive, is cut anywhere (between two entries too: the two zero blocks that end a
// tar must be there), or an entry's data is damaged. Memory is bounded whatever the size. `see` is told every entry's name.
ArchiveContents check_archive(Call& call, Source& source, const std::function<void(const std::string& name)>& see = {});

// The bytes of the one entry `name`, at most `most`; empty optional when there is none.
std::optional<std::string> read_entry(Call& call, Source& source, const std::string& name, std::size_t most);

}  // namespace vbackup::io
