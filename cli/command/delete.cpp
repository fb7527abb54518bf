// SPDX-License-Identifier: Apache-2.0
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/several.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string subject;
    std::vector<std::string> ids;
    bool pinned = false;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    app.add_option("ID", asked.ids)->required();
    app.add_flag("--pinned", asked.pinned, "also backups that `vbackup pin` protects");
    add_driver_options(app, asked);
    add_limits(app, asked, "1h", true);
    add_changing(app, asked);
    add_common(app, asked);
}

using Remove = std::function<backup::Result(const std::string& id)>;

Answer remove_each(const Arguments& asked, const Remove& remove) {
    Removals removals{asked.subject, {}, asked.dry_run};
    for_each_of_several(asked.ids, removals.items, [&](Removal& item) { item.plan = remove(item.id).plan; });
    auto problem = problem_of_several(removals.items, "deleted");
    return {.value = std::move(removals), .problem = std::move(problem)};
}

Answer run(Session& session, const Arguments& asked) {
    if (Session::is_store(asked.subject)) {
        const auto place = session.open_store(asked.subject);
        return remove_each(asked, [&](const std::string& id) {
            session.call().require_time();
            return backup::remove(place->catalog, id, session.confirm(), asked.dry_run, asked.pinned);
        });
    }
    const auto scene = session.open(asked.subject, "delete", "");
    return remove_each(asked, [&](const std::string& id) {
        return backup::remove(session.call(), scene->stage, id, scene->options, asked.dry_run, asked.pinned);
    });
}

}  // namespace

Command delete_command() {
    auto command = make_command<Arguments>(
        {.name = "delete",
         .summary = "remove backups: the manifest first, then the bytes wherever vbackup reaches them",
         .examples = {"vbackup delete /var/backups/vbackup prod-20261121t074700z",
                      "vbackup delete prod prod-20261121t074700z prod-20261120t074700z --yes"},
         .exits = {ErrorKind::partial, ErrorKind::not_found, ErrorKind::busy, ErrorKind::refused,
                   ErrorKind::unsupported, ErrorKind::unreachable, ErrorKind::denied, ErrorKind::not_understood,
                   ErrorKind::storage, ErrorKind::configuration},
         .options_of = "delete"},
        setup, run);
    command.changes = true;
    return command;
}

}  // namespace vbackup::cli
