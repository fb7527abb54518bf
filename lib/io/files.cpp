// SPDX-License-Identifier: Apache-2.0
#include "io/files.hpp"

#include <cstring>
#include <utility>

#include "base/error.hpp"

namespace vbackup::io {

namespace {

namespace fs = std::filesystem;

// How much may wait in the page cache before the disk is told to begin: large enough to be written in one go, small
// enough that little is left for the fsync at the end.
constexpr std::uint64_t writeback_step = std::uint64_t{8} << 20;

// Whole blocks of zeros become holes when they lie at a multiple of this: no file system has larger pages to give back.
constexpr std::size_t hole_size = std::size_t{64} << 10;

bool is_zero(std::span<const std::byte> bytes) {
    return bytes.front() == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

// How many bytes lie before the first hole, when the first of them lies at `offset` of the file.
std::size_t before_hole(std::span<const std::byte> bytes, std::uint64_t offset) {
    std::size_t at = (hole_size - offset % hole_size) % hole_size;
    for (; at + hole_size <= bytes.size(); at += hole_size) {
        if (is_zero(bytes.subspan(at, hole_size))) return at;
    }
    return bytes.size();
}

std::size_t hole_length(std::span<const std::byte> bytes) {
    std::size_t length = 0;
    while (length + hole_size <= bytes.size() && is_zero(bytes.subspan(length, hole_size))) length += hole_size;
    return length;
}

fs::path folder_of(const fs::path& path) {
    return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

fs::path part_of(const fs::path& path) {
    fs::path part = path;
    part += ".part";
    return part;
}

class DurableFile final : public Sink {
public:
    DurableFile(const FileSystem& files, fs::path path, bool resume)
        : files_(files), path_(std::move(path)), part_(part_of(path_)) {
        files_.make_directories(folder_of(path_));
        if (resume) written_ = files_.size(part_).value_or(0);
        started_ = written_;
        fd_ = files_.open_write(part_, resume);
    }
    // What was written is carried on from its end, a hole too. Where that cannot be made to show, the file is shorter: then
    // it is carried on from there.
    ~DurableFile() override {
        if (fd_ >= 0) quietly([this] { end_hole(); });
        close();
    }
    DurableFile(const DurableFile&) = delete;
    DurableFile& operator=(const DurableFile&) = delete;

    void write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const auto data = bytes.first(before_hole(bytes, written_));
            put(data);
            bytes = bytes.subspan(data.size());
            const std::size_t skipped = hole_length(bytes);
            written_ += skipped;
            in_hole_ = in_hole_ || skipped > 0;
            bytes = bytes.subspan(skipped);
        }
        if (written_ - started_ < writeback_step) return;
        files_.start_writeback(fd_, started_, written_ - started_);
        started_ = written_;
    }

    void rewind() override {
        files_.truncate(fd_, 0);
        files_.seek(fd_, 0);
        written_ = started_ = 0;
        in_hole_ = false;
    }

    void finish() override {
        end_hole();
        sync();
        close();
        const bool replaces = files_.size(path_).has_value();
        files_.rename(part_, path_);
        try {
            files_.sync_directory(folder_of(path_));
        } catch (const Error&) {
            // Nothing new may be visible now. Should this fail too, what is visible is whole.
            if (!replaces) quietly([this] { files_.rename(path_, part_); });
            throw;
        }
    }

private:
    void put(std::span<const std::byte> data) {
        if (data.empty()) return;
        if (in_hole_) files_.seek(fd_, written_);
        in_hole_ = false;
        written_ += files_.write(fd_, data);
    }

    // A hole at the very end is none before the file is that long.
    void end_hole() {
        if (in_hole_) files_.truncate(fd_, written_);
        in_hole_ = false;
    }

    void close() {
        if (fd_ >= 0) files_.close(std::exchange(fd_, -1));
    }

    // After a failed fsync the system may take the lost pages for written ones, so that a later fsync of the same bytes
    // would succeed: they are not carried on.
    void sync() {
        try {
            files_.sync(fd_);
        } catch (const Error&) {
            close();
            quietly([this] { files_.remove(part_); });
            throw;
        }
    }

    // For tidying after an error: the first error is the one to tell.
    template <typename Function>
    static void quietly(Function function) {
        try {
            function();
        } catch (const Error&) {
            return;
        }
    }

    const FileSystem& files_;
    fs::path path_;
    fs::path part_;
    int fd_ = -1;
    std::uint64_t written_ = 0;
    bool in_hole_ = false;       // the file is shorter than what was written: the end was zeros
    std::uint64_t started_ = 0;  // up to here the disk was told to begin
};

class FileSource final : public Source {
public:
    FileSource(const FileSystem& files, const fs::path& path, std::uint64_t offset)
        : files_(files), offset_(offset), fd_(files.open_read(path)) {
        try {
            size_ = files_.size(path);
            if (offset > 0) files_.seek(fd_, offset);
        } catch (...) {
            files_.close(fd_);
            throw;
        }
    }
    ~FileSource() override { files_.close(fd_); }
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;

    std::size_t read(std::span<std::byte> into) override { return files_.read(fd_, into); }
    std::optional<std::uint64_t> size() const override { return size_; }
    std::uint64_t offset() const override { return offset_; }

private:
    const FileSystem& files_;
    std::uint64_t offset_;
    int fd_;
    std::optional<std::uint64_t> size_;
};

}  // namespace

std::unique_ptr<Sink> durable_file(const FileSystem& files, const fs::path& path, bool resume) {
    return std::make_unique<DurableFile>(files, path, resume);
}

std::unique_ptr<Source> file_source(const FileSystem& files, const fs::path& path, std::uint64_t offset) {
    return std::make_unique<FileSource>(files, path, offset);
}

void write_file(const FileSystem& files, const fs::path& path, std::string_view text) {
    const auto sink = durable_file(files, path);
    sink->write(std::as_bytes(std::span(text)));
    sink->finish();
}

std::string read_file(const FileSystem& files, const fs::path& path, std::size_t most) {
    const auto source = file_source(files, path);
    return read_all(*source, most);
}

}  // namespace vbackup::io
