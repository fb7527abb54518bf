// SPDX-License-Identifier: Apache-2.0
#include "faults/disk.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

// The program takes its file system from io::real_files(). In the campaign that is `Switch` below, and what it is
// otherwise has another name: linked by itself the archive's real_files.o is left out.
#define real_files kernel_files
#include "io/real_files.cpp"  // NOLINT(bugprone-suspicious-include)
#undef real_files

namespace vbackup::test {

namespace {

namespace fs = std::filesystem;

// Sends calls to the disks there are. Thread-safe.
class Switch final : public io::FileSystem {
public:
    void add(const fs::path& root, const io::FileSystem& files) {
        const std::scoped_lock lock(mutex_);
        disks_.emplace_back(root.string() + "/", &files);
    }
    void remove_disk(const fs::path& root) {
        const std::scoped_lock lock(mutex_);
        std::erase_if(disks_, [&](const auto& one) { return one.first == root.string() + "/"; });
    }

    int open_write(const fs::path& path, bool append) const override {
        const auto& files = of(path);
        return noted(files.open_write(path, append), files);
    }
    int open_read(const fs::path& path) const override {
        const auto& files = of(path);
        return noted(files.open_read(path), files);
    }
    std::size_t write(int fd, std::span<const std::byte> bytes) const override { return of(fd).write(fd, bytes); }
    std::size_t read(int fd, std::span<std::byte> into) const override { return of(fd).read(fd, into); }
    void seek(int fd, std::uint64_t offset) const override { of(fd).seek(fd, offset); }
    void truncate(int fd, std::uint64_t size) const override { of(fd).truncate(fd, size); }
    void sync(int fd) const override { of(fd).sync(fd); }
    void close(int fd) const override {
        const auto& files = of(fd);
        {
            const std::scoped_lock lock(mutex_);
            open_.erase(fd);
        }
        files.close(fd);
    }
    void rename(const fs::path& from, const fs::path& to) const override { of(from).rename(from, to); }
    void sync_directory(const fs::path& path) const override { of(path).sync_directory(path); }
    void make_directories(const fs::path& path) const override { of(path).make_directories(path); }
    void remove(const fs::path& path) const override { of(path).remove(path); }
    std::optional<std::uint64_t> size(const fs::path& path) const override { return of(path).size(path); }
    std::vector<std::string> list(const fs::path& path) const override { return of(path).list(path); }
    bool is_directory(const fs::path& path) const override { return of(path).is_directory(path); }
    bool is_link(const fs::path& path) const override { return of(path).is_link(path); }
    std::uint64_t free_bytes(const fs::path& path) const override { return of(path).free_bytes(path); }
    std::shared_ptr<void> try_lock(const fs::path& path) const override { return of(path).try_lock(path); }

private:
    const io::FileSystem& of(const fs::path& path) const {
        const std::scoped_lock lock(mutex_);
        const auto found = std::find_if(disks_.begin(), disks_.end(),
                                        [&](const auto& one) { return path.native().starts_with(one.first); });
        return found == disks_.end() ? io::kernel_files() : *found->second;
    }
    const io::FileSystem& of(int fd) const {
        const std::scoped_lock lock(mutex_);
        const auto found = open_.find(fd);
        return found == open_.end() ? io::kernel_files() : *found->second;
    }
    int noted(int fd, const io::FileSystem& files) const {
        const std::scoped_lock lock(mutex_);
        open_[fd] = &files;
        return fd;
    }

    mutable std::mutex mutex_;
    std::vector<std::pair<std::string, const io::FileSystem*>> disks_;
    mutable std::map<int, const io::FileSystem*> open_;
};

Switch& the_switch() {
    static Switch one;
    return one;
}

}  // namespace

Disk::Disk(std::filesystem::path root) : root_(std::move(root)), lossy(io::kernel_files()) {
    files.obey(fate);
    the_switch().add(root_, files);
}

Disk::~Disk() {
    the_switch().remove_disk(root_);
}

}  // namespace vbackup::test

const vbackup::io::FileSystem& vbackup::io::real_files() {
    return test::the_switch();
}
