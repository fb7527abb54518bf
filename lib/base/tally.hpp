// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

namespace vbackup {

// What a command has done so far. Workers add, the cli reads ten times a second; nobody calls anybody back.
// Thread-safe.
class Tally {
public:
    std::atomic<std::uint64_t> bytes_done{0};
    std::atomic<std::uint64_t> bytes_total{0};  // 0 when it cannot be known
    std::atomic<std::uint32_t> steps_done{0};
    std::atomic<std::uint32_t> steps_total{0};

    // What is going on now, for the progress line: "weaviate: TRANSFERRING".
    void stage(std::string text);
    std::string stage() const;

    // A warning for the person: shown once on stderr, kept for the result. The same text is kept once.
    void warn(std::string text);
    // The warnings from number `from` on.
    std::vector<std::string> warnings(std::size_t from = 0) const;

private:
    mutable std::mutex mutex_;
    std::string stage_;
    std::vector<std::string> warnings_;
};

}  // namespace vbackup
