// SPDX-License-Identifier: Apache-2.0
#include "io/tar.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <locale.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "base/error.hpp"
#include "io/unpack.hpp"

namespace vbackup::io {

namespace {

constexpr std::size_t most_of_a_name = 4096;
constexpr std::uint64_t tar_block = 512;

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::corrupt, std::move(message),
                "the file is not what was written: bring it home again, or make a new backup");
}

// libarchive converts names by the locale of the thread, and the program's own is "C", which has ASCII only.
class Utf8Names {
public:
    Utf8Names() {
        // One for all, as long as the program runs.
        static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
        if (utf8 != nullptr) before_ = uselocale(utf8);
    }
    ~Utf8Names() {
        if (before_ != nullptr) uselocale(before_);
    }
    Utf8Names(const Utf8Names&) = delete;
    Utf8Names& operator=(const Utf8Names&) = delete;

private:
    locale_t before_ = nullptr;
};

struct FreeReader {
    void operator()(archive* reader) const { archive_read_free(reader); }
};
struct FreeWriter {
    void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

std::string reason_of(archive* any) {
    const char* reason = archive_error_string(any);
    return reason == nullptr ? "no reason given" : reason;
}

}  // namespace

struct TarReader::State {
    State(Call& call, Source& source) : unpacker(call, source) {
        archive_read_support_format_tar(reader.get());
        archive_read_support_filter_none(reader.get());
        require_good(archive_read_open(reader.get(), this, nullptr, &State::read_block, nullptr));
    }

    static la_ssize_t read_block(archive* reader, void* self, const void** block) {
        State& state = *static_cast<State*>(self);
        try {
            const std::span<const std::byte> bytes = state.unpacker.next();
            *block = bytes.data();
            return static_cast<la_ssize_t>(bytes.size());
        } catch (...) {
            // An exception must not pass through C; it is thrown again as soon as libarchive has returned.
            state.failure = std::current_exception();
            archive_set_error(reader, EIO, "the bytes could not be read");
            return -1;
        }
    }

    void rethrow_failure() const {
        if (failure) std::rethrow_exception(failure);
    }

    void require_good(int result) const {
        rethrow_failure();
        if (result == ARCHIVE_OK) return;
        corrupt(fmt::format("the archive is damaged or cut short: {}", reason_of(reader.get())));
    }

    bool name_is_foreign() const { return reason_of(reader.get()).find("can't be converted") != std::string::npos; }

    Unpacker unpacker;
    std::unique_ptr<archive, FreeReader> reader{archive_read_new()};
    std::unique_ptr<archive_entry, FreeEntry> entry{archive_entry_new()};
    std::exception_ptr failure;
};

TarReader::TarReader(Call& call, Source& source) : state_(std::make_unique<State>(call, source)) {}
TarReader::~TarReader() = default;

bool TarReader::next() {
    const Utf8Names locale;
    const int result = archive_read_next_header2(state_->reader.get(), state_->entry.get());
    if (result == ARCHIVE_EOF) {
        state_->rethrow_failure();
        return false;
    }
    // libarchive warns of a name that the locale cannot show, and of damage it could step over.
    if (result == ARCHIVE_WARN && state_->name_is_foreign()) return true;
    state_->require_good(result);
    return true;
}

std::string TarReader::name() const {
    const Utf8Names locale;
    const char* name = archive_entry_pathname(state_->entry.get());
    return name == nullptr ? std::string() : std::string(name, strnlen(name, most_of_a_name));
}

std::uint64_t TarReader::size() const {
    return static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(state_->entry.get())));
}

bool TarReader::is_file() const {
    auto* entry = state_->entry.get();
    return archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
}

void TarReader::data(const std::function<void(std::uint64_t offset, std::span<const std::byte>)>& take) {
    const void* bytes = nullptr;
    std::size_t count = 0;
    la_int64_t offset = 0;
    for (;;) {
        const int result = archive_read_data_block(state_->reader.get(), &bytes, &count, &offset);
        if (result == ARCHIVE_EOF) break;
        state_->require_good(result);
        take(static_cast<std::uint64_t>(offset), {static_cast<const std::byte*>(bytes), count});
    }
    state_->rethrow_failure();
}

