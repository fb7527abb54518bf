// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/files.hpp"

namespace vbackup::test {

// Another file system that remembers what was not fsynced yet, and can lose it as a power loss does: the bytes of a file
// until `sync`, its being there, its name and its removal until `sync_directory` of its folder. For small files: what may
// be lost is kept in memory. Thread-safe.
class LossyFiles : public io::FileSystem {
public:
    explicit LossyFiles(const io::FileSystem& inner = io::real_files()) : inner_(inner) {}

    enum class Loss : std::uint8_t {
        all,    // nothing that was not fsynced is there
        bytes,  // the folders are as they were seen last, and files have only the bytes that were fsynced
    };
    // The power goes now. No file may be open.
    void lose(Loss loss);

    int open_write(const std::filesystem::path& path, bool append) const override;
    int open_read(const std::filesystem::path& path) const override { return inner_.open_read(path); }
    std::size_t write(int fd, std::span<const std::byte> bytes) const override;
    std::size_t read(int fd, std::span<std::byte> into) const override { return inner_.read(fd, into); }
    void seek(int fd, std::uint64_t offset) const override { inner_.seek(fd, offset); }
    void truncate(int fd, std::uint64_t size) const override;
    void sync(int fd) const override;
    void close(int fd) const override;
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) const override;
    void sync_directory(const std::filesystem::path& path) const override;
    void make_directories(const std::filesystem::path& path) const override { inner_.make_directories(path); }
    void remove(const std::filesystem::path& path) const override;
    std::optional<std::uint64_t> size(const std::filesystem::path& path) const override { return inner_.size(path); }
    std::vector<std::string> list(const std::filesystem::path& path) const override { return inner_.list(path); }
    bool is_directory(const std::filesystem::path& path) const override { return inner_.is_directory(path); }
    bool is_link(const std::filesystem::path& path) const override { return inner_.is_link(path); }
    std::uint64_t free_bytes(const std::filesystem::path& path) const override { return inner_.free_bytes(path); }
    std::shared_ptr<void> try_lock(const std::filesystem::path& path) const override { return inner_.try_lock(path); }

private:
    // What was done and is not safe yet, with what undoes it.
    struct Deed {
        enum class Kind : std::uint8_t { made, written, renamed, removed } kind;
        std::filesystem::path path;              // as it is called now
        std::filesystem::path from = {};         // renamed: as it was called before
        std::optional<std::string> before = {};  // what `path` held; empty: it was not there, or a folder
        bool folder = false;                     // removed: it was a folder
    };

    void note_bytes(int fd) const;
    void undo(const Deed& deed) const;

    const io::FileSystem& inner_;
    mutable std::mutex mutex_;
    mutable std::vector<Deed> deeds_;  // oldest first
    mutable std::map<int, std::filesystem::path> open_;
};

}  // namespace vbackup::test
