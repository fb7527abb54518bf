// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "backup/transfer.hpp"
#include "backup/transferable.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/session/pipes.hpp"
#include "io/files.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string store;
    std::string id;
    std::string file;

    bool piped() const { return file == "-"; }
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "STORE", asked.store);
    add_positional(app, "ID", asked.id);
    add_positional(app, "FILE|-", asked.file);
    add_limits(app, asked, "24h", false);
    add_limit_rate(app, asked);
    app.add_flag("--dry-run", asked.dry_run, "say what would be written and change nothing");
    add_common(app, asked);
}

void require_free(const io::FileSystem& files, const std::string& file) {
    if (!files.size(file) && !files.is_directory(file) && !files.is_link(file)) return;
    throw Error(ErrorKind::conflict, fmt::format("{} exists already", file), "choose another name, or move it away");
}

// Written beside the file and renamed, so that a FILE is a whole archive; what failed leaves nothing.
model::Manifest export_to_file(Session& session, store::Catalog& from, const Arguments& asked) {
    const auto& files = io::real_files();
    const auto lock = files.try_lock(asked.file + ".lock");
    if (!lock)
        throw Error(ErrorKind::busy, fmt::format("another run writes {}", asked.file), "wait until it has ended");
    require_free(files, asked.file);
    try {
        const auto sink = io::durable_file(files, asked.file);
        return backup::export_backup(session.call(), from, asked.id, *sink);
    } catch (const Error&) {
        files.remove(asked.file + ".part");
        throw;
    }
}

model::Manifest export_it(Session& session, store::Catalog& from, const Arguments& asked) {
    if (asked.dry_run) return backup::require_transferable(from, asked.id).manifest;
    if (!asked.piped()) return export_to_file(session, from, asked);
    const auto sink = standard_output(session.around(), session.call());
    return backup::export_backup(session.call(), from, asked.id, *sink);
}

Answer run(Session& session, const Arguments& asked) {
    if (asked.piped() && asked.json() && !asked.dry_run)
        throw Error(ErrorKind::usage, "standard output cannot take both the archive and JSON", "name a file");
    if (!asked.piped()) require_free(io::real_files(), asked.file);
    const auto place = session.open_store(asked.store);
    auto manifest = export_it(session, place->catalog, asked);
    // The archive is the result.
    if (asked.piped() && !asked.dry_run) return {.value = Text{}, .problem = {}};
    Transfer transfer{.verb = "export",
                      .from = place->bytes->where(),
                      .to = asked.piped() ? "standard output" : asked.file,
                      .store = place->bytes->where(),
                      .took = session.elapsed(),
                      .dry_run = asked.dry_run};
    transfer.items.push_back({asked.id, std::move(manifest), false, std::nullopt});
    return {.value = std::move(transfer), .problem = {}};
}

}  // namespace

Command export_command() {
    auto command = make_command<Arguments>(
        {.name = "export",
         .summary = "write a backup of a store as one file, or to a pipe",
         .about = "The archive is a tar compressed with zstd, which `tar --zstd -xf` unpacks without vbackup to what a "
                  "store holds: ID/data/... and at last ID/manifest.json. Each file is compared with its SHA-256 on "
                  "the way; one that differs ends with 6 and leaves no FILE. What a backup builds on is not in its "
                  "archive: export that too.",
         .examples = {"vbackup export /var/backups/vbackup prod-20261121t074700z prod.tar.zst",
                      "vbackup export @archive prod-20261121t074700z - | ssh elsewhere vbackup import - /backups"},
         .exits = {ErrorKind::deadline, ErrorKind::corrupt, ErrorKind::not_found, ErrorKind::conflict, ErrorKind::busy,
                   ErrorKind::refused, ErrorKind::storage, ErrorKind::configuration}},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