// libarchive takes the end of the bytes for the end of a tar, so a tar that was cut between two entries looks whole to it.
// What follows the last entry's data must be zeros to the very end, and at least the two blocks of them that every tar
// ends with.
void TarReader::require_end() {
    auto& unpacker = state_->unpacker;
    const auto end = static_cast<std::uint64_t>(archive_read_header_position(state_->reader.get()));
    while (!unpacker.next().empty()) continue;
    unpacker.require_end();
    if (unpacker.total() < end + 2 * tar_block || unpacker.total() % tar_block != 0) {
        corrupt("the archive is cut short: the two zero blocks that end a tar are missing");
    }
    if (unpacker.last_nonzero() > end) corrupt("something follows the end of the archive");
}

struct TarWriter::State {
    explicit State(Sink& into) : sink(into) {
        archive_write_set_format_pax_restricted(writer.get());  // ustar where that is enough
        archive_write_add_filter_none(writer.get());
        archive_write_set_bytes_in_last_block(writer.get(), 1);
        require_good(archive_write_open(writer.get(), this, nullptr, &State::write_block, nullptr));
    }

    // Never fails as libarchive sees it: of a writer that failed it would not free the block (3.6.2). What went wrong is thrown
    // again as soon as it has returned.
    static la_ssize_t write_block(archive*, void* self, const void* bytes, std::size_t count) {
        State& state = *static_cast<State*>(self);
        try {
            if (!state.over && !state.failure) state.sink.write({static_cast<const std::byte*>(bytes), count});
        } catch (...) {
            state.failure = std::current_exception();
        }
        return static_cast<la_ssize_t>(count);
    }

    void require_good(int result) const {
        if (failure) std::rethrow_exception(failure);
        if (result == ARCHIVE_OK) return;
        throw Error(ErrorKind::failed, fmt::format("the archive cannot be written: {}", reason_of(writer.get())));
    }

    void require_filled() const {
        if (left == 0) return;
        throw Error(ErrorKind::failed, fmt::format("{} bytes of an entry of the archive are missing", left));
    }

    Sink& sink;
    bool over = false;  // nothing more goes to the sink
    std::exception_ptr failure;
    std::unique_ptr<archive, FreeWriter> writer{archive_write_new()};
    std::unique_ptr<archive_entry, FreeEntry> entry{archive_entry_new()};
    std::uint64_t left = 0;  // bytes of the entry that are still to come
};

TarWriter::TarWriter(Sink& sink) : state_(std::make_unique<State>(sink)) {}

TarWriter::~TarWriter() {
    // What was not finished is not to look as if it were: libarchive would write the end of the tar.
    state_->over = true;
}

void TarWriter::begin(const std::string& name, std::uint64_t size, Moment changed) {
    const Utf8Names locale;
    state_->require_filled();
    auto* entry = archive_entry_clear(state_->entry.get());
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(size));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_mtime(entry, static_cast<time_t>(std::chrono::floor<Seconds>(changed).time_since_epoch().count()),
                            0);
    state_->require_good(archive_write_header(state_->writer.get(), entry));
    state_->left = size;
}

void TarWriter::write(std::span<const std::byte> bytes) {
    if (bytes.size() > state_->left) throw Error(ErrorKind::failed, "an entry of the archive is given too many bytes");
    while (!bytes.empty()) {
        const la_ssize_t count = archive_write_data(state_->writer.get(), bytes.data(), bytes.size());
        state_->require_good(count > 0 ? ARCHIVE_OK : ARCHIVE_FATAL);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        state_->left -= static_cast<std::uint64_t>(count);
    }
}

void TarWriter::finish() {
    state_->require_filled();
    state_->require_good(archive_write_close(state_->writer.get()));
}

}  // namespace vbackup::io
