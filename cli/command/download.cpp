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
    add_value(app, "--to", asked.to, "STORE", "where it goes, where the configuration does not say it");
    add_driver_options(app, asked);
    add_limits(app, asked, "24h", true);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_compress(app, asked);
    app.add_flag("--dry-run", asked.dry_run, "print the plan and change nothing");
    add_common(app, asked);
}

Answer run(Session& session, const Arguments& asked) {
    const auto scene = session.open(asked.target, "download", asked.to);
    return deed(session, *scene, {"download", asked.target, asked.id}, [&] {
        return backup::download(session.call(), scene->stage, asked.id, scene->options, asked.dry_run);
    });
}

}  // namespace

Command download_command() {
    auto command = make_command<Arguments>(
        {.name = "download",
         .summary = "bring a backup home that was left with the server",
         .about = "A run that was ended early is carried on by the same command.",
         .examples = {"vbackup download prod prod-20261121t074700z --to /var/backups/vbackup",
                      "vbackup download prod nightly-of-another-tool --to @archive"},
         .exits = {ErrorKind::partial, ErrorKind::deadline, ErrorKind::stalled, ErrorKind::corrupt,
                   ErrorKind::not_found, ErrorKind::conflict, ErrorKind::busy, ErrorKind::refused,
                   ErrorKind::unsupported, ErrorKind::unreachable, ErrorKind::denied, ErrorKind::not_understood,
                   ErrorKind::storage, ErrorKind::configuration},
         .options_of = "download"},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
