// SPDX-License-Identifier: Apache-2.0
#include "io/copy.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/error.hpp"

namespace vbackup::io {

namespace {

constexpr std::size_t block_size = std::size_t{1} << 20;

// What one copy has added to the tally; taken back unless `keep` was said.
class Share {
public:
    explicit Share(Tally& tally) : tally_(tally) {}
    ~Share() { take_back(); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    void add(std::uint64_t bytes) {
        tally_.bytes_done += bytes;
        added_ += bytes;
    }
    void take_back() {
        tally_.bytes_done -= added_;
        added_ = 0;
    }
    void keep() { added_ = 0; }

private:
    Tally& tally_;
    std::uint64_t added_ = 0;
};

// One run from a source to an optional sink.
class Run {
public:
    Run(Call& call, Source& source, Sink* sink, std::uint64_t before, Digest digest)
        : call_(call), source_(source), sink_(sink), share_(call.tally), digest_(std::move(digest)), total_(before) {
        share_.add(before);
    }

    Copied copy() {
        std::vector<std::byte> block(block_size);
        // Where the source begins is known once it has answered, which for a wire is with the first bytes.
        std::size_t filled = read(block);
        settle_beginning(filled);
        while (filled > 0) {
            // The block is filled whatever the source gives at a time, since big writes are fast ones.
            filled += fill(std::span(block).subspan(filled));
            pass(std::span(block).first(filled));
            filled = fill(block);
        }
        require_size();
        if (sink_ != nullptr) sink_->finish();
        share_.keep();
        return {total_, digest_.hex()};
    }

private:
    std::size_t read(std::span<std::byte> into) {
        call_.require_time();
        const std::size_t count = source_.read(into);
        share_.add(count);
        return count;
    }

    std::size_t fill(std::span<std::byte> into) {
        std::size_t filled = 0;
        while (filled < into.size()) {
            const std::size_t count = read(into.subspan(filled));
            if (count == 0) break;
            filled += count;
        }
        return filled;
    }

    void pass(std::span<const std::byte> bytes) {
        digest_.update(bytes);
        if (sink_ != nullptr) sink_->write(bytes);
        total_ += bytes.size();
    }

    void settle_beginning(std::size_t already_read) {
        const std::uint64_t offset = source_.offset();
        if (offset == total_) return;
        if (offset != 0) {
            throw Error(ErrorKind::not_understood,
                        fmt::format("asked for the bytes from {} on, got those from {} on", total_, offset));
        }
        if (sink_ != nullptr) sink_->rewind();
        digest_.reset();
        total_ = 0;
        share_.take_back();
        share_.add(already_read);
    }

    void require_size() const {
        const std::optional<std::uint64_t> expected = source_.size();
        if (!expected || *expected == total_) return;
        if (total_ < *expected) {
            throw Error(ErrorKind::unreachable, fmt::format("ended early: {} of {} bytes came", total_, *expected),
                        "run it again: what came is carried on where the server allows that");
        }
        throw Error(ErrorKind::not_understood, fmt::format("{} bytes came where {} were announced", total_, *expected),
                    "see whether it is being changed at this moment, then run it again");
    }

    Call& call_;
    Source& source_;
    Sink* sink_;
    Share share_;
    Digest digest_;
    std::uint64_t total_;
};

}  // namespace

Copied copy(Call& call, Source& source, Sink& sink, std::uint64_t before, Digest digest) {
    return Run(call, source, &sink, before, std::move(digest)).copy();
}

Copied drain(Call& call, Source& source) {
    return Run(call, source, nullptr, 0, {}).copy();
}

std::size_t HashingSource::read(std::span<std::byte> into) {
    const std::size_t count = inner_.read(into);
    digest_.update(into.first(count));
    passed_ += count;
    return count;
}

Copied HashingSource::copied() {
    return {passed_, digest_.hex()};
}

}  // namespace vbackup::io
