// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cli/output/answer.hpp"

namespace vbackup::cli {

// A status as one line with performance data, and the exit code that monitoring plugins have for it: 0 all is well, 1 it is not
// known of all parts, 2 there is no good backup that is young enough or the last one went wrong (https://nagios-plugins.org/doc/
// guidelines.html).
Answer nagios_answer(const std::string& subject, const Answer& answer, Moment now);

// The same for a status that could not be had: 3.
Answer nagios_unknown(const std::string& subject, const Error& error);

}  // namespace vbackup::cli
