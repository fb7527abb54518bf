// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/output/answer.hpp"
#include "cli/output/manual.hpp"
#include "cli/session/common.hpp"
#include "cli/session/session.hpp"

namespace CLI {
class App;
}

namespace vbackup::cli {

// One verb: what it says about itself, how its arguments are read, what it does. A command fetches a value; how that
// value looks is cli/output's business.
struct Command {
    VerbPage page;                         // without positionals and flags: those are read from the parser
    std::function<void(CLI::App&)> setup;  // binds the arguments
    std::function<Answer(Session&)> run;   // after the arguments were parsed
    std::shared_ptr<const Common> common;  // filled by the parse
    bool changes = false;                  // --quiet hides its result
};

// Options is the verb's own struct; it derives from Common.
template <class Options>
Command make_command(VerbPage page, void (*setup)(CLI::App&, Options&), Answer (*run)(Session&, const Options&)) {
    auto options = std::make_shared<Options>();
    return {.page = std::move(page),
            .setup = [options, setup](CLI::App& app) { setup(app, *options); },
            .run = [options, run](Session& session) { return run(session, *options); },
            .common = options};
}

Command create_command();
Command run_command();
Command list_command();
Command schedule_command();
Command status_command();
Command report_command();
Command download_command();
Command restore_command();
Command delete_command();
Command prune_command();
Command export_command();
Command import_command();
Command copy_command();
Command pin_command();
Command unpin_command();
Command key_command();
Command cancel_command();
Command wait_command();
Command verify_command();
Command check_command();
Command diagnose_command();
Command config_command();
Command drivers_command();
Command completion_command();

// All of them, in the order in which help lists them. Each call makes fresh ones.
std::vector<Command> commands();
// Their pages, whole.
std::vector<VerbPage> pages();

}  // namespace vbackup::cli
