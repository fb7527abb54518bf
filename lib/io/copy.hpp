// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "io/digest.hpp"
#include "io/stream.hpp"

namespace vbackup::io {

struct Copied {
    std::uint64_t size = 0;
    std::string sha256;
};

// Copies all of `source` to `sink` with its digest and finishes the sink. The tally's `bytes_done` grows with it, and in
// the end by `Copied::size`: what lay there `before` counts, a rewind takes back, and so does an error.
// `before` and `digest` describe what already lies in the sink when a partial file is carried on. When the source began
// at another offset than `before`, sink and digest are rewound if it began at 0, and Error{not_understood} otherwise.
// Error{unreachable} when the source ended before the size it announced; the sink then stays unfinished.
// Checks time before each piece that is read. What came before an error is written, so that a rerun carries on behind it.
// Source and sink are used by the calling thread only. Memory: 1 MiB in four blocks, and a thread that hashes them.
Copied copy(Call& call, Source& source, Sink& sink, std::uint64_t before = 0, Digest digest = {});

// Reads to the end without keeping anything.
Copied drain(Call& call, Source& source);

// Passes another source on, at the call's rate: for bytes that no wire carries (from a mounted place, or to one), since
// net counts its own. Without a rate it is the source itself. What `call` refers to must outlive it.
std::unique_ptr<Source> paced(const Call& call, std::unique_ptr<Source> source);

// Passes another source on and hashes what passes, so that one reading serves two checks (check_archive reads to the
// end of its source). `inner` outlives it.
class HashingSource final : public Source {
public:
    explicit HashingSource(Source& inner) : inner_(inner) {}

    std::size_t read(std::span<std::byte> into) override;
    std::optional<std::uint64_t> size() const override { return inner_.size(); }
    std::uint64_t offset() const override { return inner_.offset(); }
    // Of what has passed; once, after the last read.
    Copied copied();

private:
    Source& inner_;
    Digest digest_;
    std::uint64_t passed_ = 0;
};

}  // namespace vbackup::io
