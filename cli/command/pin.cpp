// SPDX-License-Identifier: Apache-2.0
#include "backup/pin.hpp"

#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/several.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string subject;
    std::vector<std::string> ids;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    app.add_option("ID", asked.ids)->required();
    add_limits(app, asked, "5m", false);
    app.add_flag("--dry-run", asked.dry_run, "say what would be done and change nothing");
    add_common(app, asked);
}

Answer run(Session& session, const Arguments& asked, bool pinned) {
    auto& call = session.call();
    Pins pins{.pinned = pinned, .items = {}, .dry_run = asked.dry_run};
    if (Session::is_store(asked.subject)) {
        const auto place = session.open_store(asked.subject);
        for_each_of_several(asked.ids, pins.items, [&](Pins::Item& item) {
            item.changed = backup::set_pinned(place->catalog, item.id, pinned, call.clock.wall(), asked.dry_run);
        });
    } else {
        const auto scene = session.open(asked.subject, pinned ? "pin" : "unpin", "");
        for_each_of_several(asked.ids, pins.items, [&](Pins::Item& item) {
            item.changed = backup::set_pinned(call, scene->stage, item.id, pinned, asked.dry_run);
        });
    }
    auto problem = problem_of_several(pins.items, pinned ? "pinned" : "unpinned");
    return {.value = std::move(pins), .problem = std::move(problem)};
}

std::vector<ErrorKind> exits() {
    return {ErrorKind::partial, ErrorKind::not_found, ErrorKind::busy,         ErrorKind::unreachable,
            ErrorKind::denied,  ErrorKind::storage,   ErrorKind::configuration};
}

}  // namespace

Command pin_command() {
    auto command = make_command<Arguments>(
        {.name = "pin",
         .summary = "protect backups: prune never removes them, delete only with --pinned",
         .about = "What a pinned backup builds on stays too. A backup left with the server is pinned in the journal of "
                  "this machine; what the server removes by itself no pin holds.",
         .examples = {"vbackup pin /var/backups/vbackup prod-20261121t074700z",
                      "vbackup pin prod prod-20261121t074700z"},
         .exits = exits()},
        setup, +[](Session& session, const Arguments& asked) { return run(session, asked, true); });
    command.changes = true;
    return command;
}

Command unpin_command() {
    auto command = make_command<Arguments>(
        {.name = "unpin",
         .summary = "end the protection that pin gave",
         .about = "",
         .examples = {"vbackup unpin /var/backups/vbackup prod-20261121t074700z"},
         .exits = exits()},
        setup, +[](Session& session, const Arguments& asked) { return run(session, asked, false); });
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
