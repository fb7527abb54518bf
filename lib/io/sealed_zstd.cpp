// SPDX-License-Identifier: Apache-2.0
#include "io/sealed_zstd.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace vbackup::io {

namespace {

constexpr std::string_view zstd_magic("\x28\xB5\x2F\xFD", 4);
// Magic number and length, little-endian, then the word and 64 hex digits.
constexpr std::string_view seal_begin("\x5B\x2A\x4D\x18\x48\x00\x00\x00vbackup1", 16);
constexpr std::size_t seal_size = seal_begin.size() + 64;
constexpr int job_size = 2 << 20;  // bytes that a thread takes at a time

struct FreeCompressor {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

std::size_t require(std::size_t result) {
    if (ZSTD_isError(result) == 0) return result;
    throw Error(ErrorKind::failed, fmt::format("compressing failed: {}", ZSTD_getErrorName(result)));
}

class ZstdSealed final : public Sink {
public:
    ZstdSealed(Sink& inner, int level, unsigned threads)
        : inner_(inner), context_(ZSTD_createCCtx()), block_(ZSTD_CStreamOutSize()) {
        if (!context_) throw std::bad_alloc();
        require(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
        require(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
        // A library without threads refuses this, and then compresses in ours.
        const auto workers = static_cast<int>(threads);
        if (ZSTD_isError(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, workers)) == 0 && workers > 0)
            require(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_jobSize, job_size));
    }

    void write(std::span<const std::byte> bytes) override {
        ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
        while (in.pos < in.size) compress(in, ZSTD_e_continue);
    }

    void finish() override {
        ZSTD_inBuffer none{nullptr, 0, 0};
        while (compress(none, ZSTD_e_end) != 0) continue;
        const auto seal = std::string(seal_begin) + digest_.hex();
        inner_.write(std::as_bytes(std::span(seal)));
        inner_.finish();
    }

    void rewind() override { throw Error(ErrorKind::failed, "compressed bytes cannot be rewound"); }

private:
    std::size_t compress(ZSTD_inBuffer& in, ZSTD_EndDirective how) {
        ZSTD_outBuffer out{block_.data(), block_.size(), 0};
        const auto left = require(ZSTD_compressStream2(context_.get(), &out, &in, how));
        const auto made = std::span<const std::byte>(block_).first(out.pos);
        digest_.update(made);
        if (!made.empty()) inner_.write(made);
        return left;
    }

    Sink& inner_;
    std::unique_ptr<ZSTD_CCtx, FreeCompressor> context_;
    std::vector<std::byte> block_;
    Digest digest_;
};

}  // namespace

std::unique_ptr<Sink> zstd_sealed(Sink& inner, int level, unsigned threads) {
    return std::make_unique<ZstdSealed>(inner, level, threads);
}

std::size_t SealReader::read(std::span<std::byte> into) {
    const std::size_t count = inner_.read(into);
    const std::string_view fresh(reinterpret_cast<const char*>(into.data()), count);
    if (begin_.size() < zstd_magic.size()) begin_ += fresh.substr(0, zstd_magic.size() - begin_.size());
    // What can no longer be the seal is hashed.
    const std::size_t all = held_.size() + count;
    std::size_t surplus = all - std::min(all, seal_size);
    const std::size_t of_held = std::min(surplus, held_.size());
    digest_.update(std::as_bytes(std::span(held_).first(of_held)));
    held_.erase(0, of_held);
    surplus -= of_held;
    digest_.update(std::as_bytes(std::span(fresh.substr(0, surplus))));
    held_ += fresh.substr(surplus);
    return count;
}

void SealReader::require_seal() {
    if (begin_ != zstd_magic) return;
    const bool sealed = held_.starts_with(seal_begin);
    if (sealed && held_.substr(seal_begin.size()) == digest_.hex()) return;
    throw Error(ErrorKind::corrupt,
                sealed ? "the archive is damaged: its bytes are not those that its seal speaks of"
                       : "the archive is damaged or cut short: the seal at its end is missing",
                "bring it here again, or export the backup again; what another program has compressed is taken as a "
                "plain tar");
}

}  // namespace vbackup::io
