// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/output/manual.hpp"
#include "cli/output/table.hpp"

namespace vbackup::cli {

namespace {

constexpr std::size_t help_width = 100;
constexpr std::size_t help_column = 30;

// Words of `text` in lines of at most `width` columns, each after the first indented.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
    std::string out, line;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && indent + display_width(line) + 1 + display_width(word) > width) {
            out += line + "\n" + std::string(indent, ' ');
            line.clear();
        }
        line += (line.empty() ? "" : " ") + std::string(word);
    }
    return out + line;
}

// "  left      explanation" with the explanation in its own column, below when left is too long for it.
std::string entry_line(std::string_view left, std::string_view right) {
    std::string out = "  " + std::string(left);
    if (display_width(out) + 2 > help_column)
        out += "\n" + std::string(help_column, ' ');
    else
        out += std::string(help_column - display_width(out), ' ');
    return out + wrapped(right, help_column, help_width) + "\n";
}

std::string flag_text(const Flag& flag) {
    return (flag.short_name.empty() ? "" : flag.short_name + ", ") + flag.name +
           (flag.value.empty() ? "" : " " + flag.value) + (flag.repeatable ? "..." : "");
}

std::string exit_line(int code, std::string_view meaning) {
    return fmt::format("  {:>3}  {}\n", code, meaning);
}

std::string examples_text(const VerbPage& page) {
    std::string out = "Examples:\n";
    for (const auto& example : page.examples) out += "  " + example + "\n";
    return out;
}

std::string driver_options(const VerbPage& page, std::span<const driver::Entry> drivers) {
    std::string out;
    if (page.options_of.empty()) return out;
    for (const auto& entry : drivers) {
        const auto options = options_for(entry, page.options_of);
        if (options.empty()) continue;
        out += fmt::format("\nOptions of {} (-o NAME=VALUE):\n", entry.product);
        for (const auto& option : options)
            out += entry_line(fmt::format("{}={}", option.name, option.value),
                              option.since.empty() ? std::string(option.help)
                                                   : fmt::format("{} (since {})", option.help, option.since));
    }
    return out;
}

std::string exits_text(std::span<const ErrorKind> kinds) {
    std::string out = "\nExit status:\n" + exit_line(0, "done, and proven");
    for (const auto& info : error_kinds())
        if (info.kind == ErrorKind::usage || std::find(kinds.begin(), kinds.end(), info.kind) != kinds.end())
            out += exit_line(info.exit_code, info.meaning);
    return out + "  all codes: vbackup --help\n";
}

constexpr std::array<Variable, 14> all_variables{{
    {"VBACKUP_CONFIG", "the configuration file, where --config does not say"},
    {"VBACKUP_API_KEY", "the key for a target given as a URL; prefer a file"},
    {"VBACKUP_API_KEY_FILE", "a file that holds that key"},
    {"VBACKUP_PASSPHRASE_FILE", "a file that holds the passphrase of an encrypted store given as a path or URL"},
    {"VBACKUP_PASSPHRASE", "that passphrase itself; prefer a file"},
    {"VBACKUP_KEY_FILE", "the key file of such a store, where it has no passphrase"},
    {"AWS_ACCESS_KEY_ID", "and all else that tells the AWS tools keys, profile and region: for stores in buckets"},
    {"AWS_ENDPOINT_URL", "where a bucket is that is not Amazon's; AWS_ENDPOINT_URL_S3 counts before"},
    {"XDG_CONFIG_HOME", "vbackup/vbackup.toml is looked for below it; ~/.config by default"},
    {"XDG_STATE_HOME", "the journal lies in vbackup below it; ~/.local/state by default"},
    {"NO_COLOR", "not empty: no colours"},
    {"TERM", "dumb: no colours and no progress line"},
    {"COLUMNS", "the width of the terminal, where it does not say itself"},
    {"HOME", "where the XDG folders lie by default"},
}};

}  // namespace

std::span<const Variable> variables() {
    return all_variables;
}

std::vector<driver::Option> options_for(const driver::Entry& entry, std::string_view verb) {
    std::vector<driver::Option> out;
    for (const auto& option : entry.options) {
        const std::string verbs = " " + std::string(option.verbs) + " ";
        if (verbs.find(" " + std::string(verb) + " ") != std::string::npos) out.push_back(option);
    }
    return out;
}

std::string usage_line(const VerbPage& page) {
    std::string out = "vbackup " + page.name;
    for (const auto& positional : page.positionals)
        out += positional.required ? " " + positional.name : " [" + positional.name + "]";
    return out + (page.flags.empty() ? "" : " [OPTION]...");
}

std::string render_help(const VerbPage& page, std::span<const driver::Entry> drivers) {
    std::string out = page.summary + "\n\n" + examples_text(page);
    out += "\nUsage: " + usage_line(page) + "\n";
    if (!page.about.empty()) out += "\n" + wrapped(page.about, 0, help_width) + "\n";
    out += "\nOptions:\n";
    for (const auto& flag : page.flags) out += entry_line(flag_text(flag), flag.help);
    return out + driver_options(page, drivers) + exits_text(page.exits);
}

std::string render_overview(std::span<const VerbPage> pages) {
    std::string out =
        "vbackup backs up vector databases that are running, and puts the backups back, with proof\n\n"
        "Examples:\n"
        "  vbackup check http://localhost:6333\n"
        "  vbackup create http://localhost:6333 --to /var/backups/vbackup\n"
        "  vbackup restore http://localhost:6333 ID --from /var/backups/vbackup\n"
        "\nUsage: vbackup VERB [ARGUMENT]... [OPTION]...\n\nVerbs:\n";
    for (const auto& page : pages) out += entry_line(page.name, page.summary);
    out += "\nWords:\n";
    out += entry_line("TARGET",
                      "a name from the configuration, or a URL such as http://localhost:6333 or "
                      "weaviate+https://db.example");
    out += entry_line("STORE",
                      "a path with a '/' in it, file:///PATH, s3://BUCKET/PREFIX, or @NAME from the configuration");
    out += entry_line("ID", "what create printed, or the server's own name of a backup that vbackup did not make");
    out += "\nOptions:\n" + entry_line("-h, --help", "this text; `vbackup VERB --help` for one verb") +
           entry_line("--version", "the version");
    out += "\nExit status:\n" + exit_line(0, "done, and proven");
    for (const auto& info : error_kinds())
        if (info.kind != ErrorKind::interrupted) out += exit_line(info.exit_code, info.meaning);
    return out + "  128+N  ended by signal N; the job goes on\n";
}

}  // namespace vbackup::cli
