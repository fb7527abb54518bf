// SPDX-License-Identifier: Apache-2.0
#include "cli/command/run.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "cli/command/arguments.hpp"
#include "cli/command/command.hpp"

namespace vbackup::cli {

namespace {

constexpr int signal_base = 128;  // of exit codes, as shells have it

// Nobody reads the result any more (`vbackup list | head`). It ends the command as the signal would have.
struct ReaderLeft {};

// A terminal that can do more than print line after line.
bool moves(const config::Environment& environment) {
    return config::variable(environment, "TERM").value_or("dumb") != "dumb";
}

bool may_colour(const config::Environment& environment, bool terminal) {
    return terminal && !config::variable(environment, "NO_COLOR") && moves(environment);
}

void write_result(const Surroundings& around, std::string_view text) {
    if (text.empty()) return;
    const int failure = around.out(text);
    if (failure == EPIPE) throw ReaderLeft{};
    if (failure != 0)
        throw Error(ErrorKind::storage,
                    fmt::format("the result cannot be written to standard output: {}", std::strerror(failure)),
                    "what was asked is done; `vbackup list` shows it");
}

Style style_of(const Surroundings& around, bool terminal) {
    return {may_colour(around.environment, terminal), around.width};
}

int run_command(const Command& command, const Surroundings& around, Messages& messages) {
    Session session(around, *command.common, messages);
    const auto answer = session.watch([&] { return command.run(session); });
    const auto& common = *command.common;
    const bool hides = common.quiet && (command.changes || answer.report) && !common.dry_run && !common.json();
    if (!hides)
        write_result(around, common.json() ? render_json(answer.value, session.call().tally.warnings())
                                           : render_text(answer.value, style_of(around, around.out_terminal)));
    if (answer.problem) messages.error(*answer.problem, answer.exit_code());
    return answer.exit_code();
}

int dispatch(const std::vector<std::string>& arguments, const Surroundings& around, Messages& messages) {
    auto all = commands();
    const auto parsed = parse(arguments, all);
    if (parsed.wants_version) {
        write_result(around, "vbackup " VBACKUP_VERSION "\n");
        return 0;
    }
    if (parsed.wants_help) {
        write_result(around,
                     parsed.command ? render_help(page_of(*parsed.command), around.drivers) : render_overview(pages()));
        return 0;
    }
    return run_command(*parsed.command, around, messages);
}

int exit_code_of(const Error& error, const Surroundings& around) {
    if (error.kind() != ErrorKind::interrupted) return describe(error.kind()).exit_code;
    const int number = around.signal ? around.signal->load() : 0;
    return signal_base + (number == 0 ? SIGINT : number);
}

}  // namespace

int run_cli(const std::vector<std::string>& arguments, const Surroundings& around) {
    const bool json = wants_json(arguments);
    Messages messages(around.err, {.style = style_of(around, around.err_terminal),
                                   .terminal = around.err_terminal && moves(around.environment),
                                   .json = json,
                                   .quiet = wants_quiet(arguments)});
    try {
        return dispatch(arguments, around, messages);
    } catch (const ReaderLeft&) {
        return signal_base + SIGPIPE;
    } catch (const Error& error) {
        const int code = exit_code_of(error, around);
        messages.error(error, code);
        return code;
    } catch (const std::exception& fault) {
        messages.error(Error(ErrorKind::failed, fmt::format("a fault of vbackup: {}", fault.what()),
                             "nothing is known about the outcome; look with `vbackup status`, and report this"),
                       1);
        return 1;
    }
}

}  // namespace vbackup::cli
