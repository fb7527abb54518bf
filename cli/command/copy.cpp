// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "backup/transfer.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/several.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string from;
    std::vector<std::string> ids;  // and at last the other store

    std::string to() const { return ids.back(); }
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "STORE", asked.from);
    app.add_option("ID", asked.ids)->required()->option_text("ID... STORE2");
    add_limits(app, asked, "24h", false);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    app.add_flag("--dry-run", asked.dry_run, "say what would be copied and change nothing");
    add_common(app, asked);
}

// A base that several build on is told once.
void note(std::vector<Transfer::Item>& items, std::vector<backup::Copied> copied) {
    for (auto& one : copied) {
        const auto known = std::any_of(items.begin(), items.end(), [&](const auto& item) { return item.id == one.id; });
        if (!known) items.push_back({one.id, std::move(one.manifest), one.there, std::nullopt});
    }
}

Answer run(Session& session, const Arguments& asked) {
    if (asked.ids.size() < 2 || !Session::is_store(asked.to()) || Session::is_store(asked.ids.front()))
        throw Error(ErrorKind::usage, "copy wants a store, ids, and the store they go to",
                    "vbackup copy STORE ID... STORE2");
    const auto from = session.open_store(asked.from);
    const auto to = session.open_store_to_fill(asked.to());
    if (from->bytes->where() == to->bytes->where())
        throw Error(ErrorKind::usage, "both stores are the same", "name another one to copy to");
    const auto where = to->bytes->where();
    Transfer transfer{.verb = "copy", .from = from->bytes->where(), .to = where, .store = where};
    for (auto id = asked.ids.begin(); id + 1 != asked.ids.end(); ++id) {
        try {
            note(transfer.items, backup::copy_backup(session.call(), from->catalog, to->catalog, *id,
                                                     session.parallel(), asked.dry_run));
        } catch (Error& error) {
            if (error.kind() == ErrorKind::interrupted) throw;
            transfer.items.push_back({*id, std::nullopt, false, error.with("id", *id)});
        }
    }
    transfer.took = session.elapsed();
    transfer.dry_run = asked.dry_run;
    auto problem = problem_of_several(transfer.items, "copied");
    return {.value = std::move(transfer), .problem = std::move(problem)};
}

}  // namespace

Command copy_command() {
    auto command = make_command<Arguments>(
        {.name = "copy",
         .summary = "copy backups from store to store, each file compared with its SHA-256 on the way",
         .about = "What a backup builds on is copied first. A run that was ended early is carried on by the same "
                  "command. What is there already stays as it is.",
         .examples = {"vbackup copy /var/backups/vbackup prod-20261121t074700z @archive",
                      "vbackup copy @archive prod-20261121t074700z prod-20261120t074700z /mnt/backups/"},
         .exits = {ErrorKind::partial, ErrorKind::deadline, ErrorKind::corrupt, ErrorKind::not_found,
                   ErrorKind::conflict, ErrorKind::busy, ErrorKind::refused, ErrorKind::storage,
                   ErrorKind::configuration}},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
