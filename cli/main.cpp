// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command/run.hpp"

namespace {

namespace cli = vbackup::cli;

constexpr std::size_t usual_width = 80;
constexpr std::size_t least_width = 20;

// A signal cannot reach anything but a global.
std::atomic<int> arrived{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal may only touch what needs no lock");

// The first one ends the wait; the second one ends the program at once.
extern "C" void note_signal(int number) {
    if (arrived.exchange(number) != 0) _exit(128 + number);
}

void catch_signals() {
    std::signal(SIGPIPE, SIG_IGN);  // a reader that left is seen where the result is written
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction before = {};
        // What nohup or a shell's background ignores stays ignored.
        if (sigaction(number, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
        struct sigaction action = {};
        action.sa_handler = note_signal;
        sigaction(number, &action, nullptr);
    }
}

// With one of the first three closed, the next file opened would be taken for it: a backup's bytes or a result would go
// to the wrong place. Opened the wrong way round, so that using one is an error.
void fill_closed_streams() {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (fcntl(number, F_GETFD) < 0 && open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) != number)
            _exit(1);
}

// A core has every key in it. Children that are other programs dump as their own limits say again once they raise them.
void forbid_core_dumps() {
    struct rlimit limit = {};
    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &limit);
    }
#ifdef __linux__
    // The limit does not hold where the kernel pipes cores to a program (core(5)). Nor can others of this user read its memory.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

int write_all(int number, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto count = write(number, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) return errno;
        if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return 0;
}

// So long a pipe is waited for before whoever asked may look at signals and the deadline again.
constexpr int patience = 100;  // milliseconds

// 0 when a byte can be moved without waiting.
int wait_for(int number, short what) {
    struct pollfd one = {number, what, 0};
    const int ready = poll(&one, 1, patience);
    if (ready < 0) return errno == EINTR ? EAGAIN : errno;
    return ready == 0 ? EAGAIN : 0;
}

int failure_of(ssize_t count) {
    if (count >= 0) return 0;
    return errno == EINTR ? EAGAIN : errno;
}

int read_bytes(std::span<std::byte> into, std::size_t& moved) {
    if (const int failure = wait_for(STDIN_FILENO, POLLIN); failure != 0) return failure;
    const auto count = read(STDIN_FILENO, into.data(), into.size());
    moved = count > 0 ? static_cast<std::size_t>(count) : 0;
    return failure_of(count);
}

// A pipe that is ready takes PIPE_BUF bytes without waiting, and may make wait for more (poll(2), pipe(7)).
int write_bytes(std::span<const std::byte> bytes, std::size_t& moved) {
    if (const int failure = wait_for(STDOUT_FILENO, POLLOUT); failure != 0) return failure;
    struct stat status = {};
    const bool file = fstat(STDOUT_FILENO, &status) == 0 && S_ISREG(status.st_mode);
    const auto count =
        write(STDOUT_FILENO, bytes.data(), file ? bytes.size() : std::min<std::size_t>(bytes.size(), PIPE_BUF));
    moved = count > 0 ? static_cast<std::size_t>(count) : 0;
    return failure_of(count);
}

// A line that a person types; empty on a signal or at the end.
std::string ask(std::string_view question) {
    const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0) return {};
    write_all(terminal, question);
    std::string line;
    char letter = 0;
    while (read(terminal, &letter, 1) == 1 && letter != '\n') line += letter;
    close(terminal);
    return arrived.load() == 0 ? line : std::string();
}

bool tell(std::string_view text) {
    const int terminal = open("/dev/tty", O_WRONLY | O_CLOEXEC);
    if (terminal < 0) return false;
    const bool told = write_all(terminal, text) == 0;
    close(terminal);
    return told;
}

std::size_t width_of_terminal(const vbackup::config::Environment& environment) {
    struct winsize size = {};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return std::max<std::size_t>(size.ws_col, least_width);
    const auto columns = vbackup::config::variable(environment, "COLUMNS").value_or("");
    const auto number = std::strtoul(columns.c_str(), nullptr, 10);
    return number == 0 ? usual_width : std::clamp<std::size_t>(number, least_width, 1000);
}

int run(int count, char** words) {
    auto environment = vbackup::config::process_environment();
    const auto width = width_of_terminal(environment);
    const bool person = isatty(STDIN_FILENO) != 0 && isatty(STDERR_FILENO) != 0;
    cli::Surroundings around{.environment = std::move(environment),
                             .out = [](std::string_view bytes) { return write_all(STDOUT_FILENO, bytes); },
                             .err = [](std::string_view bytes) { return write_all(STDERR_FILENO, bytes); },
                             .out_terminal = isatty(STDOUT_FILENO) != 0,
                             .err_terminal = isatty(STDERR_FILENO) != 0,
                             .width = width,
                             .ask = person ? ask : std::function<std::string(std::string_view)>(),
                             .tell = person ? tell : std::function<bool(std::string_view)>(),
                             .read_bytes = read_bytes,
                             .write_bytes = write_bytes,
                             .pulse = &vbackup::system_clock(),
                             .signal = &arrived};
    return cli::run_cli(std::vector<std::string>(words + std::min(count, 1), words + count), around);
}

}  // namespace

int main(int count, char** words) {
    forbid_core_dumps();
    fill_closed_streams();
    catch_signals();
    try {
        return run(count, words);
    } catch (...) {
        write_all(STDERR_FILENO, "vbackup: a fault of vbackup that nothing is known about\n");
        return 1;
    }
}
