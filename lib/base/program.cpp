// SPDX-License-Identifier: Apache-2.0
#include "base/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <optional>
#include <vector>

namespace vbackup {

namespace {

class Pipe {
public:
    Pipe() {
        if (::pipe(ends_.data()) != 0) ends_ = {-1, -1};
        for (const int end : ends_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    }
    ~Pipe() {
        close_write();
        if (ends_[0] >= 0) ::close(ends_[0]);
    }
    // All of it lies in the pipe before anybody reads; false: it does not fit (pipe(7): 64 KiB).
    bool fill(std::string_view text) {
        ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
        return ::write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    bool good() const { return ends_[0] >= 0; }
    int read_end() const { return ends_[0]; }
    int write_end() const { return ends_[1]; }
    void close_write() {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

// What the command is started with: its three streams, no signal blocked or ignored, a group of its own so that all of it
// can be ended together.
class Setup {
public:
    // `input` -1: there is none.
    Setup(int input, int output, bool messages) {
        ::posix_spawn_file_actions_init(&streams_);
        if (input < 0)
            ::posix_spawn_file_actions_addopen(&streams_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        else
            ::posix_spawn_file_actions_adddup2(&streams_, input, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&streams_, output, STDOUT_FILENO);
        if (messages)
            ::posix_spawn_file_actions_adddup2(&streams_, output, STDERR_FILENO);
        else
            ::posix_spawn_file_actions_addopen(&streams_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawnattr_init(&attributes_);
        sigset_t signals;
        ::sigemptyset(&signals);
        ::posix_spawnattr_setsigmask(&attributes_, &signals);
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD}) ::sigaddset(&signals, number);
        ::posix_spawnattr_setsigdefault(&attributes_, &signals);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(&attributes_,
                                   POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~Setup() {
        ::posix_spawn_file_actions_destroy(&streams_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Setup(const Setup&) = delete;
    Setup& operator=(const Setup&) = delete;

    std::optional<pid_t> start(std::span<const std::string> arguments,
                               const std::map<std::string, std::string>& environment) const {
        std::vector<std::string> words(arguments.begin(), arguments.end());
        std::vector<std::string> lines;
        for (const auto& [name, value] : environment) lines.push_back(name + "=" + value);
        const auto words_then_null = pointers(words);
        const auto lines_then_null = pointers(lines);
        pid_t pid = 0;
        if (words.empty() || ::posix_spawn(&pid, words.front().c_str(), &streams_, &attributes_, words_then_null.data(),
                                           lines_then_null.data()) != 0) {
            return std::nullopt;
        }
        return pid;
    }

private:
    static std::vector<char*> pointers(std::vector<std::string>& texts) {
        std::vector<char*> all;
        for (std::string& text : texts) all.push_back(text.data());
        all.push_back(nullptr);
        return all;
    }

    posix_spawn_file_actions_t streams_{};
    posix_spawnattr_t attributes_{};
};

// How soon a stop is noticed.
constexpr int slice = 200;

int milliseconds_until(Instant deadline) {
    const auto left = std::chrono::ceil<Milliseconds>(deadline - system_clock().now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

// Reads until the output is closed; says `exited` then.
ProgramResult::End read_output(int fd, std::size_t most, Instant deadline, const std::stop_token& stop,
                               std::string& output) {
    output.assign(most + 1, '\0');
    std::size_t size = 0;
    auto end = ProgramResult::End::timed_out;
    while (milliseconds_until(deadline) > 0 && !stop.stop_requested()) {
        pollfd waiting{fd, POLLIN, 0};
        if (::poll(&waiting, 1, std::min(milliseconds_until(deadline), slice)) <= 0) continue;
        const ssize_t got = ::read(fd, output.data() + size, output.size() - size);
        if (got > 0) size += static_cast<std::size_t>(got);
        if (got == 0 || size > most) {
            end = size > most ? ProgramResult::End::too_long : ProgramResult::End::exited;
            break;
        }
    }
    output.resize(std::min(size, most));
    return end;
}

// The command's status once it has ended; empty when it outlives the deadline.
std::optional<int> await_end(pid_t pid, Instant deadline) {
    Milliseconds pause(1);
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(pid, &status, WNOHANG);
        if (ended == pid) return status;
        if ((ended < 0 && errno != EINTR) || system_clock().now() >= deadline) return std::nullopt;
        system_clock().sleep(pause, {});
        pause = std::min(pause * 2, Milliseconds(50));
    }
}

}  // namespace

ProgramResult run_program(std::span<const std::string> arguments, const std::map<std::string, std::string>& environment,
                          std::size_t most, Milliseconds limit, const std::stop_token& stop,
                          const ProgramStreams& streams) {
    const Instant deadline = system_clock().now() + limit;
    ProgramResult result;
    Pipe pipe, input;
    if (!pipe.good() || !input.good() || !input.fill(streams.input)) return result;
    input.close_write();
    const int from = streams.input.empty() ? -1 : input.read_end();
    const auto pid = Setup(from, pipe.write_end(), streams.messages).start(arguments, environment);
    if (!pid) return result;
    pipe.close_write();

    result.end = read_output(pipe.read_end(), most, deadline, stop, result.output);
    const auto status = result.end == ProgramResult::End::exited ? await_end(*pid, deadline) : std::nullopt;
    if (!status) {
        if (result.end == ProgramResult::End::exited) result.end = ProgramResult::End::timed_out;
        ::kill(-*pid, SIGKILL);
        ::waitpid(*pid, nullptr, 0);
        return result;
    }
    result.end = WIFEXITED(*status) ? ProgramResult::End::exited : ProgramResult::End::killed;
    result.code = WIFEXITED(*status) ? WEXITSTATUS(*status) : WTERMSIG(*status);
    return result;
}

}  // namespace vbackup
