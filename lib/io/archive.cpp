// SPDX-License-Identifier: Apache-2.0
#include "io/archive.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "io/unpack.hpp"

namespace vbackup::io {

namespace {

constexpr std::size_t most_names = 10'000;
constexpr std::size_t most_of_a_name = 4096;
constexpr std::uint64_t tar_block = 512;

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::corrupt, std::move(message),
                "the file is not what was written: bring it home again, or make a new backup");
}

struct FreeReader {
    void operator()(archive* reader) const { archive_read_free(reader); }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

// A tar that libarchive reads from the bytes of an Unpacker.
class Tar {
public:
    Tar(Call& call, Source& source)
        : unpacker_(call, source), reader_(archive_read_new()), entry_(archive_entry_new()) {
        archive_read_support_format_tar(reader_.get());
        archive_read_support_filter_none(reader_.get());
        require_good(archive_read_open(reader_.get(), this, nullptr, &Tar::read_block, nullptr));
    }

    // False at the end.
    bool next() {
        const int result = archive_read_next_header2(reader_.get(), entry_.get());
        if (result == ARCHIVE_EOF) {
            rethrow_failure();
            return false;
        }
        // libarchive warns of a name that this locale cannot show, and of damage it could step over.
        if (result == ARCHIVE_WARN && name_is_foreign()) return true;
        require_good(result);
        return true;
    }

    std::string name() const {
        const char* name = archive_entry_pathname(entry_.get());
        return name == nullptr ? std::string() : std::string(name, strnlen(name, most_of_a_name));
    }
    std::uint64_t size() const {
        return static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry_.get())));
    }

    // Hands out the entry's data in pieces; the holes of a sparse entry are left out.
    void data(const std::function<void(std::uint64_t offset, std::span<const std::byte>)>& take) {
        const void* bytes = nullptr;
        std::size_t count = 0;
        la_int64_t offset = 0;
        for (;;) {
            const int result = archive_read_data_block(reader_.get(), &bytes, &count, &offset);
            if (result == ARCHIVE_EOF) break;
            require_good(result);
            take(static_cast<std::uint64_t>(offset), {static_cast<const std::byte*>(bytes), count});
        }
        rethrow_failure();
    }

    // To be called after the last entry. libarchive takes the end of the bytes for the end of a tar, so a tar that was
    // cut between two entries looks whole to it. What follows the last entry's data must be zeros to the very end, and
    // at least the two blocks of them that every tar ends with.
    void require_end() {
        const auto end = static_cast<std::uint64_t>(archive_read_header_position(reader_.get()));
        while (!unpacker_.next().empty()) continue;
        unpacker_.require_end();
        if (unpacker_.total() < end + 2 * tar_block || unpacker_.total() % tar_block != 0) {
            corrupt("the archive is cut short: the two zero blocks that end a tar are missing");
        }
        if (unpacker_.last_nonzero() > end) corrupt("something follows the end of the archive");
    }

private:
    static la_ssize_t read_block(archive* reader, void* self, const void** block) {
        Tar& tar = *static_cast<Tar*>(self);
        try {
            const std::span<const std::byte> bytes = tar.unpacker_.next();
            *block = bytes.data();
            return static_cast<la_ssize_t>(bytes.size());
        } catch (...) {
            // An exception must not pass through C; it is thrown again as soon as libarchive has returned.
            tar.failure_ = std::current_exception();
            archive_set_error(reader, EIO, "the bytes could not be read");
            return -1;
        }
    }

    void rethrow_failure() const {
        if (failure_) std::rethrow_exception(failure_);
    }

    void require_good(int result) const {
        rethrow_failure();
        if (result == ARCHIVE_OK) return;
        const char* reason = archive_error_string(reader_.get());
        corrupt(fmt::format("the archive is damaged or cut short: {}", reason == nullptr ? "no reason given" : reason));
    }

    bool name_is_foreign() const {
        const char* reason = archive_error_string(reader_.get());
        return reason != nullptr && std::strstr(reason, "can't be converted") != nullptr;
    }

    Unpacker unpacker_;
    std::unique_ptr<archive, FreeReader> reader_;
    std::unique_ptr<archive_entry, FreeEntry> entry_;
    std::exception_ptr failure_;
};

std::string_view plain(std::string_view name) {
    while (name.starts_with("./")) name.remove_prefix(2);
    return name;
}

std::string collect(Tar& tar, const std::string& name, std::size_t most) {
    if (tar.size() > most) {
        throw Error(
            ErrorKind::not_understood,
            fmt::format("{} in the archive is {} bytes long, at most {} were expected", name, tar.size(), most));
    }
    std::string text(static_cast<std::size_t>(tar.size()), '\0');
    tar.data([&](std::uint64_t offset, std::span<const std::byte> bytes) {
        if (offset > text.size() || bytes.size() > text.size() - offset) corrupt(name + " overflows its size");
        if (!bytes.empty()) std::memcpy(text.data() + offset, bytes.data(), bytes.size());
    });
    return text;
}

}  // namespace

ArchiveContents check_archive(Call& call, Source& source) {
    Tar tar(call, source);
    ArchiveContents contents;
    while (tar.next()) {
        ++contents.entries;
        contents.bytes += tar.size();
        if (contents.names.size() < most_names) contents.names.push_back(tar.name());
        tar.data([](std::uint64_t, std::span<const std::byte>) {});
    }
    tar.require_end();
    return contents;
}

std::optional<std::string> read_entry(Call& call, Source& source, const std::string& name, std::size_t most) {
    Tar tar(call, source);
    while (tar.next()) {
        if (plain(tar.name()) == plain(name)) return collect(tar, name, most);
        tar.data([](std::uint64_t, std::span<const std::byte>) {});
    }
    return std::nullopt;
}

}  // namespace vbackup::io
