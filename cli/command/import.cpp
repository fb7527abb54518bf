// SPDX-License-Identifier: Apache-2.0
#include "backup/transfer.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/session/pipes.hpp"
#include "io/copy.hpp"
#include "io/files.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string file;
    std::string store;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "FILE|-", asked.file);
    add_positional(app, "STORE", asked.store);
    add_limits(app, asked, "24h", false);
    add_limit_rate(app, asked);
    app.add_flag("--dry-run", asked.dry_run, "read and check the whole archive and change nothing");
    add_common(app, asked);
}

std::unique_ptr<io::Source> open_archive(Session& session, const std::string& file) {
    if (file == "-") return io::paced(session.call(), standard_input(session.around(), session.call()));
    return io::paced(session.call(), io::file_source(io::real_files(), file));
}

Answer run(Session& session, const Arguments& asked) {
    const auto place = session.open_store_to_fill(asked.store);
    const auto archive = open_archive(session, asked.file);
    auto manifest = backup::import_backup(session.call(), place->catalog, *archive, asked.dry_run);
    const auto where = place->bytes->where();
    Transfer transfer{.verb = "import",
                      .from = asked.file == "-" ? "standard input" : asked.file,
                      .to = where,
                      .store = where,
                      .took = session.elapsed(),
                      .dry_run = asked.dry_run};
    const auto id = manifest.id;
    transfer.items.push_back({id, std::move(manifest), false, std::nullopt});
    return {.value = std::move(transfer), .problem = {}};
}

}  // namespace

Command import_command() {
    auto command = make_command<Arguments>(
        {.name = "import",
         .summary = "put a backup that was exported into a store",
         .about = "Each file is compared with the size and SHA-256 of the manifest, which is written last: an archive "
                  "that is cut short, damaged, or holds anything else leaves nothing. The same command begins anew "
                  "after a run that was killed.",
         .examples = {"vbackup import prod.tar.zst /var/backups/vbackup", "vbackup import - @archive <prod.tar.zst"},
         .exits = {ErrorKind::deadline, ErrorKind::corrupt, ErrorKind::not_found, ErrorKind::conflict, ErrorKind::busy,
                   ErrorKind::refused, ErrorKind::storage, ErrorKind::configuration}},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
