// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/text.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/command/several.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string subject;
    std::vector<std::string> ids;
    std::string subset;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    app.add_option("ID", asked.ids)->required();
    add_value(app, "--subset", asked.subset, "N/M|P%",
              "read only the N-th of M slices of the files, such as 3/10; 5%: the slice of twenty that is today's, so "
              "that twenty days read everything");
    add_driver_options(app, asked);
    add_limits(app, asked, "24h", false);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_common(app, asked);
}

[[noreturn]] void refuse_subset(const std::string& text) {
    throw Error(ErrorKind::usage, fmt::format("--subset cannot be '{}'", one_line(text, 60)),
                "it is a slice, such as 3/10, or a share, such as 5%");
}

std::optional<std::size_t> number(std::string_view text) {
    constexpr std::size_t most = 1'000'000;
    std::size_t value = 0;
    const auto [stopped, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = problem == std::errc() && stopped == text.data() + text.size();
    return whole && value > 0 && value <= most ? std::optional(value) : std::nullopt;
}

// A share goes round by the days of the UTC calendar: as many days as there are slices read everything.
backup::Slice slice_of_share(std::size_t percent, Moment now) {
    const std::size_t of = (100 + percent - 1) / percent;
    const auto day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
    return {static_cast<std::size_t>(day) % of + 1, of};
}

backup::Slice slice_of(const std::string& text, Moment now) {
    if (text.empty()) return {};
    if (text.ends_with('%')) {
        const auto percent = number(std::string_view(text).substr(0, text.size() - 1));
        if (!percent || *percent > 100) refuse_subset(text);
        return slice_of_share(*percent, now);
    }
    const auto slash = text.find('/');
    if (slash == std::string::npos) refuse_subset(text);
    const auto which = number(std::string_view(text).substr(0, slash));
    const auto of = number(std::string_view(text).substr(slash + 1));
    if (!which || !of || *which > *of) refuse_subset(text);
    return {*which, *of};
}

// Of a damaged backup: told like a backup that could not be looked at, since either ends the night's check badly.
std::optional<Error> problem_of(const Verified::Item& item) {
    const auto& files = item.verification.files;
    if (item.error || item.verification.good()) return item.error;
    const auto bad = std::count_if(files.begin(), files.end(), [](const auto& file) { return !file.problem.empty(); });
    return Error(ErrorKind::corrupt,
                 files.empty() ? fmt::format("{} has no files: nothing can be verified", item.id)
                               : fmt::format("{} of {} files of {} are not good", bad, files.size(), item.id),
                 "do not rely on this backup: make another one, or download it again where the server still has it");
}

// Any finding is the worst there is, not a part of a success: exit 0 only when all are good, 3 never.
std::optional<Error> problem_of(const Verified& verified) {
    std::vector<ErrorKind> kinds;
    std::string all;
    std::optional<Error> first;
    for (const auto& item : verified.items) {
        auto problem = problem_of(item);
        if (!problem) continue;
        kinds.push_back(problem->kind());
        all += (all.empty() ? "" : "; ") + problem->message();
        if (!first) first = std::move(problem);
    }
    if (kinds.size() < 2) return first;
    return Error(worst(kinds), all, first->hint());
}

using Verify = std::function<backup::Verification(const std::string& id)>;

Answer verify_each(const Arguments& asked, const Verify& verify) {
    Verified verified{asked.subject, {}};
    for_each_of_several(asked.ids, verified.items, [&](Verified::Item& item) { item.verification = verify(item.id); });
    // Nothing was seen of a single one that could not be looked at.
    if (verified.items.size() == 1 && verified.items.front().error) throw Error(*verified.items.front().error);
    auto problem = problem_of(verified);
    return {.value = std::move(verified), .problem = std::move(problem)};
}

Answer run(Session& session, const Arguments& asked) {
    auto& call = session.call();
    const auto slice = slice_of(asked.subset, call.clock.wall());
    if (Session::is_store(asked.subject)) {
        const auto place = session.open_store(asked.subject);
        return verify_each(asked, [&](const std::string& id) {
            return backup::verify(call, place->catalog, id, session.parallel(), slice);
        });
    }
    const auto scene = session.open(asked.subject, "verify", "");
    return verify_each(asked, [&](const std::string& id) { return backup::verify(call, scene->stage, id, slice); });
}

}  // namespace

Command verify_command() {
    return make_command<Arguments>(
        {.name = "verify",
         .summary = "read whole backups: size, SHA-256 and structure of every file",
         .about = "Each archive is opened to its end. Nothing is changed. With several backups, any that is not good "
                  "ends with an error. A subset goes by whole files: those that are not in it are only looked at for "
                  "being there in their size.",
         .examples = {"vbackup verify /var/backups/vbackup prod-20261121t074700z",
                      "vbackup verify prod prod-20261121t074700z",
                      "vbackup verify @archive prod-20261121t074700z prod-20261120t074700z --subset 5%"},
         .exits = {ErrorKind::deadline, ErrorKind::corrupt, ErrorKind::not_found, ErrorKind::refused,
                   ErrorKind::unsupported, ErrorKind::unreachable, ErrorKind::denied, ErrorKind::not_understood,
                   ErrorKind::storage, ErrorKind::configuration},
         .options_of = "verify"},
        setup, run);
}

}  // namespace vbackup::cli
