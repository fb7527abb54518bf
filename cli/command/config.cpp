// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cli/command/command.hpp"
#include "cli/command/flags.hpp"
#include "cli/output/config.hpp"
#include "cli/session/check_config.hpp"
#include "config/keys.hpp"
#include "config/start.hpp"

namespace vbackup::cli {

namespace {

struct Arguments : Common {
    std::string action;
};

void setup(CLI::App& app, Arguments& asked) {
    add_positional(app, "show|check|init|schema", asked.action);
    add_limits(app, asked, "24h", true);
    add_parallel(app, asked);
    add_limit_rate(app, asked);
    add_common(app, asked);
}

void require_action(const std::string& action) {
    const std::vector<std::string> actions{"show", "check", "init", "schema"};
    if (std::find(actions.begin(), actions.end(), action) != actions.end()) return;
    const auto near = did_you_mean(action, actions);
    throw Error(ErrorKind::usage, fmt::format("config cannot '{}'", one_line(action, 40)),
                near ? fmt::format("did you mean '{}'?", *near) : "it can show, check, init and schema");
}

// What a flag says goes before all else.
void apply(std::vector<config::Setting>& settings, const std::string& key, const std::string& flag,
           const std::string& value) {
    if (value.empty()) return;
    const auto set = [&](config::Setting& setting) {
        setting = {.key = setting.key, .value = value, .origin = config::Origin::flag, .variable = flag};
    };
    bool there = false;
    for (auto& setting : settings) {
        const bool general = setting.key == "defaults." + key;
        if (general || config::matches("targets.*." + key, setting.key)) set(setting);
        there = there || general;
    }
    if (!there) set(settings.emplace_back(config::Setting{.key = "defaults." + key}));
}

Answer show(Session& session, const Arguments& asked) {
    auto config = config::load(asked.config, session.around().environment);
    auto& all = config.settings;
    apply(all, "timeout", "--timeout", asked.timeout);
    apply(all, "stall", "--stall", asked.stall);
    apply(all, "parallel", "--parallel", asked.parallel == 0 ? "" : std::to_string(asked.parallel));
    apply(all, "limit_rate", "--limit-rate", asked.limit_rate);
    return {.value = ConfigListing{config.path.string(), std::move(all)}, .problem = {}};
}

Answer check(Session& session, const Arguments& asked) {
    const auto& around = session.around();
    auto [config, mistakes] = config::check(asked.config, around.environment);
    for (auto& mistake : check_targets(config, around.environment, around.drivers))
        mistakes.push_back(std::move(mistake));
    ConfigCheck report{config.path.string(), config.targets.size(), config.stores.size(), std::move(mistakes)};
    std::optional<Error> problem;
    if (!report.mistakes.empty())
        problem = Error(ErrorKind::configuration,
                        report.mistakes.size() == 1
                            ? std::string("the configuration has a mistake")
                            : fmt::format("the configuration has {} mistakes", report.mistakes.size()),
                        "", {{"file", report.path}});
    return {.value = std::move(report), .problem = std::move(problem)};
}

Answer init(Session& session, const Arguments& asked) {
    const auto path = config::own_path(asked.config, session.around().environment);
    config::write_start(path);
    return {.value = ConfigStart{path.string()}, .problem = {}, .report = true};
}

Answer run(Session& session, const Arguments& asked) {
    require_action(asked.action);
    if (asked.action == "show") return show(session, asked);
    if (asked.action == "check") return check(session, asked);
    if (asked.action == "schema") return {.value = Text{render_config_schema()}, .problem = {}};
    return init(session, asked);
}

}  // namespace

Command config_command() {
    return make_command<Arguments>(
        {.name = "config",
         .summary = "show what is configured and by whom, find mistakes in it, or begin a configuration",
         .about =
             "show prints every value that holds and where it came from: a flag, a variable of the environment, a file "
             "and its line, or the default; secrets are masked. check finds keys that are not known, values that make "
             "no "
             "sense, and keys and certificates that cannot be read or that others can read; it asks no server. init "
             "writes a file to begin with, and never over one that is there. schema prints the JSON Schema of "
             "vbackup.toml for editors. A flag goes before the environment, and the environment before the file.",
         .examples = {"vbackup config init", "vbackup config check", "vbackup config show",
                      "vbackup config show --output json --config /etc/vbackup/vbackup.toml"},
         .exits = {ErrorKind::conflict, ErrorKind::storage, ErrorKind::configuration},
         .options_of = {}},
        setup, run);
}

}  // namespace vbackup::cli
