// SPDX-License-Identifier: Apache-2.0
#include "io/copy.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/error.hpp"
#include "io/hashed_blocks.hpp"

namespace vbackup::io {

namespace {

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

// One run from a source to an optional sink. Hashing is as much work as receiving and writing together, so it has a thread
// of its own; source and sink are used by the calling one only.
class Run {
public:
    Run(Call& call, Source& source, Sink* sink, std::uint64_t before, Digest digest)
        : call_(call), source_(source), sink_(sink), share_(call.tally), blocks_(std::move(digest)), total_(before) {
        share_.add(before);
    }

    Copied copy() {
        // Where the source begins is known once it has answered, which for a wire is with the first bytes.
        std::span<std::byte> block = blocks_.next();
        std::size_t filled = read(block);
        settle_beginning(filled);
        for (bool more = filled > 0; more; filled = 0) {
            // The block is filled whatever the source gives at a time, since big writes are fast ones.
            more = fill(block, filled);
            if (filled > 0) pass(block.first(filled));
            if (more) block = blocks_.next();
        }
        require_size();
        std::string sha256 = blocks_.hex();
        if (sink_ != nullptr) sink_->finish();
        share_.keep();
        return {total_, std::move(sha256)};
    }

private:
    std::size_t read(std::span<std::byte> into) {
        call_.require_time();
        const std::size_t count = source_.read(into);
        share_.add(count);
        return count;
    }

    // False at the end of the source. What came before an error is written, so that a rerun carries on behind it.
    bool fill(std::span<std::byte> block, std::size_t& filled) {
        try {
            while (filled < block.size()) {
                const std::size_t count = read(block.subspan(filled));
                if (count == 0) return false;
                filled += count;
            }
            return true;
        } catch (...) {
            if (sink_ != nullptr && filled > 0) sink_->write(block.first(filled));
            throw;
        }
    }

    void pass(std::span<const std::byte> bytes) {
        blocks_.give(bytes.size());
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
        blocks_.reset();
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
    HashedBlocks blocks_;
    std::uint64_t total_;
};

class PacedSource final : public Source {
public:
    PacedSource(const Call& call, std::unique_ptr<Source> inner) : call_(call), inner_(std::move(inner)) {}

    std::size_t read(std::span<std::byte> into) override {
        const std::size_t count = inner_->read(into.first(call_.piece(into.size())));
        call_.moved(count);
        return count;
    }
    std::optional<std::uint64_t> size() const override { return inner_->size(); }
    std::uint64_t offset() const override { return inner_->offset(); }

private:
    Call call_;
    std::unique_ptr<Source> inner_;
};

}  // namespace

Copied copy(Call& call, Source& source, Sink& sink, std::uint64_t before, Digest digest) {
    return Run(call, source, &sink, before, std::move(digest)).copy();
}

Copied drain(Call& call, Source& source) {
    return Run(call, source, nullptr, 0, {}).copy();
}

std::unique_ptr<Source> paced(const Call& call, std::unique_ptr<Source> source) {
    if (call.rate == nullptr) return source;
    return std::make_unique<PacedSource>(call, std::move(source));
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
