// SPDX-License-Identifier: Apache-2.0
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string subject;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    add_driver_options(app, asked);
    add_limits(app, asked, "5m", false);
    add_common(app, asked);
}

Answer run(Session& session, const Arguments& asked) {
    if (Session::is_store(asked.subject)) {
        const auto place = session.open_store(asked.subject);
        return {.value = Listing{backup::list(session.call(), place->catalog)}, .problem = {}};
    }
    const auto scene = session.open(asked.subject, "list", "");
    auto all = backup::list(session.call(), scene->stage, scene->options);
    auto problem = backup::left_out(all);
    return {.value = Listing{std::move(all)}, .problem = std::move(problem)};
}

}  // namespace

Command list_command() {
    return make_command<Arguments>(
        {.name = "list",
         .summary = "show all backups and jobs of a target or a store, newest first",
         .about = "Backups that vbackup did not make are listed as unmanaged; the server's own name of one is its ID.",
         .examples = {"vbackup list prod", "vbackup list /var/backups/vbackup", "vbackup list @archive --output json"},
         .exits = {ErrorKind::partial, ErrorKind::unreachable, ErrorKind::denied, ErrorKind::not_understood,
                   ErrorKind::storage, ErrorKind::configuration},
         .options_of = "list"},
        setup, run);
}

}  // namespace vbackup::cli
