// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/output/table.hpp"
#include "model/schedule.hpp"

namespace vbackup::cli {

// "Mon, Wed at 02:00, 14:00 UTC", "every day at 02:00 UTC", or the cron expression; "" when nothing says it.
std::string when_text(const model::Schedule& schedule);
// One line for each.
std::string schedules_table(const std::vector<model::Schedule>& schedules, const Style& style);
// All that is known of one.
std::string schedule_text(const model::Schedule& schedule, const Style& style);

}  // namespace vbackup::cli
