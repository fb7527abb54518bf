// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/output/answer.hpp"
#include "cli/output/table.hpp"

namespace vbackup::cli {

// One line a target, and below it what went wrong and what was warned of.
std::string run_text(const RunReport& report, const Style& style);

}  // namespace vbackup::cli
