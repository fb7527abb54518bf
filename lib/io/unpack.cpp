// SPDX-License-Identifier: Apache-2.0
#include "io/unpack.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <vector>

#include "base/error.hpp"
#include "io/crc32.hpp"

namespace vbackup::io {

namespace {

constexpr std::size_t block_size = std::size_t{256} << 10;

struct FreeReader {
    void operator()(archive* reader) const { archive_read_free(reader); }
};

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::corrupt, std::move(message),
                "the file is not what was written: bring it home again, or make a new backup");
}

// The last eight bytes of what passed: a gzip file ends with the CRC-32 and the length of its data (RFC 1952, 2.3.1).
class Trailer {
public:
    void update(std::span<const std::byte> bytes) {
        const std::size_t fresh = std::min(bytes.size(), last_.size());
        std::move(last_.begin() + static_cast<std::ptrdiff_t>(fresh), last_.end(), last_.begin());
        std::copy(bytes.end() - static_cast<std::ptrdiff_t>(fresh), bytes.end(),
                  last_.end() - static_cast<std::ptrdiff_t>(fresh));
    }
    std::uint32_t checksum() const { return number(0); }
    std::uint32_t length() const { return number(4); }

private:
    std::uint32_t number(std::size_t at) const {
        std::uint32_t value = 0;
        for (std::size_t i = 4; i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(last_[at + i]);
        return value;
    }

    std::array<std::byte, 8> last_{};
};

bool all_zero(std::span<const std::byte> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

// Where the last byte that is not zero ends; 0 for none. Data seldom ends with zeros, so mostly one step.
std::size_t end_of_nonzero(std::span<const std::byte> bytes) {
    constexpr std::size_t step = 4096;
    while (bytes.size() >= step && all_zero(bytes.last(step))) bytes = bytes.first(bytes.size() - step);
    while (!bytes.empty() && bytes.back() == std::byte{0}) bytes = bytes.first(bytes.size() - 1);
    return bytes.size();
}

}  // namespace

struct Unpacker::State {
    State(Call& the_call, Source& the_source) : call(the_call), source(the_source), block(block_size) {}

    Call& call;
    Source& source;
    std::vector<std::byte> block;
    std::unique_ptr<archive, FreeReader> reader{archive_read_new()};
    std::exception_ptr failure;
    Trailer trailer;
    Crc32 checksum;
    bool gzip = false;
    std::uint64_t total = 0;
    std::uint64_t last_nonzero = 0;

    std::uint64_t read = 0;  // from the source

    void open();
    std::size_t read_source();
    void require_all_used() const;
    void require_good(int result) const;
    static la_ssize_t read_block(archive* reader, void* self, const void** block);
};

std::size_t Unpacker::State::read_source() {
    call.require_time();
    const std::size_t count = source.read(block);
    trailer.update(std::span(block).first(count));
    read += count;
    return count;
}

// libarchive takes what it does not know behind compressed data for the end, and leaves it unused.
void Unpacker::State::require_all_used() const {
    const la_int64_t used = archive_filter_bytes(reader.get(), -1);
    if (static_cast<std::uint64_t>(used) != read) corrupt("something follows the end of the compressed data");
}

la_ssize_t Unpacker::State::read_block(archive* reader, void* self, const void** block) {
    State& state = *static_cast<State*>(self);
    try {
        *block = state.block.data();
        return static_cast<la_ssize_t>(state.read_source());
    } catch (...) {
        // An exception must not pass through C; it is thrown again as soon as libarchive has returned.
        state.failure = std::current_exception();
        archive_set_error(reader, EIO, "the bytes could not be read");
        return -1;
    }
}

void Unpacker::State::require_good(int result) const {
    if (failure) std::rethrow_exception(failure);
    if (result == ARCHIVE_OK) return;
    const char* reason = archive_error_string(reader.get());
    corrupt(fmt::format("the archive is damaged or cut short: {}", reason == nullptr ? "no reason given" : reason));
}

// libarchive's "raw" format is one entry without a name that holds the unpacked bytes.
void Unpacker::State::open() {
    archive_read_support_format_raw(reader.get());
    archive_read_support_filter_gzip(reader.get());
    archive_read_support_filter_zstd(reader.get());
    require_good(archive_read_open(reader.get(), this, nullptr, &State::read_block, nullptr));
    archive_entry* entry = nullptr;
    require_good(archive_read_next_header(reader.get(), &entry));
    gzip = archive_filter_count(reader.get()) == 2 && archive_filter_code(reader.get(), 0) == ARCHIVE_FILTER_GZIP;
}

Unpacker::Unpacker(Call& call, Source& source) : state_(std::make_unique<State>(call, source)) {
    state_->open();
}
Unpacker::~Unpacker() = default;

std::span<const std::byte> Unpacker::next() {
    const void* bytes = nullptr;
    std::size_t count = 0;
    la_int64_t offset = 0;
    const int result = archive_read_data_block(state_->reader.get(), &bytes, &count, &offset);
    if (result == ARCHIVE_EOF && !state_->failure) {
        state_->require_all_used();
        return {};
    }
    state_->require_good(result);
    const std::span piece(static_cast<const std::byte*>(bytes), count);
    if (state_->gzip) state_->checksum.update(piece);
    if (const std::size_t end = end_of_nonzero(piece); end > 0) state_->last_nonzero = state_->total + end;
    state_->total += count;
    return piece;
}

void Unpacker::require_end() const {
    if (!state_->gzip) return;
    const bool same_length = state_->trailer.length() == static_cast<std::uint32_t>(state_->total);
    if (!same_length || state_->trailer.checksum() != state_->checksum.value()) {
        corrupt("the archive is damaged: length or checksum at the end of its gzip data differ");
    }
}

std::uint64_t Unpacker::total() const {
    return state_->total;
}
std::uint64_t Unpacker::last_nonzero() const {
    return state_->last_nonzero;
}

}  // namespace vbackup::io
