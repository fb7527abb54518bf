// SPDX-License-Identifier: Apache-2.0
#include "io/zstd.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <new>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace vbackup::io {

namespace {

struct FreeCompressor {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

struct FreeStream {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

class Zstd final : public Source {
public:
    Zstd(std::unique_ptr<Source> plain, int level)
        : plain_(std::move(plain)), context_(ZSTD_createCCtx()), block_(std::size_t{256} << 10) {
        if (!context_) throw std::bad_alloc();
        require(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
        require(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
        // A library without threads refuses this, and then compresses in ours.
        if (ZSTD_isError(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, 1)) == 0)
            require(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_jobSize, 1 << 20));
    }

    std::size_t read(std::span<std::byte> into) override {
        ZSTD_outBuffer out{into.data(), into.size(), 0};
        while (out.pos == 0 && !done_ && !into.empty()) {
            if (in_.pos == in_.size && !at_end_) refill();
            const auto left =
                require(ZSTD_compressStream2(context_.get(), &out, &in_, at_end_ ? ZSTD_e_end : ZSTD_e_continue));
            done_ = at_end_ && left == 0;
        }
        return out.pos;
    }

    std::optional<std::uint64_t> size() const override { return std::nullopt; }

private:
    void refill() {
        in_ = {block_.data(), plain_->read(block_), 0};
        at_end_ = in_.size == 0;
    }

    static std::size_t require(std::size_t result) {
        if (ZSTD_isError(result) == 0) return result;
        throw Error(ErrorKind::failed, fmt::format("compressing failed: {}", ZSTD_getErrorName(result)));
    }

    std::unique_ptr<Source> plain_;
    std::unique_ptr<ZSTD_CCtx, FreeCompressor> context_;
    std::vector<std::byte> block_;
    ZSTD_inBuffer in_{nullptr, 0, 0};
    bool at_end_ = false;
    bool done_ = false;
};

class UnzstdFile final : public Source {
public:
    explicit UnzstdFile(Source& packed) : packed_(packed), stream_(ZSTD_createDStream()), block_(ZSTD_DStreamInSize()) {
        if (!stream_) throw std::bad_alloc();
    }

    std::size_t read(std::span<std::byte> into) override {
        ZSTD_outBuffer out{into.data(), into.size(), 0};
        while (out.pos == 0 && !into.empty()) {
            if (in_.pos == in_.size && !may_hold_more_ && !refill()) return 0;
            const auto asks_for = ZSTD_decompressStream(stream_.get(), &out, &in_);
            if (ZSTD_isError(asks_for) != 0)
                corrupt(fmt::format("its zstd data is damaged: {}", ZSTD_getErrorName(asks_for)));
            in_frame_ = asks_for != 0;
            may_hold_more_ = in_frame_ && out.pos == out.size;
        }
        return out.pos;
    }

    std::optional<std::uint64_t> size() const override { return std::nullopt; }

private:
    // False at the end.
    bool refill() {
        in_ = {block_.data(), packed_.read(block_), 0};
        if (in_.size > 0) return true;
        if (in_frame_) corrupt("its zstd data ends early");
        return false;
    }

    [[noreturn]] static void corrupt(std::string message) {
        throw Error(ErrorKind::corrupt, std::move(message), "make a new backup, or restore from another one");
    }

    Source& packed_;
    std::unique_ptr<ZSTD_DStream, FreeStream> stream_;
    std::vector<std::byte> block_;
    ZSTD_inBuffer in_{nullptr, 0, 0};
    bool in_frame_ = true;  // an empty file has no frame, and is cut
    bool may_hold_more_ = false;
};

}  // namespace

std::unique_ptr<Source> zstd(std::unique_ptr<Source> source, int level) {
    return std::make_unique<Zstd>(std::move(source), level);
}

std::unique_ptr<Source> unzstd_file(Source& source) {
    return std::make_unique<UnzstdFile>(source);
}

}  // namespace vbackup::io
