// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cli/output/error.hpp"
#include "cli/output/progress.hpp"
#include "cli/output/table.hpp"

namespace vbackup::cli {

// Writes all of the bytes; the errno of what went wrong, 0 for nothing.
using Write = std::function<int(std::string_view bytes)>;

struct MessageSettings {
    Style style;
    bool terminal = false;  // stderr is one
    bool json = false;
    bool quiet = false;
};

// Everything that goes to stderr: warnings, errors, trace lines and the progress line, as text or as one JSON object a
// line. A line that cannot be written is lost: there is nobody left to tell. Thread-safe.
class Messages {
public:
    Messages(Write write, MessageSettings settings) : write_(std::move(write)), settings_(settings) {}

    void warn(std::string_view text);
    void trace(std::string_view line);
    // Before and after a question, and on the way out: the progress line goes away.
    void clear();
    void error(const Error& error, int exit_code);
    // Text: one line, redrawn, on a terminal only. JSON: an event when something changed, at most one a second.
    void progress(const Snapshot& now);

private:
    void put(std::string line);  // under the lock

    Write write_;
    MessageSettings settings_;
    std::mutex mutex_;
    Pace pace_;
    std::string shown_;  // the progress line on the screen, or the last event
    Snapshot last_event_;
    bool any_event_ = false;
};

}  // namespace vbackup::cli
