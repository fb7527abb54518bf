// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/error.hpp"
#include "io/stream.hpp"

namespace vbackup::io {

// One entry of a tar as it lies there.
struct TarEntry {
    std::string name;
    char kind = '0';         // '0' a file, '5' a folder, 'S' a sparse file as GNU tar writes it
    std::uint64_t size = 0;  // bytes of data that follow; those of a sparse file without its holes
    std::string head;        // its header blocks, byte for byte: long name, header, further maps of a sparse file
};

// Reads a tar entry by entry without unpacking it, so that entries can be put into another one as they are: libarchive
// would write a sparse file with all of its holes. Knows what Qdrant's server writes (the tar crate: old GNU format with long
// names, sparse files and sizes in base 256). One thread at a time.
class RawTarReader {
public:
    // Steps over bytes of the source; without it they are read.
    using Skip = std::function<void(std::uint64_t bytes)>;

    // The segments' own tars in a Qdrant snapshot have no zero blocks at their end (seen): where they lie tells how long they are.
    enum class End : bool { open, marked };

    // `cut` is the kind of error for a tar that ends before its two zero blocks, or, with an open end, within an entry.
    explicit RawTarReader(Source& source, ErrorKind cut = ErrorKind::corrupt, Skip skip = {}, End end = End::marked);

    // The next entry, valid until the next call; what is left of the one before is stepped over. Null behind the last one,
    // once its end was there. Error{corrupt} for what is no tar of that format.
    const TarEntry* next();
    // Data of the entry; 0 at its end.
    std::size_t read(std::span<std::byte> into);
    void skip(std::uint64_t bytes);
    // All of it. Empty when it is longer than `most` or sparse.
    std::optional<std::string> text(std::size_t most);

private:
    bool read_block(std::span<std::byte> block);
    void require_block(std::span<std::byte> block);
    void pass(std::uint64_t bytes);
    void read_long_name();
    void read_sparse_maps();
    [[noreturn]] void throw_cut() const;

    Source& source_;
    ErrorKind cut_;
    Skip skip_;
    End end_;
    TarEntry entry_;
    std::string long_name_;
    std::uint64_t left_ = 0;     // data of the entry that was not read yet
    std::uint64_t padding_ = 0;  // behind it
};

// The zeros that fill the last block of so many bytes of data.
std::string tar_padding(std::uint64_t size);
// What ends a tar.
std::string tar_end();
// The header blocks of an entry under another name.
std::string tar_head(const TarEntry& entry, const std::string& name);

}  // namespace vbackup::io
