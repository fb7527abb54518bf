// SPDX-License-Identifier: Apache-2.0
#include "cli/output/answer.hpp"

namespace vbackup::cli {

int Answer::exit_code() const {
    if (code) return *code;
    if (problem) return describe(problem->kind()).exit_code;
    return runs ? describe(ErrorKind::deadline).exit_code : 0;
}

}  // namespace vbackup::cli
