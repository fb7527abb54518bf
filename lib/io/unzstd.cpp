// SPDX-License-Identifier: Apache-2.0
#include "io/unzstd.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <new>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace vbackup::io {

namespace {

constexpr int largest_window = 23;  // as a power of two

struct FreeStream {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

class Unzstd final : public Source {
public:
    explicit Unzstd(std::unique_ptr<Source> packed)
        : packed_(std::move(packed)), stream_(ZSTD_createDStream()), block_(ZSTD_DStreamInSize()) {
        if (!stream_) throw std::bad_alloc();
        (void)require(ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, largest_window));
    }

    std::size_t read(std::span<std::byte> into) override {
        ZSTD_outBuffer out{into.data(), into.size(), 0};
        while (out.pos == 0 && !into.empty()) {
            if (in_.pos == in_.size && !may_hold_more_ && !refill()) return 0;
            const std::size_t asks_for = require(ZSTD_decompressStream(stream_.get(), &out, &in_));
            in_frame_ = asks_for != 0;
            // A full span may leave unpacked bytes inside; they come without any further input.
            may_hold_more_ = in_frame_ && out.pos == out.size;
        }
        return out.pos;
    }

    std::optional<std::uint64_t> size() const override { return std::nullopt; }

private:
    // False at the end.
    bool refill() {
        in_ = {block_.data(), packed_->read(block_), 0};
        if (in_.size > 0) return true;
        if (!in_frame_) return false;
        throw Error(ErrorKind::unreachable, "the compressed body ended early",
                    "run it again; if it stays, do without the compression");
    }

    static std::size_t require(std::size_t result) {
        if (ZSTD_isError(result) == 0) return result;
        throw Error(ErrorKind::not_understood,
                    fmt::format("the body is said to be zstd and cannot be unpacked: {}", ZSTD_getErrorName(result)),
                    "a proxy in between may do this; do without the compression");
    }

    std::unique_ptr<Source> packed_;
    std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
    std::vector<std::byte> block_;
    ZSTD_inBuffer in_{nullptr, 0, 0};
    bool in_frame_ = false;
    bool may_hold_more_ = false;
};

}  // namespace

std::unique_ptr<Source> unzstd(std::unique_ptr<Source> source) {
    return std::make_unique<Unzstd>(std::move(source));
}

}  // namespace vbackup::io
