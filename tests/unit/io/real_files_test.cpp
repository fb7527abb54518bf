// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "io/files.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::io;

namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

Error error_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("no error");
    return Error(ErrorKind::failed, "");
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Puts signals in the way of a blocking read: the first one interrupts it, the second brings it a byte. No SA_RESTART, so
// that the call returns EINTR.
volatile sig_atomic_t alarms = 0;
int alarm_pipe = -1;

void on_alarm(int) {
    alarms = alarms + 1;
    if (alarms == 2) [[maybe_unused]]
        const ssize_t ignored = ::write(alarm_pipe, "x", 1);
}

class Alarms {
public:
    explicit Alarms(int pipe) {
        alarms = 0;
        alarm_pipe = pipe;
        struct sigaction action {};
        action.sa_handler = on_alarm;
        ::sigaction(SIGALRM, &action, &before_);
        const itimerval often{{0, 2000}, {0, 2000}};
        ::setitimer(ITIMER_REAL, &often, nullptr);
    }
    ~Alarms() {
        const itimerval never{};
        ::setitimer(ITIMER_REAL, &never, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }
    Alarms(const Alarms&) = delete;
    Alarms& operator=(const Alarms&) = delete;

private:
    struct sigaction before_ {};
};

// The largest file this process may write; beyond it write(2) first takes a part and then fails with EFBIG.
class FileLimit {
public:
    explicit FileLimit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit now{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
        signal_ = std::signal(SIGXFSZ, SIG_IGN);
    }
    ~FileLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_);
    }
    FileLimit(const FileLimit&) = delete;
    FileLimit& operator=(const FileLimit&) = delete;

private:
    rlimit before_{};
    void (*signal_)(int) = nullptr;
};

}  // namespace

TEST_CASE("a missing file is not_found, also behind a file") {
    const test::TemporaryFolder folder;
    CHECK(error_of([&] { read_file(real_files(), folder / "none"); }).kind() == ErrorKind::not_found);
    write_file(real_files(), folder / "file", "x");
    CHECK(error_of([&] { read_file(real_files(), folder / "file/none"); }).kind() == ErrorKind::not_found);
    CHECK(real_files().size(folder / "none") == std::nullopt);
    CHECK(real_files().size(folder / "file/none") == std::nullopt);
    CHECK(real_files().size(folder.path()) == std::nullopt);
    CHECK(real_files().size(folder / "file") == 1);
}

TEST_CASE("a pipe is no file, and is not waited for") {
    const test::TemporaryFolder folder;
    const auto pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(error_of([&] { read_file(real_files(), pipe); }).message() ==
          "cannot read " + pipe.string() + ": it is a pipe and no file");
    // Nor while somebody writes into it.
    const int writer = ::open(pipe.c_str(), O_RDWR);
    CHECK(error_of([&] { read_file(real_files(), pipe); }).kind() == ErrorKind::storage);
    ::close(writer);
}

TEST_CASE("an error names the path, the system's reason and what to do") {
    const test::TemporaryFolder folder;
    write_file(real_files(), folder / "file", "x");
    const Error error = error_of([&] { write_file(real_files(), folder / "file/below", "x"); });
    CHECK(error.kind() == ErrorKind::storage);
    CHECK(contains(error.message(), (folder / "file").string()));
    CHECK(error_of([&] { real_files().rename(folder / "none", folder / "to"); }).message() ==
          "cannot rename to " + (folder / "to").string() + ": No such file or directory");
}

TEST_CASE("a full disk says how to go on") {
    if (::access("/dev/full", W_OK) != 0) return;
    const int fd = real_files().open_write("/dev/full", false);
    const Error error = error_of([&] { real_files().write(fd, bytes_of("x")); });
    real_files().close(fd);
    CHECK(error.kind() == ErrorKind::storage);
    CHECK(contains(error.message(), "cannot write /dev/full: No space left on device"));
    CHECK(contains(error.hint(), "free some space"));
}

TEST_CASE("a short write is carried on until the system says why it cannot") {
    const test::TemporaryFolder folder;
    const std::string text(3000, 'x');
    const int fd = real_files().open_write(folder / "file", false);
    {
        const FileLimit limit(1000);
        const Error error = error_of([&] { real_files().write(fd, bytes_of(text)); });
        CHECK(error.kind() == ErrorKind::storage);
        CHECK(contains(error.message(), "File too large"));
    }
    CHECK(real_files().size(folder / "file") == 1000);
    CHECK(real_files().write(fd, bytes_of(text)) == 3000);
    real_files().close(fd);
    CHECK(real_files().size(folder / "file") == 4000);
}

