// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/call.hpp"

namespace vbackup::io {

// Bytes that come from somewhere. One thread at a time.
class Source {
public:
    virtual ~Source() = default;
    // Reads at least one byte unless the end was reached, which is 0. Throws Error: unreachable when the line broke,
    // storage when a disk failed, and what the other side answered. A body shorter than announced is unreachable, never an end.
    virtual std::size_t read(std::span<std::byte> into) = 0;
    // The whole length in bytes, counted from offset 0, where it is known.
    virtual std::optional<std::uint64_t> size() const = 0;
    // Where the first byte of the first read lies: the offset that was asked, or 0 when the other side could only
    // begin anew. Whoever asked for another offset must rewind sink and digest.
    virtual std::uint64_t offset() const { return 0; }
};

// Bytes that go somewhere and are there only after `finish`. One thread at a time. Destroying it without `finish` leaves
// no visible file (a store that can resume keeps the partial one).
class Sink {
public:
    virtual ~Sink() = default;
    virtual void write(std::span<const std::byte> bytes) = 0;
    // Makes everything durable and visible. Throws Error{storage}; nothing is visible then.
    virtual void finish() = 0;
    // Back to the beginning, forgetting what was written.
    virtual void rewind() = 0;
};

// A source over bytes in memory.
std::unique_ptr<Source> memory_source(std::string bytes, std::uint64_t offset = 0);
// All of a source, which must not be longer than `most`: Error{not_understood} then.
std::string read_all(Source& source, std::size_t most);

}  // namespace vbackup::io
