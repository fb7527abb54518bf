// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace vbackup {

struct ProgramResult {
    enum class End : std::uint8_t { exited, killed, timed_out, too_long, not_started };
    End end = End::not_started;
    int code = 0;        // exited: the exit code; killed: the signal's number
    std::string output;  // standard output
};

struct ProgramStreams {
    std::string_view input = {};  // what it reads from standard input, at most 60,000 bytes; empty: /dev/null
    bool messages = false;        // standard error joins the output
};

// Runs the program whose path is the first of `arguments` in a process group of its own, with this environment, input from
// and messages to /dev/null where `streams` says nothing else. Returns once it has ended and closed its output; after `limit`, beyond `most` bytes of output,
// or on `stop` (told as timed_out) the whole group is killed. Never throws for what the program does.
ProgramResult run_program(std::span<const std::string> arguments, const std::map<std::string, std::string>& environment,
                          std::size_t most, Milliseconds limit, const std::stop_token& stop = {},
                          const ProgramStreams& streams = {});

}  // namespace vbackup
