// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string subject;
    std::string id;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET|STORE", asked.subject);
    add_positional(app, "ID", asked.id);
    add_driver_options(app, asked);
    add_limits(app, asked, "24h", false);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_common(app, asked);
}

Answer answer_of(const Arguments& asked, backup::Verification verification) {
    std::optional<Error> problem;
    const auto& files = verification.files;
    const auto bad = std::count_if(files.begin(), files.end(), [](const auto& file) { return !file.problem.empty(); });
    if (!verification.good())
        problem =
            Error(ErrorKind::corrupt,
                  files.empty() ? fmt::format("{} has no files: nothing can be verified", asked.id)
                                : fmt::format("{} of {} files of {} are not good", bad, files.size(), asked.id),
                  "do not rely on this backup: make another one, or download it again where the server still has it");
    return {.value = Verified{asked.subject, std::move(verification)}, .problem = std::move(problem)};
}

Answer run(Session& session, const Arguments& asked) {
    if (Session::is_store(asked.subject)) {
        const auto place = session.open_store(asked.subject);
        return answer_of(asked, backup::verify(session.call(), place->catalog, asked.id, session.parallel()));
    }
    const auto scene = session.open(asked.subject, "verify", "");
    return answer_of(asked, backup::verify(session.call(), scene->stage, asked.id));
}

}  // namespace

Command verify_command() {
    return make_command<Arguments>(
        {.name = "verify",
         .summary = "read a whole backup: size, SHA-256 and structure of every file",
         .about = "Each archive is opened to its end. Nothing is changed.",
         .examples = {"vbackup verify /var/backups/vbackup prod-20261121t074700z",
                      "vbackup verify prod prod-20261121t074700z"},
         .exits = {ErrorKind::deadline, ErrorKind::corrupt, ErrorKind::not_found, ErrorKind::refused,
                   ErrorKind::unsupported, ErrorKind::unreachable, ErrorKind::denied, ErrorKind::not_understood,
                   ErrorKind::storage, ErrorKind::configuration},
         .options_of = "verify"},
        setup, run);
}

}  // namespace vbackup::cli
