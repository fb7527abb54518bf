// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/utsname.h>

#include <mutex>

#include "base/text.hpp"
#include "cli/command/checking.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/output/har.hpp"
#include "io/files.hpp"
#include "io/versions.hpp"
#include "net/trace.hpp"
#include "net/versions.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string target;
    std::string file;

    bool piped() const { return file.empty() || file == "-"; }
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "TARGET", asked.target);
    app.add_option("FILE|-", asked.file);
    add_driver_options(app, asked);
    add_limits(app, asked, "2m", false);
    add_common(app, asked);
}

std::string system_name() {
    struct utsname name = {};
    if (::uname(&name) != 0) return "unknown";
    return fmt::format("{} {} {}", name.sysname, name.release, name.machine);
}

std::vector<Diagnosis::Part> parts() {
    std::vector<Diagnosis::Part> all{
        {"vbackup", VBACKUP_VERSION},
        {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)}};
    for (const auto& versions : {net::library_versions(), io::library_versions()})
        for (const auto& [name, version] : versions) all.push_back({name, version});
    return all;
}

std::string line_of(const net::Exchanged& exchange) {
    if (!exchange.commands.empty()) {
        std::string out = exchange.url;
        for (const auto& [name, count] : exchange.commands)
            out += count == 1 ? " " + name : fmt::format(" {} x{}", name, count);
        if (!exchange.failure.empty()) return fmt::format("{} -> failed: {}", out, exchange.failure);
        return fmt::format("{} -> {} ({}ms)", out, exchange.errors == 0 ? "answered" : "an error",
                           exchange.took.count());
    }
    if (!exchange.failure.empty())
        return net::trace_failure(exchange.method, exchange.url, exchange.failure, exchange.took);
    return net::trace_answer(exchange.method, exchange.url, exchange.status, exchange.sent, exchange.received,
                             exchange.took);
}

// Whatever is in the way is what is to be diagnosed; only who ended the command is obeyed.
std::optional<Error> problem_in(const std::function<void()>& work) {
    try {
        work();
        return std::nullopt;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::usage) throw;
        return error;
    }
}

void look(Session& session, const Arguments& asked, Diagnosis& diagnosis) {
    std::mutex mutex;
    session.keep_exchanges([&](const net::Exchanged& exchange) {
        auto entry = har_entry(exchange, session.call().clock.wall() - exchange.took);
        const std::scoped_lock lock(mutex);
        diagnosis.lines.push_back(line_of(exchange));
        diagnosis.exchanges.push_back(std::move(entry));
    });
    diagnosis.problem = problem_in([&] {
        const auto& config = session.config();
        diagnosis.config_path = config.path.string();
        diagnosis.settings = config.settings;
        auto answer = check_target(session, {.target = asked.target});
        diagnosis.health = std::get<CheckReport>(std::move(answer.value));
        diagnosis.problem = std::move(answer.problem);
        if (diagnosis.problem) throw *diagnosis.problem;
    });
    session.keep_exchanges({});
}

Answer run(Session& session, const Arguments& asked) {
    const auto& files = io::real_files();
    if (!asked.piped() && (files.size(asked.file) || files.is_directory(asked.file)))
        throw Error(ErrorKind::conflict, fmt::format("{} exists", one_line(asked.file)), "choose another name");
    Diagnosis diagnosis{
        .target = asked.target, .at = session.call().clock.wall(), .system = system_name(), .parts = parts()};
    look(session, asked, diagnosis);
    auto problem = diagnosis.problem;
    if (!asked.piped()) {
        io::write_file(files, asked.file, render_json(diagnosis, session.call().tally.warnings()));
        diagnosis.file = asked.file;
    }
    return {.value = std::move(diagnosis), .problem = std::move(problem)};
}

}  // namespace

Command diagnose_command() {
    return make_command<Arguments>(
        {.name = "diagnose",
         .summary = "bundle what a report of a bug needs: versions, configuration, health and the requests",
         .about =
             "Reads only, as check does, and tells also what stands in the way of that: a target that cannot be "
             "reached, "
             "that turns one away or that answers what nobody understands ends with that exit code, and the bundle is "
             "written all the same. Secrets are masked. Names of targets, collections, machines and paths are not: "
             "look "
             "through it before you give it away. FILE gets one JSON document, readable by you alone, with each "
             "request "
             "and its answer as in --trace; it must not be there yet.",
         .examples = {"vbackup diagnose prod", "vbackup diagnose prod prod.json",
                      "vbackup diagnose http://localhost:6333 --output json"},
         .exits = {ErrorKind::not_found, ErrorKind::conflict, ErrorKind::refused, ErrorKind::unreachable,
                   ErrorKind::denied, ErrorKind::not_understood, ErrorKind::storage, ErrorKind::configuration},
         .options_of = "check"},
        setup, run);
}

}  // namespace vbackup::cli
