// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "driver/dragonfly/options.hpp"
#include "driver/dragonfly/plans.hpp"
#include "driver/dragonfly/save.hpp"

namespace vbackup::driver::dragonfly {

namespace {

namespace fs = std::filesystem;

// The server may run on this machine, so that its paths are ours.
bool is_here(const net::RespServer& server) {
    return server.host == "localhost" || server.host == "::1" || server.host.starts_with("127.");
}

// How far the server's clock and that of the files may be apart, in s.
constexpr std::uint64_t slack = 60;

// Was it written by that save? An address of this machine may lead elsewhere, to a container above all: there the same path is
// another file, and the one here may be another server's.
bool is_of_save(const Note& note, const std::string& path) {
    Facts noted;
    noted.info = note.before;
    const auto began = noted.number("last_success_save"), length = noted.number("last_success_save_duration_sec");
    struct stat file {};
    if (began == 0 || ::stat(path.c_str(), &file) != 0) return false;
    const auto written = static_cast<std::uint64_t>(file.st_mtime);
    return began <= written + slack && written <= began + length + slack;
}

// Files of a snapshot of Dragonfly's that this machine sees: the summary first, without which the others are no snapshot. One is
// called "b1-summary.dfs" with "b1-0000.dfs" and so on, or "b1.rdb". Empty when the summary is not seen.
std::vector<std::string> files_of(const std::string& summary) {
    std::error_code ignored;
    if (!summary.starts_with('/') || !fs::is_regular_file(summary, ignored)) return {};
    std::vector<std::string> files{fs::path(summary).filename().string()};
    const std::string_view end = "summary.dfs";
    if (!files[0].ends_with(end)) return files;
    const auto begin = files[0].substr(0, files[0].size() - end.size());
    for (const auto& entry : fs::directory_iterator(fs::path(summary).parent_path(), ignored)) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with(begin) || !name.ends_with(".dfs")) continue;
        const auto number = std::string_view(name).substr(begin.size(), name.size() - begin.size() - 4);
        if (!number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos) files.push_back(name);
    }
    std::sort(files.begin() + 1, files.end());
    return files;
}

void add_erasing(const Note& note, model::Plan& plan) {
    const auto folder = fs::path(note.text).parent_path().string();
    for (const auto& name : files_of(note.text)) {
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
        const auto seen = observe_save(call, server, note);
        if (seen.phase == model::Phase::gone) continue;
        const auto had = plan.steps.size();
        // The one file of a Redis is what it loads at its start.
        if (is_here(server) && note.before.contains("last_saved_file") && is_of_save(note, note.text))
            add_erasing(note, plan);
        if (plan.steps.size() == had)
            left += fmt::format(" {} ({})", note.text.empty() ? "what it saved" : note.text, note.node);
    }
    if (left.empty()) return plan;
    throw Error(ErrorKind::unsupported, "no command of the server removes its snapshots",
                fmt::format("remove them on the server:{}{}", left,
                            ours ? "; then -o forget=true drops what vbackup knows of the backup" : ""));
}

}  // namespace vbackup::driver::dragonfly
