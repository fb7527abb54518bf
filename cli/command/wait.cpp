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
    app.add_flag("--yes", asked.yes, "do not ask before what is left of a restore destroys data");
    add_driver_options(app, asked);
    add_limits(app, asked, "24h", true);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_common(app, asked);
}

Answer run(Session& session, const Arguments& asked) {
    const auto scene = session.open(asked.target, "wait", asked.to);
    return deed(session, *scene, {"wait", asked.target, asked.id},
                [&] { return backup::wait(session.call(), scene->stage, asked.id); });
}

}  // namespace

Command wait_command() {
    auto command = make_command<Arguments>(
        {.name = "wait",
         .summary = "wait for a job that was left under way, and finish it",
         .about =
             "Takes up a create --no-wait, or one whose wait was ended by Ctrl-C or a limit, from another machine too "
             "when the journal lies where both see it.",
         .examples = {"vbackup wait prod prod-20261121t074700z",
                      "vbackup wait prod prod-20261121t074700z --timeout 2h"},
         .exits = {ErrorKind::deadline, ErrorKind::stalled, ErrorKind::corrupt, ErrorKind::not_found, ErrorKind::busy,
                   ErrorKind::cancelled, ErrorKind::job_failed, ErrorKind::refused, ErrorKind::unreachable,
                   ErrorKind::denied, ErrorKind::not_understood, ErrorKind::storage, ErrorKind::configuration},
         .options_of = "wait"},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
