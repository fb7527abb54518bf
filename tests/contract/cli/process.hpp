// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/temporary.hpp"

namespace vbackup::test {

struct Ended {
    int code = 0;  // exit code, or 1000 plus the signal that killed it
    std::string out;
    std::string err;
};

// The built program as a process of its own, without a terminal, with HOME in a folder that goes away. stdout and
// stderr go to files, so that nothing blocks.
class Process {
public:
    enum class Out { file, closed, full, left };  // left: a pipe whose reader has gone

    // `environment` is all it has besides HOME: "NAME=VALUE".
    explicit Process(std::vector<std::string> arguments, Out out = Out::file,
                     std::vector<std::string> environment = {});
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void signal(int number) const;
    pid_t pid() const { return pid_; }
    // Waits for the end.
    Ended end();

private:
    [[noreturn]] void become(const std::vector<std::string>& arguments, Out out,
                             std::vector<std::string> environment) const;

    TemporaryFolder folder_;
    pid_t pid_ = -1;
};

}  // namespace vbackup::test
