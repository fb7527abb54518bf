// SPDX-License-Identifier: Apache-2.0
#include "io/frames.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "io/zstd.hpp"

namespace vbackup::io {

namespace {

// All numbers are little-endian.
constexpr std::uint32_t table_magic = 0x184D2A5E;   // of a skippable frame
constexpr std::uint32_t footer_magic = 0x8F92EAB1;  // the last four bytes of all
constexpr std::size_t header_size = 8;
constexpr std::size_t entry_size = 8;   // packed size, size
constexpr std::size_t footer_size = 9;  // number of frames, a byte of flags, the magic number

struct FreeCompressor {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::corrupt, std::move(message), "make a new backup, or restore from another one");
}

std::size_t require(std::size_t result) {
    if (ZSTD_isError(result) == 0) return result;
    throw Error(ErrorKind::failed, fmt::format("compressing failed: {}", ZSTD_getErrorName(result)));
}

void put(std::string& text, std::uint32_t number) {
    for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(number >> shift & 0xFF);
}

std::uint32_t number_at(std::string_view text, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 4; i-- > 0;) number = number << 8 | static_cast<unsigned char>(text[at + i]);
    return number;
}

class Packer final : public Sink {
public:
    Packer(Sink& inner, int level)
        : inner_(inner), context_(ZSTD_createCCtx()), packed_(ZSTD_compressBound(frame_bytes)) {
        if (!context_) throw std::bad_alloc();
        require(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
        require(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
        block_.reserve(frame_bytes);
    }

    void write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const auto count = std::min(bytes.size(), frame_bytes - block_.size());
            block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
            bytes = bytes.subspan(count);
            if (block_.size() == frame_bytes) end_frame();
        }
    }

    void finish() override {
        if (!block_.empty()) end_frame();
        std::string table;
        put(table, table_magic);
        put(table, static_cast<std::uint32_t>(entries_.size() + footer_size));
        table += entries_;
        put(table, static_cast<std::uint32_t>(entries_.size() / entry_size));
        table += '\0';
        put(table, footer_magic);
        inner_.write(std::as_bytes(std::span(table)));
        inner_.finish();
    }

    void rewind() override {
        block_.clear();
        entries_.clear();
        inner_.rewind();
    }

private:
    void end_frame() {
        const auto size =
            require(ZSTD_compress2(context_.get(), packed_.data(), packed_.size(), block_.data(), block_.size()));
        inner_.write(std::span(packed_).first(size));
        put(entries_, static_cast<std::uint32_t>(size));
        put(entries_, static_cast<std::uint32_t>(block_.size()));
        block_.clear();
    }

    Sink& inner_;
    std::unique_ptr<ZSTD_CCtx, FreeCompressor> context_;
    std::vector<std::byte> block_;
    std::vector<std::byte> packed_;
    std::string entries_;
};

// So many bytes of a source, which has them.
std::string read_exactly(Source& source, std::size_t count) {
    std::string text(count, '\0');
    for (std::size_t filled = 0; filled < count;) {
        const auto got = source.read(std::as_writable_bytes(std::span(text).subspan(filled)));
        if (got == 0) corrupt("its table of frames is cut short");
        filled += got;
    }
    return text;
}

// Where the frame with that number begins among the packed bytes.
std::uint64_t place_of_frame(const OpenPacked& open, std::uint64_t packed_size, std::uint64_t frame) {
    if (packed_size < header_size + footer_size) corrupt("it is too short to be packed");
    const auto footer = read_exactly(*open(packed_size - footer_size), footer_size);
    const std::uint64_t frames = number_at(footer, 0);
    const auto table_size = header_size + frames * entry_size + footer_size;
    if (number_at(footer, 5) != footer_magic || footer[4] != '\0' || table_size > packed_size || frame >= frames)
        corrupt("its table of frames is damaged");
    const auto source = open(packed_size - table_size + header_size);
    std::uint64_t place = 0;
    for (std::uint64_t i = 0; i < frame; ++i) {
        const auto entry = read_exactly(*source, entry_size);
        if (number_at(entry, 4) != frame_bytes) corrupt("its table of frames is damaged");
        place += number_at(entry, 0);
    }
    return place;
}

class Unpacked final : public Source {
public:
    Unpacked(std::unique_ptr<Source> packed, std::uint64_t size, std::uint64_t offset, std::uint64_t at)
        : packed_(std::move(packed)), plain_(unzstd_file(*packed_)), size_(size), offset_(offset), at_(at) {}

    std::size_t read(std::span<std::byte> into) override {
        skip();
        const auto count = plain_->read(into);
        at_ += count;
        if (at_ > size_ || (count == 0 && !into.empty() && at_ != size_))
            corrupt(
                fmt::format("unpacked it has {}{} bytes instead of {}", at_ > size_ ? "at least " : "", at_, size_));
        return count;
    }
    std::optional<std::uint64_t> size() const override { return size_; }
    std::uint64_t offset() const override { return offset_; }

private:
    // What the first frame has before the offset.
    void skip() {
        std::vector<std::byte> block(at_ < offset_ ? std::size_t{64} << 10 : 0);
        while (at_ < offset_) {
            const auto most = std::min<std::uint64_t>(block.size(), offset_ - at_);
            const auto count = plain_->read(std::span(block).first(static_cast<std::size_t>(most)));
            if (count == 0) corrupt("a frame of it is too short");
            at_ += count;
        }
    }

    std::unique_ptr<Source> packed_;
    std::unique_ptr<Source> plain_;
    std::uint64_t size_;
    std::uint64_t offset_;
    std::uint64_t at_;
};

// What is behind the last byte.
class Nothing final : public Source {
public:
    Nothing(std::uint64_t size, std::uint64_t offset) : size_(size), offset_(offset) {}
    std::size_t read(std::span<std::byte>) override { return 0; }
    std::optional<std::uint64_t> size() const override { return size_; }
    std::uint64_t offset() const override { return offset_; }

private:
    std::uint64_t size_;
    std::uint64_t offset_;
};

}  // namespace

std::unique_ptr<Sink> pack_frames(Sink& inner, int level) {
    return std::make_unique<Packer>(inner, level);
}

std::unique_ptr<Source> unpack_frames(const OpenPacked& open, std::uint64_t packed_size, std::uint64_t size,
                                      std::uint64_t offset) {
    if (offset >= size && offset > 0) return std::make_unique<Nothing>(size, offset);
    const auto frame = offset / frame_bytes;
    const auto place = frame == 0 ? 0 : place_of_frame(open, packed_size, frame);
    return std::make_unique<Unpacked>(open(place), size, offset, frame * frame_bytes);
}

}  // namespace vbackup::io
