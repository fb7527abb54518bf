// SPDX-License-Identifier: Apache-2.0
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/job.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string target;
    std::string id;
    std::string from;
    Chosen chosen;
    std::vector<std::string> renames;  // old, new, old, new …
    bool overwrite = false;
    bool switch_alias = false;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET", asked.target);
    add_positional(app, "ID", asked.id);
    add_value(app, "--from", asked.from, "STORE", "where the backup lies, where the configuration does not say it");
    add_collections(app, asked.chosen, false);
    add_values(app, "--rename", asked.renames, "OLD NEW", "restore a collection under another name")->type_size(2);
    app.add_flag("--switch-alias", asked.switch_alias, "once proven, aliases of what is renamed move to the new name");
    app.add_flag("--overwrite", asked.overwrite, "what exists may be replaced");
    add_driver_options(app, asked);
    add_limits(app, asked, "24h", true);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_changing(app, asked);
    add_common(app, asked);
}

model::Renames pairs_of(const std::vector<std::string>& words) {
    model::Renames renames;
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
        for (const auto& [old_name, new_name] : renames)
            if (old_name == words[i])
                throw Error(ErrorKind::usage, "--rename names the collection " + words[i] + " twice");
        renames.emplace_back(words[i], words[i + 1]);
    }
    return renames;
}

Answer run(Session& session, const Arguments& asked) {
    if (asked.switch_alias && asked.renames.empty())
        throw Error(ErrorKind::usage, "--switch-alias moves aliases to a new name, and nothing is renamed",
                    "give --rename OLD NEW too; without it aliases are set as in the backup");
    const auto scene = session.open(asked.target, "restore", asked.from);
    const backup::RestoreOptions options{.id = asked.id,
                                         .scope = scope_of(asked.chosen),
                                         .options = scene->options,
                                         .renames = pairs_of(asked.renames),
                                         .overwrite = asked.overwrite,
                                         .switch_alias = asked.switch_alias,
                                         .dry_run = asked.dry_run};
    return deed(session, *scene, {"restore", asked.target, asked.id},
                [&] { return backup::restore(session.call(), scene->stage, options); });
}

}  // namespace

Command restore_command() {
    auto command = make_command<Arguments>(
        {.name = "restore",
         .summary = "put a backup back, and prove that it is the same",
         .about = "Nothing that exists is replaced without --overwrite. Digests are checked while the files are read; "
                  "afterwards counts, aliases and configuration are compared with the backup.",
         .examples = {"vbackup restore prod prod-20261121t074700z",
                      "vbackup restore http://localhost:6333 prod-20261121t074700z --from /var/backups/vbackup",
                      "vbackup restore prod prod-20261121t074700z --collection Docs --rename Docs DocsOld",
                      "vbackup restore prod prod-20261121t074700z --rename docs docs_v2 --switch-alias",
                      "vbackup restore prod prod-20261121t074700z --overwrite --dry-run"},
         .exits = {ErrorKind::partial, ErrorKind::deadline, ErrorKind::stalled, ErrorKind::corrupt,
                   ErrorKind::not_found, ErrorKind::conflict, ErrorKind::busy, ErrorKind::cancelled,
                   ErrorKind::job_failed, ErrorKind::refused, ErrorKind::unsupported, ErrorKind::unreachable,
                   ErrorKind::denied, ErrorKind::not_understood, ErrorKind::storage, ErrorKind::configuration},
         .options_of = "restore"},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
