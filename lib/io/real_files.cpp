// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/error.hpp"
#include "io/files.hpp"

namespace vbackup::io {

namespace {

namespace fs = std::filesystem;

constexpr mode_t file_mode = 0600;
constexpr mode_t directory_mode = 0700;

std::string hint_for(int code) {
    switch (code) {
        case ENOSPC:
        case EDQUOT:
            return "free some space there (vbackup prune or delete removes backups), or choose another store with --to";
        case EACCES:
        case EPERM:
            return "give this user the permission to read and write there, or choose another store";
        case EROFS:
            return "that file system is mounted read-only: remount it with write permission, or choose another store";
        case EIO:
            return "the disk reports an error: see the system's log (dmesg), then choose another store";
        case EFBIG:
            return "the file is larger than that file system or this user's limit (ulimit -f) allows";
        default:
            return {};
    }
}

[[noreturn]] void fail(std::string_view action, const std::string& place, int code) {
    throw Error(ErrorKind::storage,
                fmt::format("cannot {} {}: {}", action, place, std::generic_category().message(code)), hint_for(code));
}

[[noreturn]] void fail(std::string_view action, const fs::path& path) {
    fail(action, path.native(), errno);
}

// The path behind an open file, for messages: the calls that take a descriptor know no other name of it.
std::string place_of(int fd) {
    std::string target(4096, '\0');
    const ssize_t size = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), target.data(), target.size());
    if (size <= 0) return fmt::format("file {}", fd);
    target.resize(static_cast<std::size_t>(size));
    return target;
}

[[noreturn]] void fail(std::string_view action, int fd) {
    const int code = errno;  // place_of would change it
    fail(action, place_of(fd), code);
}

// Repeats a call that a signal interrupted.
template <typename Function>
auto uninterrupted(Function function) {
    for (;;) {
        const auto result = function();
        if (result != -1 || errno != EINTR) return result;
    }
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

int open_file(const fs::path& path, int flags) {
    return uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, file_mode); });
}

bool same_file(int fd, const fs::path& path) {
    struct stat held {};
    struct stat named {};
    return ::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

// Only for people and for the message of who does not get the lock: a full disk must not keep a delete from its lock.
void note_holder(int fd) {
    const std::string text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) == 0) [[maybe_unused]]
        const ssize_t ignored = ::write(fd, text.data(), text.size());
}

// A held lock. The file goes with it: whoever takes a lock checks that its file is still the one under that name.
class Lock {
public:
    Lock(fs::path path, int fd) : path_(std::move(path)), fd_(fd) {}
    ~Lock() {
        if (same_file(fd_.get(), path_)) ::unlink(path_.c_str());
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

private:
    fs::path path_;
    Descriptor fd_;  // closed after the file is gone, which frees the lock
};

class RealFiles final : public FileSystem {
public:
    int open_write(const fs::path& path, bool append) const override {
        const int fd = open_file(path, O_WRONLY | O_CREAT | (append ? 0 : O_TRUNC));
        if (fd < 0) fail("write", path);
        if (append && ::lseek(fd, 0, SEEK_END) < 0) {
            const int code = errno;
            ::close(fd);
            fail("write", path.native(), code);
        }
        return fd;
    }

    int open_read(const fs::path& path) const override {
        // Opening a pipe would otherwise wait for somebody who writes into it, and no signal would end that.
        int fd = open_file(path, O_RDONLY | O_NONBLOCK);
        // Only a file that another program holds a lease on: that one gives it back soon.
        if (fd < 0 && errno == EWOULDBLOCK) fd = open_file(path, O_RDONLY);
        if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
            throw Error(ErrorKind::not_found, fmt::format("there is no file {}", path.native()));
        }
        if (fd < 0) fail("read", path);
        struct stat facts {};
        if (::fstat(fd, &facts) != 0 || S_ISFIFO(facts.st_mode)) {
            ::close(fd);
            throw Error(ErrorKind::storage, fmt::format("cannot read {}: it is a pipe and no file", path.native()),
                        "write what comes out of it into a file, and name that");
        }
#ifdef POSIX_FADV_SEQUENTIAL
        ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
        return fd;
    }

    std::size_t write(int fd, std::span<const std::byte> bytes) const override {
        for (std::size_t done = 0; done < bytes.size();) {
            const std::span<const std::byte> rest = bytes.subspan(done);
            const ssize_t count = uninterrupted([&] { return ::write(fd, rest.data(), rest.size()); });
            if (count < 0) fail("write", fd);
            done += static_cast<std::size_t>(count);
        }
        return bytes.size();
    }

    std::size_t read(int fd, std::span<std::byte> into) const override {
        const ssize_t count = uninterrupted([&] { return ::read(fd, into.data(), into.size()); });
        if (count < 0) fail("read", fd);
        return static_cast<std::size_t>(count);
    }

