// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "cli/output/progress.hpp"
#include "cli/output/table.hpp"

namespace vbackup::cli {

// For people: on a terminal "vbackup: MESSAGE", a line of context, "hint: …"; elsewhere (cron, logs) the same in one
// line.
std::string error_text(const Error& error, const Style& style, bool terminal);

// The object below "error": kind, exit, message, hint, context. `exit_code` where it is not the kind's own (128+N).
std::string error_object(const Error& error, std::optional<int> exit_code);
// One line of events on stderr, without the end of the line.
std::string event_object(std::string_view event, std::string_view message);
std::string event_object(const Snapshot& now);

}  // namespace vbackup::cli
