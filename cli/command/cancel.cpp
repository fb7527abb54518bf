// SPDX-License-Identifier: Apache-2.0
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/job.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string target;
    std::string id;
    std::string to;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET", asked.target);
    add_positional(app, "ID", asked.id);
    add_value(app, "--to", asked.to, "STORE",
              "the store that the create or restore was given, where the configuration does not say it");
    add_driver_options(app, asked);
    add_limits(app, asked, "1h", true);
    add_changing(app, asked);
    add_common(app, asked);
}

Answer run(Session& session, const Arguments& asked) {
    const auto scene = session.open(asked.target, "cancel", asked.to);
    return deed(session, *scene, {"cancel", asked.target, asked.id},
                [&] { return backup::cancel(session.call(), scene->stage, asked.id, scene->options, asked.dry_run); });
}

}  // namespace

Command cancel_command() {
    auto command =
        make_command<Arguments>({.name = "cancel",
                                 .summary = "end a job and wait until the server shows it as cancelled",
                                 .examples = {"vbackup cancel prod prod-20261121t074700z"},
                                 .exits = {ErrorKind::deadline, ErrorKind::stalled, ErrorKind::not_found,
                                           ErrorKind::refused, ErrorKind::unsupported, ErrorKind::unreachable,
                                           ErrorKind::denied, ErrorKind::not_understood, ErrorKind::configuration},
                                 .options_of = "cancel"},
                                setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
