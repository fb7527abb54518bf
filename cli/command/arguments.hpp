// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command/command.hpp"

namespace vbackup::cli {

struct Parsed {
    const Command* command = nullptr;  // null: help or version of the whole
    bool wants_help = false;
    bool wants_version = false;
};

// Finds the verb and fills its options. Throws Error{usage}: an unknown verb or option with a suggestion, a secret in a
// flag (whose value is never repeated), a missing or surplus argument.
Parsed parse(const std::vector<std::string>& arguments, std::span<const Command> commands);

// Whether `--output json` or `--quiet` is among the arguments, also when the rest makes no sense: errors obey it too.
bool wants_json(const std::vector<std::string>& arguments);
bool wants_quiet(const std::vector<std::string>& arguments);

// The page with positionals and flags as the parser knows them.
VerbPage page_of(const Command& command);

}  // namespace vbackup::cli
