// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string subject;
    std::vector<std::string> ids;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    app.add_option("ID", asked.ids)->required();
    add_driver_options(app, asked);
    add_limits(app, asked, "1h", true);
    add_changing(app, asked);
    add_common(app, asked);
}

using Remove = std::function<backup::Result(const std::string& id)>;

// All good is no problem, some good is partial, none good is the worst: never the last one's.
std::optional<Error> problem_of(const std::vector<Removal>& items) {
    std::vector<ErrorKind> kinds;
    std::string all;
    for (const auto& item : items) {
        if (!item.error) continue;
        kinds.push_back(item.error->kind());
        all += (all.empty() ? "" : "; ") + fmt::format("{}: {}", item.id, item.error->message());
    }
    if (kinds.empty()) return std::nullopt;
    if (items.size() == 1) return items.front().error;
    const auto kind = kinds.size() < items.size() ? ErrorKind::partial : worst(kinds);
    return Error(kind, fmt::format("{} of {} were not deleted: {}", kinds.size(), items.size(), all));
}

Answer remove_each(const Arguments& asked, const Remove& remove) {
    Removals removals{asked.subject, {}, asked.dry_run};
    for (const auto& id : asked.ids) {
        auto& item = removals.items.emplace_back();
        item.id = id;
        try {
            item.plan = remove(id).plan;
        } catch (const Error& error) {
            item.error = error;
            item.error->with("id", id);
            if (error.kind() == ErrorKind::interrupted) throw;
        }
    }
    auto problem = problem_of(removals.items);
    return {.value = std::move(removals), .problem = std::move(problem)};
}

Answer run(Session& session, const Arguments& asked) {
    if (Session::is_store(asked.subject)) {
        const auto place = session.open_store(asked.subject);
        return remove_each(asked, [&](const std::string& id) {
            session.call().require_time();
            return backup::remove(place->catalog, id, session.confirm(), asked.dry_run);
        });
    }
    const auto scene = session.open(asked.subject, "delete", "");
    return remove_each(asked, [&](const std::string& id) {
        return backup::remove(session.call(), scene->stage, id, scene->options, asked.dry_run);
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
