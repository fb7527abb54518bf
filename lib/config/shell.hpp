// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "config/environment.hpp"

namespace vbackup::config {

struct ShellResult {
    enum class End : std::uint8_t { exited, killed, timed_out, too_long, not_started };
    End end = End::not_started;
    int code = 0;        // exited: the exit code; killed: the signal's number
    std::string output;  // standard output
};

// Runs /bin/sh -c COMMAND in a process group of its own, with this environment, input from and messages to /dev/null.
// Returns once it has ended and closed its output; after `limit`, or beyond `most` bytes of output, the whole group is
// killed. Never throws for what the command does.
ShellResult run_shell(const std::string& command, const Environment& environment, std::size_t most, Milliseconds limit);

}  // namespace vbackup::config
