// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "cli/command/flags.hpp"
#include "cli/output/answer.hpp"
#include "cli/session/session.hpp"

namespace vbackup::cli {

// What `check` looks at.
struct Look {
    std::string target;
    Chosen chosen = {};
    std::string to = {};
    bool allow_skipped_tenants = false;
};

// Asks the target and tries what a create would do, changing nothing. The answer's problem is what a create would be refused
// for. Throws what keeps it from looking.
Answer check_target(Session& session, const Look& look);

}  // namespace vbackup::cli
