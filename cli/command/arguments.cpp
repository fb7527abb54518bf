// SPDX-License-Identifier: Apache-2.0
#include "cli/command/arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

constexpr std::string_view help_hint = "`vbackup --help` shows the verbs";

[[noreturn]] void refuse(std::string message, std::string hint) {
    throw Error(ErrorKind::usage, std::move(message), std::move(hint));
}

bool is_flag(std::string_view argument) {
    return argument.size() > 1 && argument.front() == '-';
}

// "--api-key=abc" is "--api-key".
std::string flag_of(std::string_view argument) {
    return std::string(argument.substr(0, argument.find('=')));
}

// Every option that anybody may take for a place to put a key. All users of a machine can read argv.
bool names_a_secret(std::string_view name) {
    std::string bare;
    for (const char letter : name)
        if (std::isalnum(static_cast<unsigned char>(letter)) != 0)
            bare += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    constexpr std::array<std::string_view, 13> words{"passphrase", "apikey",     "key",        "token",    "password",
                                                     "passwd",     "secret",     "bearer",     "apitoken", "accesskey",
                                                     "secretkey",  "credential", "credentials"};
    return std::find(words.begin(), words.end(), bare) != words.end();
}

void refuse_secrets(const std::vector<std::string>& arguments) {
    std::string_view before;
    for (const auto& argument : arguments) {
        if (argument == "--") return;
        const bool option = before == "-o" || (argument.starts_with("-o") && argument.size() > 2 && argument[2] != '-');
        const auto name = option && before != "-o" ? argument.substr(2) : argument;
        if ((option || argument.starts_with("-")) && names_a_secret(flag_of(name)))
            refuse(
                fmt::format("{} would show a secret to every user of this machine",
                            option ? "-o " + flag_of(name) : flag_of(name)),
                "safe ways: api_key_file, api_key_command or api_key_env of the target in the configuration; for a URL "
                "VBACKUP_API_KEY_FILE or VBACKUP_API_KEY in the environment");
        before = argument;
    }
}

// Flags that may also stand before the verb and take a value there.
bool takes_value_before_verb(std::string_view argument) {
    return argument == "--output" || argument == "--config" || argument == "--trace";
}

std::size_t verb_position(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (!is_flag(arguments[i])) return i;
        if (takes_value_before_verb(arguments[i])) ++i;
    }
    return arguments.size();
}

const Command& find_command(std::span<const Command> commands, const std::string& verb) {
    std::vector<std::string> names;
    for (const auto& command : commands) {
        if (command.page.name == verb) return command;
        names.push_back(command.page.name);
    }
    const auto near = did_you_mean(verb, names);
    refuse(fmt::format("there is no verb '{}'", one_line(verb, 60)),
           near ? fmt::format("did you mean '{}'?", *near) : std::string(help_hint));
}

std::vector<std::string> flags_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const auto* option : app.get_options()) {
        for (const auto& name : option->get_lnames()) names.push_back("--" + name);
        for (const auto& name : option->get_snames()) names.push_back("-" + name);
    }
    return names;
}

std::string verb_hint(const Command& command) {
    return fmt::format("`vbackup {} --help` shows how it is used", command.page.name);
}

void refuse_extras(const CLI::App& app, const Command& command) {
    auto extras = app.remaining();
    // The parser counts the "--" that ends the options among what it did not know.
    if (const auto mark = std::find(extras.begin(), extras.end(), "--"); mark != extras.end()) extras.erase(mark);
    if (extras.empty()) return;
    const auto flag = std::find_if(extras.begin(), extras.end(), [](const auto& extra) { return is_flag(extra); });
    if (flag == extras.end())
        refuse(fmt::format("'{}' is one argument too many for {}", one_line(extras.front(), 60), command.page.name),
               verb_hint(command));
    const auto near = flag->starts_with("--") ? did_you_mean(flag_of(*flag), flags_of(app)) : std::nullopt;
    refuse(fmt::format("{} has no option {}", command.page.name, one_line(flag_of(*flag), 60)),
           near ? fmt::format("did you mean '{}'?", *near) : verb_hint(command));
}

// The parser takes the next argument for the value of a flag, whatever it looks like, and after "--to=" too. Somebody
// who forgot a value would get a surprise: say it instead.
void require_values(const CLI::App& app, const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--") return;
        if (!arguments[i].starts_with("--")) continue;
        const auto name = flag_of(arguments[i]);
        const auto* option = app.get_option_no_throw(name);
        if (!option || option->get_items_expected_max() == 0) continue;
        const bool joined = arguments[i].size() > name.size();
        const auto wanted = static_cast<std::size_t>(option->get_type_size()) - (joined ? 1 : 0);
        bool missing = joined && arguments[i].size() == name.size() + 1;
        for (std::size_t next = i + 1; next <= i + wanted && !missing; ++next)
            missing = next >= arguments.size() || arguments[next].empty() || arguments[next].starts_with("--");
        if (missing) refuse(fmt::format("{} needs {}", name, option->get_option_text()), "write it after the option");
    }
}

