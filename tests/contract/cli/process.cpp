// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

namespace vbackup::test {

namespace {

std::string read_whole(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::filesystem::path& path, int number) {
    const int opened = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(opened, number);
    ::close(opened);
}

void put_pipe_without_reader(int number) {
    int ends[2] = {-1, -1};
    if (::pipe(ends) != 0) ::_exit(99);
    ::dup2(ends[1], number);
    ::close(ends[0]);
    ::close(ends[1]);
}

}  // namespace

Process::Process(std::vector<std::string> arguments, Out out, std::vector<std::string> environment) {
    pid_ = ::fork();
    if (pid_ == 0) become(arguments, out, std::move(environment));
}

Process::~Process() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Process::become(const std::vector<std::string>& arguments, Out out, std::vector<std::string> environment) const {
    put(folder_ / "err", STDERR_FILENO);
    switch (out) {
        case Out::file:
            put(folder_ / "out", STDOUT_FILENO);
            break;
        case Out::closed:
            ::close(STDOUT_FILENO);
            break;
        case Out::full:
            put("/dev/full", STDOUT_FILENO);
            break;
        case Out::left:
            put_pipe_without_reader(STDOUT_FILENO);
            break;
    }
    environment.push_back("HOME=" + folder_.path().string());
    const auto pointers = [](std::vector<std::string>& texts) {
        std::vector<char*> out_of;
        for (auto& text : texts) out_of.push_back(text.data());
        out_of.push_back(nullptr);
        return out_of;
    };
    std::vector<std::string> texts{VBACKUP_PROGRAM};
    texts.insert(texts.end(), arguments.begin(), arguments.end());
    const auto words = pointers(texts), variables = pointers(environment);
    ::execve(words.front(), words.data(), variables.data());
    ::_exit(98);
}

void Process::signal(int number) const {
    ::kill(pid_, number);
}

Ended Process::end() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), read_whole(folder_ / "out"),
            read_whole(folder_ / "err")};
}

}  // namespace vbackup::test
