// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace vbackup::cli {

// The flags that mean the same for every verb that has them, as they were typed.
struct Common {
    std::string output = "table";
    bool quiet = false;
    bool verbose = false;
    std::string trace;    // the file for each exchange whole; empty: none
    std::string config;   // empty: VBACKUP_CONFIG or the XDG place
    std::string timeout;  // empty: the configuration's, else the verb's own
    std::string usual_timeout = "24h";
    std::string stall;                 // empty: the configuration's, else the three limits of job::Limits
    std::size_t parallel = 0;          // 0: the configuration's, else as the work asks for
    std::string compress;              // empty: none
    std::string limit_rate;            // empty: the configuration's, else none
    std::vector<std::string> options;  // -o NAME=VALUE
    std::vector<std::string> nodes;    // further addresses of a cluster
    bool yes = false;
    bool dry_run = false;

    bool json() const { return output == "json"; }
};

// Throws Error{usage} that names the flag.
Milliseconds duration_of(const std::string& flag, const std::string& text);

}  // namespace vbackup::cli