void require_positionals(const CLI::App& app, const Command& command) {
    for (const auto* option : app.get_options()) {
        if (!option->get_positional() || !option->get_required()) continue;
        if (option->count() == 0) refuse(fmt::format("{} is missing", option->get_single_name()), verb_hint(command));
        for (const auto& value : option->results())
            if (value.empty()) refuse(fmt::format("{} is empty", option->get_single_name()), verb_hint(command));
    }
}

void parse_verb(const Command& command, std::vector<std::string> arguments, bool& wants_help) {
    CLI::App app;
    app.set_help_flag("-h,--help", "this text");
    app.allow_extras();
    command.setup(app);
    require_values(app, arguments);
    std::reverse(arguments.begin(), arguments.end());  // CLI11 wants the last one first
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
        wants_help = true;
        return;
    } catch (const CLI::ParseError& error) {
        refuse_extras(app, command);
        require_positionals(app, command);
        refuse(one_line(error.what(), 200), verb_hint(command));
    }
    refuse_extras(app, command);
    require_positionals(app, command);
    if (command.common->output != "table" && command.common->output != "json")
        refuse(fmt::format("--output cannot be '{}'", one_line(command.common->output, 60)), "it is table or json");
}

Flag flag_from(const CLI::Option& option) {
    Flag flag;
    const bool is_long = !option.get_lnames().empty();
    flag.name = is_long ? "--" + option.get_lnames().front() : "-" + option.get_snames().front();
    if (is_long && !option.get_snames().empty()) flag.short_name = "-" + option.get_snames().front();
    flag.value = option.get_option_text();
    flag.help = option.get_description();
    flag.repeatable = !flag.value.empty() && option.get_items_expected_max() > option.get_type_size();
    if (flag.value == "table|json") flag.choices = {"table", "json"};
    return flag;
}

}  // namespace

Parsed parse(const std::vector<std::string>& arguments, std::span<const Command> commands) {
    Parsed parsed;
    refuse_secrets(arguments);
    auto rest = arguments;
    const auto position = verb_position(rest);
    const auto before = std::span(rest).first(position);
    const auto stands = [&](std::string_view flag) {
        return std::find(before.begin(), before.end(), flag) != before.end();
    };
    if (stands("--version")) {
        parsed.wants_version = true;
        return parsed;
    }
    if (position == rest.size()) {
        parsed.wants_help = stands("--help") || stands("-h");
        if (!parsed.wants_help && !before.empty() && !takes_value_before_verb(flag_of(before.front())))
            refuse(fmt::format("there is no option {} without a verb", one_line(flag_of(before.front()), 60)),
                   std::string(help_hint));
        if (!parsed.wants_help) refuse("a verb is missing", std::string(help_hint));
        return parsed;
    }
    auto verb = rest[position];
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(position));
    if (verb == "help") {
        parsed.wants_help = true;
        if (!rest.empty() && !is_flag(rest.front())) parsed.command = &find_command(commands, rest.front());
        return parsed;
    }
    parsed.command = &find_command(commands, verb);
    parse_verb(*parsed.command, std::move(rest), parsed.wants_help);
    return parsed;
}

bool wants_json(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == "--") return false;
        if (arguments[i] == "--output=json") return true;
        if (arguments[i] == "--output" && i + 1 < arguments.size() && arguments[i + 1] == "json") return true;
    }
    return false;
}

bool wants_quiet(const std::vector<std::string>& arguments) {
    const auto end = std::find(arguments.begin(), arguments.end(), "--");
    return std::find(arguments.begin(), end, "--quiet") != end;
}

VerbPage page_of(const Command& command) {
    CLI::App app;
    app.set_help_flag("-h,--help", "this text");
    command.setup(app);
    auto page = command.page;
    for (const auto* option : app.get_options()) {
        if (option->get_positional()) {
            const bool many = option->get_items_expected_max() > 1;
            const auto name = option->get_single_name() + (many ? "..." : "");
            const auto& text = option->get_option_text();
            page.positionals.push_back({text.empty() ? name : text, option->get_required()});
        } else {
            page.flags.push_back(flag_from(*option));
        }
    }
    return page;
}

}  // namespace vbackup::cli
