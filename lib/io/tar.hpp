// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/call.hpp"
#include "base/clock.hpp"
#include "io/stream.hpp"

namespace vbackup::io {

// Reads a tar entry by entry from bytes that are plain or compressed with gzip or zstd. Every function throws what the source
// throws, and Error{corrupt} for what is no tar, is damaged or cut. One thread; memory is bounded whatever the size.
class TarReader {
public:
    // `source` and what `call` refers to outlive it.
    TarReader(Call& call, Source& source);
    ~TarReader();
    TarReader(const TarReader&) = delete;
    TarReader& operator=(const TarReader&) = delete;

    // On to the next entry; false at the end.
    bool next();
    std::string name() const;  // UTF-8 where the tar says so; at most 4096 bytes of it
    std::uint64_t size() const;
    // A file with bytes of its own: no folder, no link of either kind, no device.
    bool is_file() const;
    // Hands out the entry's data in pieces, in order; the holes of a sparse entry are left out.
    void data(const std::function<void(std::uint64_t offset, std::span<const std::byte>)>& take);
    // To be called after the last entry: the two zero blocks that end a tar must be there, and nothing else behind them.
    void require_end();

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Writes a tar of files to a sink, which outlives it: ustar, with a pax header where a name or size needs one. Owner 0, mode
// 0600, so that the same files make the same bytes. Throws what the sink throws, Error{failed} when an entry is given another number
// of bytes than was said. One thread.
class TarWriter {
public:
    explicit TarWriter(Sink& sink);
    ~TarWriter();
    TarWriter(const TarWriter&) = delete;
    TarWriter& operator=(const TarWriter&) = delete;

    void begin(const std::string& name, std::uint64_t size, Moment changed);
    void write(std::span<const std::byte> bytes);
    // Ends the tar, not the sink.
    void finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace vbackup::io
