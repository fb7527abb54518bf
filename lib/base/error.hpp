// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vbackup {

// Why a command ends. One meaning each; the table behind `describe` gives every kind its JSON word and its exit code,
// and the manual, the README and `--help` are checked against that table.
enum class ErrorKind : std::uint8_t {
    failed,          // a reason that no other kind names
    usage,           // the command line asks for something that makes no sense
    partial,         // some nodes or collections failed, some are good
    deadline,        // the deadline passed; the job goes on
    stalled,         // no progress for the stall limit
    corrupt,         // checksum, size or structure differs
    not_found,       // no such backup, collection or job
    conflict,        // it exists already
    busy,            // another operation or a lock, after retries
    cancelled,       // by a user or by the server
    job_failed,      // the server says that the job failed
    refused,         // refused before anything was changed
    stale,           // the newest good backup is too old, or there is none
    unsupported,     // this database cannot do that
    unreachable,     // no connection, or it broke
    denied,          // key, role, certificate
    not_understood,  // an answer that makes no sense
    storage,         // the store or the disk failed
    configuration,   // the configuration is wrong
    interrupted,     // a signal ended the wait
};

struct ErrorKindInfo {
    ErrorKind kind;
    std::string_view word;     // in JSON
    int exit_code;             // of the process; `interrupted` has 130 here, the cli puts 128+N
    bool transient;            // the same call may succeed later without anyone doing anything
    std::string_view meaning;  // one line, for the manual
};

// All kinds in the order of their exit codes.
std::span<const ErrorKindInfo> error_kinds();
const ErrorKindInfo& describe(ErrorKind kind);

// What ends a command. Thrown by any room, caught by the executor (for its part) and by the cli.
// `message` says what failed, in lower case without a full stop; `hint` says what to do next; `context` names
// target, node, collection, file or job. No secret may be put into any of them.
class Error : public std::exception {
public:
    using Context = std::vector<std::pair<std::string, std::string>>;

    Error(ErrorKind kind, std::string message, std::string hint = {}, Context context = {});

    ErrorKind kind() const { return kind_; }
    const std::string& message() const { return message_; }
    const std::string& hint() const { return hint_; }
    const Context& context() const { return context_; }
    const char* what() const noexcept override { return message_.c_str(); }

    // Adds where it happened; the first value given for a key stays. Returns *this so that it can be rethrown.
    Error& with(std::string key, std::string value);

private:
    ErrorKind kind_;
    std::string message_;
    std::string hint_;
    Context context_;
};

// The outcome of several parts: all good is nothing, some good is `partial`, none good is the worst by a fixed order
// (denied before unreachable before …), never the last one's.
ErrorKind worst(std::span<const ErrorKind> kinds);

}  // namespace vbackup
