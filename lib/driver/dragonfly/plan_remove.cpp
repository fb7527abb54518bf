// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <filesystem>

#include "base/error.hpp"
#include "driver/dragonfly/options.hpp"
#include "driver/dragonfly/plans.hpp"
#include "driver/dragonfly/save.hpp"
#include "driver/dragonfly/snapshot_files.hpp"

namespace vbackup::driver::dragonfly {

namespace {

void add_erasing(const net::RespServer& server, const Note& note, model::Plan& plan) {
    const auto folder = std::filesystem::path(note.text).parent_path().string();
    for (const auto& name : files_seen(server, note)) {
        model::Step step{.id = "erase:" + name, .kind = model::StepKind::erase};
        step.part.node = note.node;
        step.what = fmt::format("remove {}/{}", folder, name);
        step.destroys = true;
        step.location = model::Location{"file://" + folder + "/" + name, {}};
        if (!plan.steps.empty()) step.after = {plan.steps.front().id};
        plan.steps.push_back(std::move(step));
    }
}

}  // namespace

model::Plan plan_remove(Call& call, const net::RespServer& seed, const model::Request& request) {
    std::vector<model::JobRef> jobs;
    if (request.manifest) jobs = request.manifest->jobs;
    if (request.found) jobs.push_back(request.found->job);
    const bool ours = request.manifest || (request.found && !request.found->id.empty());
    model::Plan plan;
    if (ours && option(request.options, "forget") == "true") return plan;
    std::string left;
    for (const auto& job : jobs) {
        if (job.details.empty()) continue;
        const auto note = parse_note(job.details);
        // Nothing else lies at the server.
        if (note.action != action::save) continue;
        const auto server = node_at(seed, note.node);
        const auto had = plan.steps.size();
        // The one file of a Redis is what it loads at its start.
        if (note.before.contains("last_saved_file")) add_erasing(server, note, plan);
        if (plan.steps.size() > had || observe_save(call, server, note).phase == model::Phase::gone) continue;
        left += fmt::format(" {} ({})", note.text.empty() ? "what it saved" : note.text, note.node);
    }
    if (left.empty()) return plan;
    throw Error(ErrorKind::unsupported, "no command of the server removes its snapshots",
                fmt::format("remove them on the server:{}{}", left,
                            ours ? "; then -o forget=true drops what vbackup knows of the backup" : ""));
}

}  // namespace vbackup::driver::dragonfly