    void seek(int fd, std::uint64_t offset) const override {
        if (::lseek(fd, static_cast<off_t>(offset), SEEK_SET) < 0) fail("seek in", fd);
    }

    void truncate(int fd, std::uint64_t size) const override {
        if (uninterrupted([&] { return ::ftruncate(fd, static_cast<off_t>(size)); }) < 0) fail("truncate", fd);
    }

    void sync(int fd) const override {
        if (uninterrupted([&] { return ::fsync(fd); }) < 0) fail("sync", fd);
    }

    // On Linux the descriptor is gone even when close reports a signal or an error; `sync` has reported what matters.
    void close(int fd) const override {
        ::close(fd);
    }

    void start_writeback([[maybe_unused]] int fd, [[maybe_unused]] std::uint64_t offset,
                         [[maybe_unused]] std::uint64_t length) const override {
#ifdef SYNC_FILE_RANGE_WRITE
        // Not all file systems can; `sync` does the whole work then, and reports what this call does not.
        ::sync_file_range(fd, static_cast<off64_t>(offset), static_cast<off64_t>(length), SYNC_FILE_RANGE_WRITE);
#endif
    }

    void rename(const fs::path& from, const fs::path& to) const override {
        if (::rename(from.c_str(), to.c_str()) < 0) fail("rename to", to);
    }

    void sync_directory(const fs::path& path) const override {
        const Descriptor directory(open_file(path, O_RDONLY | O_DIRECTORY));
        if (directory.get() < 0) fail("sync the folder", path);
        // Some file systems cannot sync a folder and say EINVAL; there is nothing more that could be done there.
        if (uninterrupted([&] { return ::fsync(directory.get()); }) < 0 && errno != EINVAL) {
            fail("sync the folder", path);
        }
    }

    void make_directories(const fs::path& path) const override {
        if (path.empty() || is_directory(path)) return;
        make_directories(path.parent_path());
        if (::mkdir(path.c_str(), directory_mode) < 0) {
            if (errno == EEXIST && is_directory(path)) return;  // another run was quicker
            fail("make the folder", path);
        }
        sync_directory(path.has_parent_path() ? path.parent_path() : fs::path("."));
    }

    void remove(const fs::path& path) const override {
        if (::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return;
        // Unlinking a folder is EISDIR on Linux and EPERM elsewhere.
        if (errno != EISDIR && errno != EPERM) fail("remove", path);
        if (::rmdir(path.c_str()) < 0 && errno != ENOENT) fail("remove", path);
    }

    std::optional<std::uint64_t> size(const fs::path& path) const override {
        struct stat facts {};
        if (::stat(path.c_str(), &facts) < 0) {
            if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
            fail("look at", path);
        }
        if (!S_ISREG(facts.st_mode)) return std::nullopt;
        return static_cast<std::uint64_t>(facts.st_size);
    }

    std::vector<std::string> list(const fs::path& path) const override;

    bool is_directory(const fs::path& path) const override {
        struct stat facts {};
        return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
    }

    bool is_link(const fs::path& path) const override {
        struct stat facts {};
        return ::lstat(path.c_str(), &facts) == 0 && S_ISLNK(facts.st_mode);
    }

    std::uint64_t free_bytes(const fs::path& path) const override {
        fs::path place = fs::absolute(path);
        while (!is_directory(place) && place.has_relative_path()) place = place.parent_path();
        struct statvfs facts {};
        if (::statvfs(place.c_str(), &facts) < 0) fail("see the free space of", place);
        return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
    }

    std::shared_ptr<void> try_lock(const fs::path& path) const override;
};

std::vector<std::string> RealFiles::list(const fs::path& path) const {
    struct CloseDirectory {
        void operator()(DIR* directory) const { ::closedir(directory); }
    };
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
    if (!directory) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        fail("list", path);
    }
    std::vector<std::string> names;
    for (errno = 0; const dirent* entry = ::readdir(directory.get()); errno = 0) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) fail("list", path);
    std::sort(names.begin(), names.end());
    return names;
}

std::shared_ptr<void> RealFiles::try_lock(const fs::path& path) const {
    for (;;) {
        const int fd = open_file(path, O_RDWR | O_CREAT);
        if (fd < 0) fail("lock", path);
        if (uninterrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) < 0) {
            const int code = errno;
            ::close(fd);
            if (code == EWOULDBLOCK) return nullptr;
            fail("lock", path.native(), code);
        }
        if (same_file(fd, path)) {
            auto lock = std::make_shared<Lock>(path, fd);
            note_holder(fd);
            return lock;
        }
        // Its holder removed the file between our open and our lock: what we hold is nobody's name any more.
        ::close(fd);
    }
}

}  // namespace

const FileSystem& real_files() {
    static const RealFiles files;
    return files;
}

}  // namespace vbackup::io
