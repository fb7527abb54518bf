// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/stream.hpp"

namespace vbackup::io {

// The calls to the file system that can fail in ways that matter, as one seam: tests put ENOSPC, EIO, short writes and
// failing renames behind it. Each function throws Error{storage} with the system's reason and the path. Thread-safe.
class FileSystem {
public:
    virtual ~FileSystem() = default;
    virtual int open_write(const std::filesystem::path& path, bool append) const = 0;  // created with mode 0600
    virtual int open_read(const std::filesystem::path& path) const = 0;                // Error{not_found} for none
    virtual std::size_t write(int fd, std::span<const std::byte> bytes) const = 0;     // all of it, or it throws
    virtual std::size_t read(int fd, std::span<std::byte> into) const = 0;
    virtual void seek(int fd, std::uint64_t offset) const = 0;
    virtual void truncate(int fd, std::uint64_t size) const = 0;
    virtual void sync(int fd) const = 0;
    virtual void close(int fd) const = 0;  // after `sync`: never throws
    // A hint: bytes of this range are on their way to the disk from now on, so that `sync` has little left to do.
    virtual void start_writeback(int, std::uint64_t /*offset*/, std::uint64_t /*length*/) const {}
    virtual void rename(const std::filesystem::path& from, const std::filesystem::path& to) const = 0;
    virtual void sync_directory(const std::filesystem::path& path) const = 0;
    virtual void make_directories(const std::filesystem::path& path) const = 0;  // and syncs the parents it made
    virtual void remove(const std::filesystem::path& path) const = 0;  // a file or an empty directory; none is fine
    virtual std::optional<std::uint64_t> size(
        const std::filesystem::path& path) const = 0;  // of a regular file; empty for none
    virtual std::vector<std::string> list(
        const std::filesystem::path& path) const = 0;  // names, sorted; none for a missing directory
    virtual bool is_directory(const std::filesystem::path& path) const = 0;     // or a symbolic link to one
    virtual bool is_link(const std::filesystem::path&) const { return false; }  // a symbolic link to anything
    virtual std::uint64_t free_bytes(
        const std::filesystem::path& path) const = 0;  // for this user, of the nearest parent that exists
    // An exclusive lock held until the pointer goes, freed by the kernel when the process dies. Empty when another holds it.
    virtual std::shared_ptr<void> try_lock(const std::filesystem::path& path) const = 0;
};

const FileSystem& real_files();

// A file that appears under `path` only after `finish`: written as `path` + ".part", fsynced, renamed, folder fsynced.
// With `resume` an existing ".part" is carried on at its end; otherwise it begins empty. Without `finish` the ".part" stays.
// Missing folders are made. An earlier file under `path` stays whole until the rename replaces it; when the folder cannot
// be fsynced after that, a file that was new becomes the ".part" again, and one that replaced another stays, whole.
// Zeros take no space: a block of 64 KiB of them at a multiple of that becomes a hole, when it comes whole in one write.
std::unique_ptr<Sink> durable_file(const FileSystem& files, const std::filesystem::path& path, bool resume = false);
std::unique_ptr<Source> file_source(const FileSystem& files, const std::filesystem::path& path,
                                    std::uint64_t offset = 0);
// Small files in one go, durable too. `read_file` throws Error{not_found} for none.
void write_file(const FileSystem& files, const std::filesystem::path& path, std::string_view text);
std::string read_file(const FileSystem& files, const std::filesystem::path& path,
                      std::size_t most = std::size_t{64} << 20);

}  // namespace vbackup::io
