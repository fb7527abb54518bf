// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/call.hpp"
#include "io/stream.hpp"

namespace vbackup::io {

// The bytes of a source as they were before compression with gzip or zstd, or as they are. Every function throws what the
// source throws, and Error{corrupt} for compressed data that is damaged or cut. Reads the source to its end. Memory: one
// block, besides what the compressor's window needs. One thread at a time.
class Unpacker {
public:
    Unpacker(Call& call, Source& source);
    ~Unpacker();
    Unpacker(const Unpacker&) = delete;
    Unpacker& operator=(const Unpacker&) = delete;

    // The next bytes, valid until the next call; empty at the end.
    std::span<const std::byte> next();
    // To be called at the end: compares the checksum and length that end a gzip file, which libarchive 3.6 does not. Only
    // files of one gzip member pass, which is what databases write. zstd's checksum libzstd has compared, where it is there.
    void require_end() const;

    std::uint64_t total() const;         // bytes that `next` has given
    std::uint64_t last_nonzero() const;  // where the last byte that is not zero ends, 0 for none

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace vbackup::io
