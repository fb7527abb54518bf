// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "net/trace.hpp"

namespace vbackup::cli {

// The file of --trace. After each exchange it is a whole JSON document again, the last line and the end in one write, so that it
// can be read while the run goes on and after it was killed; each entry is a line of its own. Only its owner may read it.
// Thread-safe.
class TraceFile {
public:
    // Empties a file that is there. Throws Error{usage} for what is no file, Error{storage} where it cannot be written.
    TraceFile(std::string path, const Clock& clock, std::function<void(std::string)> warn);
    ~TraceFile();
    TraceFile(const TraceFile&) = delete;
    TraceFile& operator=(const TraceFile&) = delete;

    // What cannot be written ends the log and not the run: it is warned of once.
    void add(const net::Exchanged& exchange);

private:
    // An errno, 0 for none.
    int write_at(std::string_view text) const;

    const std::string path_;
    const Clock& clock_;
    const std::function<void(std::string)> warn_;
    std::mutex mutex_;
    int file_ = -1;
    std::int64_t end_ = 0;  // of the last entry, before the tail
    bool any_ = false;
    bool broken_ = false;
};

}  // namespace vbackup::cli
