// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "backup/execute.hpp"
#include "cli/command/checking.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common, Look {};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET", asked.target);
    add_collections(app, asked.chosen, true);
    add_value(app, "--to", asked.to, "STORE", "the store that a create would use");
    app.add_flag("--allow-skipped-tenants", asked.allow_skipped_tenants, "as create would be told");
    add_driver_options(app, asked);
    add_limits(app, asked, "5m", false);
    add_common(app, asked);
}

void add_once(std::vector<std::string>& all, const std::string& text) {
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
}

// Those that say that this database, now, would not be backed up; others (unreachable, denied) end the check itself.
bool is_obstacle(ErrorKind kind) {
    return kind == ErrorKind::refused || kind == ErrorKind::unsupported || kind == ErrorKind::conflict ||
           kind == ErrorKind::busy || kind == ErrorKind::storage;
}

// Runs `look`; what a create would be refused for becomes an obstacle.
void note_refusal(model::Inspection& inspection, const std::function<void()>& look) {
    try {
        look();
    } catch (const Error& error) {
        if (!is_obstacle(error.kind())) throw;
        const auto& known = inspection.obstacles;
        if (std::find(known.begin(), known.end(), error.message()) != known.end()) return;
        add_once(inspection.obstacles,
                 error.hint().empty() ? error.message() : error.message() + " (" + error.hint() + ")");
    }
}

void try_plan(Session& session, const Scene& scene, const Look& look, model::Inspection& inspection) {
    const auto now = inspection;
    model::Request request;
    request.verb = model::Verb::create;
    request.id = backup::make_id(scene.stage.target, session.call().clock.wall());
    request.scope = scope_of(look.chosen);
    request.options = scene.options;
    if (look.allow_skipped_tenants) request.options["allow-skipped-tenants"] = "true";
    request.keep = scene.store != nullptr;
    request.inspection = &now;
    note_refusal(inspection, [&] {
        const auto plan = scene.stage.target.driver.plan(session.call(), request, backup::peek_through(scene.stage));
        for (const auto& note : plan.notes) add_once(inspection.warnings, note);
    });
}

Answer run(Session& session, const Arguments& asked) {
    return check_target(session, asked);
}

}  // namespace

Answer check_target(Session& session, const Look& look) {
    const auto scene = session.open(look.target, "check", look.to);
    CheckReport report{.target = look.target,
                       .url = scene->stage.target.url,
                       .driver = scene->stage.target.driver_name,
                       .inspection = scene->stage.target.driver.inspect(session.call(), scope_of(look.chosen)),
                       .store = {},
                       .store_free = {}};
    auto& inspection = report.inspection;
    if (!inspection.ready && inspection.obstacles.empty()) inspection.obstacles.emplace_back("the server is not ready");
    try_plan(session, *scene, look, inspection);
    if (scene->store) {
        report.store = scene->store->bytes->where();
        note_refusal(inspection, [&] {
            scene->store->bytes->require_writable();
            report.store_free = scene->store->bytes->free_bytes();
        });
    }
    note_refusal(inspection, [&] { scene->journal->bytes->require_writable(); });
    std::optional<Error> problem;
    if (!inspection.obstacles.empty())
        problem = Error(ErrorKind::refused, fmt::format("a create would be refused: {}", inspection.obstacles.front()),
                        "", {{"target", look.target}});
    return {.value = std::move(report), .problem = std::move(problem)};
}

Command check_command() {
    return make_command<Arguments>(
        {.name = "check",
         .summary = "say which database it is, whether it is well, and what a create would be refused for",
         .about = "Reads only; the store and the journal are probed with an empty file that is removed again.",
         .examples = {"vbackup check http://localhost:6333", "vbackup check prod --to /var/backups/vbackup"},
         .exits = {ErrorKind::not_found, ErrorKind::refused, ErrorKind::unreachable, ErrorKind::denied,
                   ErrorKind::not_understood, ErrorKind::configuration},
         .options_of = "check"},
        setup, run);
}

}  // namespace vbackup::cli
