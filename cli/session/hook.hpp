// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "config/environment.hpp"

namespace vbackup::cli {

// What a hook is told of the backup it runs around: in its environment as VBACKUP_HOOK, VBACKUP_TARGET and so on, and as one
// JSON object on its standard input. No secret is among them.
struct Facts {
    std::string hook;  // "before", "after", "failed"
    std::string target;
    std::string id;
    std::string driver;
    std::string store;                  // empty: the backup stays with the server
    std::optional<int> exit_code;       // after, failed
    std::string error;                  // failed
    std::optional<std::uint64_t> size;  // after; bytes
    std::optional<Milliseconds> took;   // after, failed
};

// The variables that a hook is given: PATH, HOME and the like of ours (never one that could hold a secret), and the facts.
std::map<std::string, std::string> hook_environment(const config::Environment& ours, const Facts& facts);

// Runs it without a shell and waits for its end. Error{failed} when it cannot be started, ends with another code than 0, writes
// more than 1 MiB or outlives `limit`, after which it and all it started in its process group are killed; with the last line that
// it wrote. Error{interrupted} on `stop`. An empty list is no hook.
void run_hook(const std::vector<std::string>& words, const Facts& facts, const config::Environment& ours,
              Milliseconds limit, const std::stop_token& stop);

}  // namespace vbackup::cli
