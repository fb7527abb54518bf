// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "io/digest.hpp"
#include "io/stream.hpp"

namespace vbackup::io {

// Compressed bytes in which not one bit can change unseen. zstd's own checksum covers what comes out, and a decoder steps over some
// bits of its headers; so a seal ends the bytes: a skippable frame (RFC 8878, 3.1.2, magic number 0x184D2A5B), which every zstd passes over,
// with "vbackup1" and the SHA-256 of all before it.

// Compresses with zstd, on `threads` threads (0: none but the caller's) where the library has them, as one frame with a checksum, and
// seals it. `finish` finishes the inner sink too; `rewind` is not to be called. `inner` outlives it. Memory: about 8 MiB a thread at
// level 3.
std::unique_ptr<Sink> zstd_sealed(Sink& inner, int level, unsigned threads);

// Passes another source on and looks for the seal at its end. `inner` outlives it.
class SealReader final : public Source {
public:
    explicit SealReader(Source& inner) : inner_(inner) {}

    std::size_t read(std::span<std::byte> into) override;
    std::optional<std::uint64_t> size() const override { return inner_.size(); }
    std::uint64_t offset() const override { return inner_.offset(); }
    // To be called after the last read: Error{corrupt} when what passed was zstd and no seal of it came at the end. What was not zstd has none.
    void require_seal();

private:
    Source& inner_;
    Digest digest_;
    std::string begin_;  // the first bytes, which tell zstd
    std::string held_;   // the last bytes, which may be the seal
};

}  // namespace vbackup::io
