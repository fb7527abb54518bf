// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "io/files.hpp"
#include "support/fate.hpp"

namespace vbackup::test {

// Passes every call on to another file system, counts and records it, and makes chosen ones fail. Counted are the calls
// that may throw; `close` is recorded only. Thread-safe.
class FaultFiles : public io::FileSystem {
public:
    explicit FaultFiles(const io::FileSystem& inner = io::real_files()) : inner_(inner) {}

    // From now on the `nth` counted call (1 is the next) fails with this reason; with `dead` all after it too, as when the
    // process is killed there.
    void fail_at(std::size_t nth, int code = EIO, bool dead = false);
    // The next call of this name fails: "sync", "rename", …
    void fail_next(const std::string& name, int code = EIO);
    // The calls of this name from the `nth` on (0 is the next), `times` of them, fail; a write that does has written half.
    void fail_named(const std::string& name, std::size_t nth, std::size_t times, int code = EIO);
    // After so many more bytes the disk is full: the write that would pass the limit is cut short and fails.
    void leave_room(std::uint64_t bytes);
    // No more faults, counting and recording begin anew.
    void heal();
    // From now on the calls that change something are that process's, and end with it. It must outlive this.
    void obey(Fate& fate);

    std::size_t calls() const;  // counted since the last change of plan
    bool failed() const;        // whether a fault was given since then
    std::map<std::string, std::size_t> calls_by_name() const;
    std::uint64_t written() const;            // bytes
    std::vector<std::string> record() const;  // "write b.part", "sync b.part", "rename b.part b"

    int open_write(const std::filesystem::path& path, bool append) const override;
    int open_read(const std::filesystem::path& path) const override;
    std::size_t write(int fd, std::span<const std::byte> bytes) const override;
    std::size_t read(int fd, std::span<std::byte> into) const override;
    void seek(int fd, std::uint64_t offset) const override;
    void truncate(int fd, std::uint64_t size) const override;
    void sync(int fd) const override;
    void close(int fd) const override;
    void start_writeback(int fd, std::uint64_t offset, std::uint64_t length) const override;
    void rename(const std::filesystem::path& from, const std::filesystem::path& to) const override;
    void sync_directory(const std::filesystem::path& path) const override;
    void make_directories(const std::filesystem::path& path) const override;
    void remove(const std::filesystem::path& path) const override;
    std::optional<std::uint64_t> size(const std::filesystem::path& path) const override;
    std::vector<std::string> list(const std::filesystem::path& path) const override;
    bool is_directory(const std::filesystem::path& path) const override { return inner_.is_directory(path); }
    bool is_link(const std::filesystem::path& path) const override { return inner_.is_link(path); }
    std::uint64_t free_bytes(const std::filesystem::path& path) const override;
    std::shared_ptr<void> try_lock(const std::filesystem::path& path) const override;

private:
    struct State {
        std::size_t calls = 0;
        std::size_t fail_at = 0;  // 0: never
        bool dead = false;
        std::string fail_name;
        int code = EIO;
        std::size_t nth = 0, times = 0;  // of the calls called `named`
        std::string named;
        std::optional<std::uint64_t> room;
        std::map<std::string, std::size_t> by_name;
        std::uint64_t written = 0;
        bool failed = false;
        std::vector<std::string> record;
        std::map<int, std::string> names;  // of open files
    };

    // What becomes of a call.
    struct Ruling {
        bool fails = false;
        bool half = false;  // a write has written half of it
        int code = EIO;
    };
    Ruling rule(const std::string& name, const std::string& what) const;
    void note(const std::string& name, const std::string& what) const;
    void note(const std::string& name, int fd) const;
    void plan(State fresh);
    std::string name_of(int fd) const;
    int opened(int fd, const std::filesystem::path& path) const;

    const io::FileSystem& inner_;
    mutable std::mutex mutex_;
    mutable State state_;
    Fate* fate_ = nullptr;
};

}  // namespace vbackup::test
