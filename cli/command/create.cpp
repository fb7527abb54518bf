// SPDX-License-Identifier: Apache-2.0
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/making.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string target;
    Chosen chosen;
    std::string to;
    std::string id;
    std::string retention;
    std::string description;
    int max_increments = 0;
    bool incremental = false;
    bool no_wait = false;
    bool allow_skipped_tenants = false;
    bool keep_on_server = false;
    bool wait_settled = false;
    std::string metrics_file;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET", asked.target);
    add_collections(app, asked.chosen, true);
    add_value(app, "--to", asked.to, "STORE", "bring the backup home to this store");
    add_value(app, "--id", asked.id, "ID",
              "name it so, instead of after target and time; goes on with an unfinished one");
    add_value(app, "--retention", asked.retention, "TIME",
              "how long it is wanted, such as 72h or 14d: `vbackup prune` removes it after that, or the server does");
    add_value(app, "--description", asked.description, "TEXT", "a word to those who find it later");
    app.add_flag("--incremental", asked.incremental,
                 "leave out what the newest backup of the target in the store holds; needs a store");
    app.add_option("--max-increments", asked.max_increments,
                   "so many increments in a row at most, then a whole backup is made again (6)")
        ->option_text("NUMBER")
        ->check(CLI::Range(1, 1000));
    app.add_flag("--no-wait", asked.no_wait,
                 "return when the server has taken the job; the backup stays with the server");
    app.add_flag("--allow-skipped-tenants", asked.allow_skipped_tenants, "go on although tenants would be left out");
    app.add_flag("--keep-on-server", asked.keep_on_server, "do not remove the server's copy after it came home");
    app.add_flag("--wait-settled", asked.wait_settled, "wait until no shard is moving and nothing else is in the way");
    add_driver_options(app, asked);
    add_metrics_file(app, asked.metrics_file);
    add_limits(app, asked, "24h", true);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_compress(app, asked);
    add_changing(app, asked);
    add_common(app, asked);
}

Milliseconds retention_of(const std::string& text) {
    const auto retention = duration_of("--retention", text);
    if (retention < Seconds(1))
        throw Error(ErrorKind::usage, "--retention: a backup that is wanted for no time need not be made",
                    "say how long, such as 72h or 14d");
    return retention;
}

backup::CreateOptions options_of(Session& session, const Arguments& asked, const Scene& scene) {
    backup::CreateOptions options{.id = asked.id,
                                  .scope = scope_of(asked.chosen),
                                  .options = scene.options,
                                  .keep = scene.store && !asked.no_wait,
                                  .keep_on_server = asked.keep_on_server,
                                  .wait_settled = asked.wait_settled,
                                  .wait = !asked.no_wait,
                                  .dry_run = asked.dry_run};
    options.incremental = asked.incremental;
    if (asked.max_increments > 0) options.max_increments = static_cast<std::size_t>(asked.max_increments);
    if (!asked.retention.empty()) options.retention = retention_of(asked.retention);
    options.description = asked.description;
    if (asked.allow_skipped_tenants) options.options["allow-skipped-tenants"] = "true";
    add_habits(session, asked.target, options);
    return options;
}

Answer make(Session& session, const Arguments& asked) {
    return make_backup(session, {.target = asked.target,
                                 .store = asked.to,
                                 .dry_run = asked.dry_run,
                                 .options = [&](const Scene& scene) { return options_of(session, asked, scene); }});
}

// The same, and what became of it goes into the file of metrics.
Answer make_measured(Session& session, const Arguments& asked) {
    Measured measured{.target = asked.target};
    const auto tell = [&](int exit_code) {
        measured.exit_code = exit_code;
        measured.took = session.elapsed();
        measured.interval = session.habits().max_age;
        tell_metrics(session, asked.metrics_file, {&measured, 1});
    };
    try {
        auto answer = make(session, asked);
        note_success(measured, answer, session.call().clock.wall());
        tell(answer.exit_code());
        return answer;
    } catch (const Error& error) {
        tell(describe(error.kind()).exit_code);
        throw;
    }
}

Answer run(Session& session, const Arguments& asked) {
    if (asked.no_wait && !asked.to.empty())
        throw Error(ErrorKind::usage, "--to and --no-wait exclude each other: vbackup itself must move the bytes",
                    "leave out --no-wait, or leave out --to and use `vbackup download` later");
    if (asked.max_increments > 0 && !asked.incremental)
        throw Error(ErrorKind::usage, "--max-increments says nothing without --incremental", "add --incremental");
    const bool measure = !asked.metrics_file.empty() && !asked.dry_run;
    return measure ? make_measured(session, asked) : make(session, asked);
}

}  // namespace

Command create_command() {
    auto command = make_command<Arguments>(
        {.name = "create",
         .summary = "make a backup, wait until it is really there, and prove it",
         .about = "Without --to the backup goes to the store that the configuration names, or stays with the server. "
                  "What can be known before the first request that changes anything is checked first. What the "
                  "configuration says of the target holds where no flag does: collections, retention, hooks and so on; "
                  "see vbackup.toml(5).",
         .examples = {"vbackup create prod", "vbackup create http://localhost:6333 --to /var/backups/vbackup",
                      "vbackup create prod --collection 'Doc*' -o backend=s3", "vbackup create prod --no-wait",
                      "vbackup create prod --to @nightly --incremental"},
         .exits = {ErrorKind::partial, ErrorKind::deadline, ErrorKind::stalled, ErrorKind::not_found,
                   ErrorKind::conflict, ErrorKind::busy, ErrorKind::cancelled, ErrorKind::job_failed,
                   ErrorKind::refused, ErrorKind::unsupported, ErrorKind::unreachable, ErrorKind::denied,
                   ErrorKind::not_understood, ErrorKind::storage, ErrorKind::configuration},
         .options_of = "create"},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
