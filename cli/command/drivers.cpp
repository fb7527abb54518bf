// SPDX-License-Identifier: Apache-2.0
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {};

void setup(CLI::App& app, Arguments& asked) {
    add_common(app, asked);
}

Answer run(Session& session, const Arguments&) {
    return {.value = DriverList{session.around().drivers}, .problem = {}};
}

}  // namespace

Command drivers_command() {
    return make_command<Arguments>(
        {.name = "drivers",
         .summary = "show the databases that vbackup knows, what works with each, and its options",
         .about = {},
         .examples = {"vbackup drivers", "vbackup drivers --output json"},
         .exits = {},
         .options_of = {}},
        setup, run);
}

}  // namespace vbackup::cli
