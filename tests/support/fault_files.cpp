// SPDX-License-Identifier: Apache-2.0
#include "support/fault_files.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace vbackup::test {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& call, int code) {
    throw Error(ErrorKind::storage, "fault: " + call + ": " + std::generic_category().message(code));
}

}  // namespace

void FaultFiles::plan(State fresh) {
    const std::lock_guard lock(mutex_);
    fresh.names = std::move(state_.names);
    state_ = std::move(fresh);
}

void FaultFiles::fail_at(std::size_t nth, int code, bool dead) {
    State fresh;
    fresh.fail_at = nth;
    fresh.code = code;
    fresh.dead = dead;
    plan(std::move(fresh));
}

void FaultFiles::fail_next(const std::string& name, int code) {
    State fresh;
    fresh.fail_name = name;
    fresh.code = code;
    plan(std::move(fresh));
}

void FaultFiles::fail_named(const std::string& name, std::size_t nth, std::size_t times, int code) {
    State fresh;
    fresh.named = name;
    fresh.nth = nth;
    fresh.times = times;
    fresh.code = code;
    plan(std::move(fresh));
}

void FaultFiles::leave_room(std::uint64_t bytes) {
    State fresh;
    fresh.room = bytes;
    plan(std::move(fresh));
}

void FaultFiles::heal() {
    plan({});
}

void FaultFiles::obey(Fate& fate) {
    const std::lock_guard lock(mutex_);
    fate_ = &fate;
}

std::map<std::string, std::size_t> FaultFiles::calls_by_name() const {
    const std::lock_guard lock(mutex_);
    return state_.by_name;
}

std::uint64_t FaultFiles::written() const {
    const std::lock_guard lock(mutex_);
    return state_.written;
}

std::size_t FaultFiles::calls() const {
    const std::lock_guard lock(mutex_);
    return state_.calls;
}

bool FaultFiles::failed() const {
    const std::lock_guard lock(mutex_);
    return state_.failed;
}

std::vector<std::string> FaultFiles::record() const {
    const std::lock_guard lock(mutex_);
    return state_.record;
}

FaultFiles::Ruling FaultFiles::rule(const std::string& name, const std::string& what) const {
    const std::lock_guard lock(mutex_);
    state_.record.push_back(name + " " + what);
    ++state_.calls;
    const auto before = state_.by_name[name]++;
    const bool changes = name != "open_read" && name != "read" && name != "seek" && name != "size" && name != "list" &&
                         name != "free_bytes" && name != "try_lock";
    if (fate_ != nullptr && changes) {
        const auto call = fate_->next(name);
        if (call == Fate::Call::nothing) return {.fails = true};
        if (call == Fate::Call::last && name == "write") return {.fails = true, .half = true};
    } else if (fate_ != nullptr && fate_->is_dead()) {
        return {.fails = true};
    }
    const bool is_named = state_.named == name && before >= state_.nth && before - state_.nth < state_.times;
    const bool is_next = !state_.fail_name.empty() && state_.fail_name == name;
    const bool is_nth =
        state_.fail_at != 0 && (state_.dead ? state_.calls >= state_.fail_at : state_.calls == state_.fail_at);
    if (!is_next && !is_nth && !is_named) return {};
    state_.fail_name.clear();
    state_.failed = true;
    return {.fails = true, .half = is_named, .code = state_.code};
}

void FaultFiles::note(const std::string& name, const std::string& what) const {
    const auto ruling = rule(name, what);
    if (ruling.fails) fail(name + " " + what, ruling.code);
}

void FaultFiles::note(const std::string& name, int fd) const {
    note(name, name_of(fd));
}

std::string FaultFiles::name_of(int fd) const {
    const std::lock_guard lock(mutex_);
    return state_.names[fd];
}

int FaultFiles::opened(int fd, const fs::path& path) const {
    const std::lock_guard lock(mutex_);
    state_.names[fd] = path.filename().string();
    return fd;
}

int FaultFiles::open_write(const fs::path& path, bool append) const {
    note("open_write", path.filename().string());
    return opened(inner_.open_write(path, append), path);
}

int FaultFiles::open_read(const fs::path& path) const {
    note("open_read", path.filename().string());
    return opened(inner_.open_read(path), path);
}

std::size_t FaultFiles::write(int fd, std::span<const std::byte> bytes) const {
    const auto ruling = rule("write", name_of(fd));
    if (ruling.half) inner_.write(fd, bytes.first(bytes.size() / 2));
    if (ruling.fails) fail("write " + name_of(fd), ruling.code);
    std::uint64_t taken = bytes.size();
    {
        const std::lock_guard lock(mutex_);
        state_.written += taken;
        if (state_.room) taken = std::min(taken, *state_.room);
        if (state_.room) *state_.room -= taken;
        if (taken < bytes.size()) state_.failed = true;
    }
    inner_.write(fd, bytes.first(static_cast<std::size_t>(taken)));
    if (taken < bytes.size()) fail("write " + name_of(fd), ENOSPC);
    return bytes.size();
}

std::size_t FaultFiles::read(int fd, std::span<std::byte> into) const {
    note("read", fd);
    return inner_.read(fd, into);
}

void FaultFiles::seek(int fd, std::uint64_t offset) const {
    note("seek", fd);
    inner_.seek(fd, offset);
}

void FaultFiles::truncate(int fd, std::uint64_t size) const {
    note("truncate", fd);
    inner_.truncate(fd, size);
}

void FaultFiles::sync(int fd) const {
    note("sync", fd);
    inner_.sync(fd);
}

void FaultFiles::close(int fd) const {
    {
        const std::lock_guard lock(mutex_);
        state_.record.push_back("close " + state_.names[fd]);
        state_.names.erase(fd);
    }
    inner_.close(fd);
}

void FaultFiles::start_writeback(int fd, std::uint64_t offset, std::uint64_t length) const {
    const std::string name = name_of(fd);
    {
        const std::lock_guard lock(mutex_);
        state_.record.push_back("start_writeback " + name + " " + std::to_string(offset) + " " +
                                std::to_string(length));
    }
    inner_.start_writeback(fd, offset, length);
}

void FaultFiles::rename(const fs::path& from, const fs::path& to) const {
    note("rename", from.filename().string() + " " + to.filename().string());
    inner_.rename(from, to);
}

void FaultFiles::sync_directory(const fs::path& path) const {
    note("sync_directory", path.filename().string());
    inner_.sync_directory(path);
}

void FaultFiles::make_directories(const fs::path& path) const {
    note("make_directories", path.filename().string());
    inner_.make_directories(path);
}

void FaultFiles::remove(const fs::path& path) const {
    note("remove", path.filename().string());
    inner_.remove(path);
}

std::optional<std::uint64_t> FaultFiles::size(const fs::path& path) const {
    note("size", path.filename().string());
    return inner_.size(path);
}

std::vector<std::string> FaultFiles::list(const fs::path& path) const {
    note("list", path.filename().string());
    return inner_.list(path);
}

std::uint64_t FaultFiles::free_bytes(const fs::path& path) const {
    note("free_bytes", path.filename().string());
    return inner_.free_bytes(path);
}

std::shared_ptr<void> FaultFiles::try_lock(const fs::path& path) const {
    note("try_lock", path.filename().string());
    return inner_.try_lock(path);
}

}  // namespace vbackup::test