TEST_CASE("a write to a full pipe is whole when the reader is slow") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t reader = ::fork();
    if (reader == 0) {
        // Reads little by little and says by its exit code whether all came.
        ::close(ends[1]);
        std::size_t total = 0;
        std::array<char, 1000> few{};
        for (ssize_t count = 1; count > 0; total += static_cast<std::size_t>(count)) {
            count = ::read(ends[0], few.data(), few.size());
        }
        ::_exit(total == 300'000 ? 0 : 1);
    }
    ::close(ends[0]);
    CHECK(real_files().write(ends[1], bytes_of(std::string(300'000, 'x'))) == 300'000);
    ::close(ends[1]);
    int status = -1;
    ::waitpid(reader, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("a signal does not end a read") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    std::array<std::byte, 10> into{};
    {
        const Alarms alarms_on(ends[1]);
        CHECK(real_files().read(ends[0], into) == 1);
    }
    CHECK(alarms >= 2);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("files do not outlive an exec") {
    const test::TemporaryFolder folder;
    const int written = real_files().open_write(folder / "file", false);
    const int read = real_files().open_read(folder / "file");
    CHECK((::fcntl(written, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(read, F_GETFD) & FD_CLOEXEC) != 0);
    real_files().close(written);
    real_files().close(read);
}

TEST_CASE("a file source begins at its offset") {
    const test::TemporaryFolder folder;
    write_file(real_files(), folder / "file", "hello world");
    const auto source = file_source(real_files(), folder / "file", 6);
    CHECK(source->offset() == 6);
    CHECK(source->size() == 11);
    CHECK(read_all(*source, 100) == "world");
    CHECK(read_file(real_files(), folder / "file", 11) == "hello world");
    CHECK(error_of([&] { read_file(real_files(), folder / "file", 10); }).kind() == ErrorKind::not_understood);
}

TEST_CASE("list is sorted, and empty for a folder that is not there") {
    const test::TemporaryFolder folder;
    for (const char* name : {"b", "a", "ü", ".hidden", "c"}) write_file(real_files(), folder / name, "");
    CHECK(real_files().list(folder.path()) == std::vector<std::string>{".hidden", "a", "b", "c", "ü"});
    CHECK(real_files().list(folder / "none").empty());
}

TEST_CASE("remove takes files, empty folders and links, and nothing is fine") {
    const test::TemporaryFolder folder;
    write_file(real_files(), folder / "full/file", "x");
    fs::create_directory_symlink(folder / "full", folder / "link");
    CHECK(real_files().is_link(folder / "link"));
    CHECK_FALSE(real_files().is_link(folder / "full"));
    CHECK(real_files().is_directory(folder / "link"));
    real_files().remove(folder / "link");
    real_files().remove(folder / "none");
    real_files().remove(folder / "full/file/none");
    CHECK(error_of([&] { real_files().remove(folder / "full"); }).kind() == ErrorKind::storage);
    real_files().remove(folder / "full/file");
    real_files().remove(folder / "full");
    CHECK(real_files().list(folder.path()).empty());
}

TEST_CASE("folders are made with mode 0700, and making them again is fine") {
    const test::TemporaryFolder folder;
    real_files().make_directories(folder / "a/b/c");
    real_files().make_directories(folder / "a/b/c");
    CHECK(fs::status(folder / "a/b").permissions() == fs::perms::owner_all);
    write_file(real_files(), folder / "file", "x");
    CHECK(error_of([&] { real_files().make_directories(folder / "file"); }).kind() == ErrorKind::storage);
}

TEST_CASE("free space is that of the nearest parent which exists") {
    const test::TemporaryFolder folder;
    const fs::space_info space = fs::space(folder.path());
    const std::uint64_t told = real_files().free_bytes(folder / "not/yet/there");
    // Others write to this disk meanwhile.
    CHECK(told <= space.capacity);
    CHECK(told > 0);
}

TEST_CASE("a lock is held by one, says by whom, and leaves no file") {
    const test::TemporaryFolder folder;
    const fs::path path = folder / "lock";
    auto held = real_files().try_lock(path);
    REQUIRE(held);
    CHECK(read_file(real_files(), path) == std::to_string(::getpid()) + "\n");
    CHECK_FALSE(real_files().try_lock(path));
    CHECK(real_files().try_lock(folder / "other"));
    held.reset();
    CHECK_FALSE(fs::exists(path));
    CHECK(real_files().try_lock(path));
}

TEST_CASE("a lock dies with its process, and its file does not hold anyone up") {
    const test::TemporaryFolder folder;
    const fs::path path = folder / "lock";
    const pid_t child = ::fork();
    if (child == 0) {
        const auto held = real_files().try_lock(path);
        ::_exit(held ? 0 : 1);  // without unwinding, as a kill
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
    REQUIRE(fs::exists(path));
    const auto held = real_files().try_lock(path);
    CHECK(held);
    CHECK(read_file(real_files(), path) == std::to_string(::getpid()) + "\n");
}

TEST_CASE("a lock whose file was removed and made anew does not remove the other's") {
    const test::TemporaryFolder folder;
    const fs::path path = folder / "lock";
    auto first = real_files().try_lock(path);
    fs::remove(path);
    const auto second = real_files().try_lock(path);
    REQUIRE(second);
    first.reset();
    CHECK(fs::exists(path));
    CHECK_FALSE(real_files().try_lock(path));
}

// Whoever lets a lock go removes its file, which another may have opened a moment before.
TEST_CASE("a lock that changes hands all the time is never held twice") {
    const test::TemporaryFolder folder;
    const auto compete = [&] {
        const std::string marker = (folder / "marker").string();
        for (int held = 0; held < 150;) {
            const auto lock = real_files().try_lock(folder / "lock");
            if (!lock) continue;
            ++held;
            const int fd = ::open(marker.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
            if (fd < 0) return 1;
            ::close(fd);
            ::unlink(marker.c_str());
        }
        return 0;
    };
    std::array<pid_t, 3> children{};
    for (pid_t& child : children) {
        child = ::fork();
        if (child == 0) ::_exit(compete());
    }
    for (const pid_t child : children) {
        int status = -1;
        ::waitpid(child, &status, 0);
        CHECK(status == 0);
    }
}
