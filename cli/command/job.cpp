// SPDX-License-Identifier: Apache-2.0
#include "cli/command/job.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/find.hpp"

namespace vbackup::cli {

namespace {

// `named`: a job of which nothing is noted but what the error says.
enum class Left { nothing, intent, job, named };

// What a story that was ended early leaves behind, as its intent says.
Left left_in(store::Catalog* home, const std::string& id, const std::string& target_url) {
    if (!home) return Left::nothing;
    try {
        const auto intent = home->intent(id);
        if (!intent || intent->target_url != target_url) return Left::nothing;
        const bool runs = std::any_of(intent->records.begin(), intent->records.end(), [](const auto& record) {
            return record.sent && !record.done && record.failed.empty();
        });
        return runs ? Left::job : Left::intent;
    } catch (const Error&) {
        // An intent that cannot be read tells nothing; say the more cautious thing.
        return Left::job;
    }
}

// A create knows nothing of a restore of the same id, nor the other way round.
std::vector<std::string> keys_of(const Subject& subject) {
    if (subject.verb == "create") return {subject.id};
    if (subject.verb == "restore") return {backup::restore_key(subject.id)};
    return {subject.id, backup::restore_key(subject.id)};
}

Left left_behind(const Scene& scene, const Subject& subject) {
    Left left = Left::nothing;
    for (auto* home : {scene.stage.store, &scene.stage.journal})
        for (const auto& key : keys_of(subject)) left = std::max(left, left_in(home, key, scene.stage.target.url));
    return left;
}

std::string context_of(const Error& error, std::string_view key) {
    for (const auto& [name, value] : error.context())
        if (name == key) return value;
    return {};
}

std::string hint_for_named(const Error& error, const Subject& subject) {
    const auto job = context_of(error, "job");
    if (job.empty()) return "it is not known whether the server took the request: look there before it is given again";
    return fmt::format("`vbackup status {0} {1}` shows it, `vbackup wait {0} {1}` waits for it", subject.target, job);
}

std::string hint_for(Left left, const Scene& scene, const Subject& subject) {
    // What was given on the command line for this run is not known to the next.
    const auto store = scene.stage.store ? " --to " + scene.stage.store->store().where() : std::string();
    if (left == Left::job) {
        const auto* entry = driver::find_driver(scene.stage.target.driver_name);
        const bool ends = !entry || driver::ability(*entry, "cancel").support != driver::Support::none;
        return fmt::format("`vbackup status {0} {1}{2}` shows it, `vbackup wait {0} {1}{2}` waits for it{3}",
                           subject.target, subject.id, store,
                           ends ? fmt::format(", `vbackup cancel {} {}{}` ends it", subject.target, subject.id, store)
                                : std::string());
    }
    if (left == Left::intent && subject.verb == "create")
        return fmt::format("the same command with --id {} goes on where it stopped", subject.id);
    if (left == Left::intent) return "the same command goes on where it stopped";
    return "nothing was begun; the same command may be given again";
}

bool ends_only_the_wait(ErrorKind kind) {
    return kind == ErrorKind::interrupted || kind == ErrorKind::deadline || kind == ErrorKind::stalled ||
           kind == ErrorKind::unreachable || kind == ErrorKind::not_understood;
}

Error explained(Error error, const Scene& scene, const Subject& subject) {
    error.with("target", subject.target).with("id", subject.id);
    auto left = left_behind(scene, subject);
    if (!ends_only_the_wait(error.kind()) && left != Left::job) return error;
    const bool named = !context_of(error, "job").empty() || !context_of(error, "sent").empty();
    if (left == Left::nothing && named) left = Left::named;
    if (left == Left::nothing && error.kind() != ErrorKind::interrupted) return error;
    std::string message = error.message();
    // Whoever cannot be reached or understood does not tell whether it goes on.
    const bool known = error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::deadline ||
                       error.kind() == ErrorKind::stalled;
    if (left == Left::job || !context_of(error, "job").empty())
        message += known ? ", but the job goes on at the server" : ", and the job may go on at the server";
    if (left == Left::nothing) message += " before anything was changed";
    const auto hint = left == Left::named ? hint_for_named(error, subject) : hint_for(left, scene, subject);
    return {error.kind(), std::move(message), error.hint().empty() ? hint : error.hint() + "; " + hint,
            error.context()};
}

// Promise 1: no success without something that was seen.
void require_shown(const Subject& subject, const backup::Result& result) {
    const bool shown = result.dry_run || result.manifest || result.under_way;
    if (!shown)
        throw Error(ErrorKind::failed,
                    fmt::format("{} of {} ended without showing what it did", subject.verb, subject.id),
                    "look with `vbackup list`; this is a fault of vbackup");
    for (const auto& finding : result.proof.findings)
        if (!finding.good) throw Error(ErrorKind::corrupt, "not proven: " + finding.what);
}

}  // namespace

Answer deed(Session& session, const Scene& scene, const Subject& subject,
            const std::function<backup::Result()>& story) {
    try {
        auto result = story();
        require_shown(subject, result);
        const auto store = scene.stage.store ? scene.stage.store->store().where() : "";
        return {.value = Deed{subject.verb, subject.target, subject.id, std::move(result), store, session.elapsed()},
                .problem = {}};
    } catch (const Error& error) {
        throw explained(error, scene, subject);
    }
}

bool still_runs(model::Phase phase) {
    return phase == model::Phase::queued || phase == model::Phase::running || phase == model::Phase::cancelling;
}

std::optional<ErrorKind> kind_of(model::Phase phase) {
    switch (phase) {
        case model::Phase::failed:
            return ErrorKind::job_failed;
        case model::Phase::cancelled:
            return ErrorKind::cancelled;
        case model::Phase::gone:
            return ErrorKind::not_found;
        case model::Phase::unknown:
            return ErrorKind::not_understood;
        case model::Phase::queued:
        case model::Phase::running:
        case model::Phase::cancelling:
        case model::Phase::succeeded:
            break;
    }
    return std::nullopt;
}

}  // namespace vbackup::cli
