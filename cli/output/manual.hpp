// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "driver/registry.hpp"

namespace vbackup::cli {

// One option of a verb as a person types it.
struct Flag {
    std::string name;        // "--collection" or "-o"
    std::string short_name;  // "-h", or empty
    std::string value;       // "NAME", "OLD NEW"; empty for a switch
    std::string help;
    bool repeatable = false;
    std::vector<std::string> choices;  // for completion
};

struct Positional {
    std::string name;  // "TARGET", "ID..."
    bool required = true;
};

// What help, manual and completions say about a verb; one value, so that they cannot differ.
struct VerbPage {
    std::string name;
    std::string summary;                // one line, no full stop
    std::string about;                  // a paragraph, may be empty
    std::vector<std::string> examples;  // whole command lines
    std::vector<Positional> positionals;
    std::vector<Flag> flags;
    std::vector<ErrorKind> exits;  // those that matter here, besides 0 and 2
    std::string options_of;        // the verb whose -o options the drivers' tables list; empty: no -o
};

std::string usage_line(const VerbPage& page);
// Examples first, then usage, options, -o options of each driver, exit status.
std::string render_help(const VerbPage& page, std::span<const driver::Entry> drivers);
// `vbackup --help`: examples, the verbs, where to read on, all exit codes.
std::string render_overview(std::span<const VerbPage> pages);

// man/vbackup.1 in roff, in the order of man-pages(7).
std::string render_man(std::span<const VerbPage> pages, std::span<const driver::Entry> drivers,
                       std::string_view version);
std::string render_bash(std::span<const VerbPage> pages, std::span<const driver::Entry> drivers);
std::string render_zsh(std::span<const VerbPage> pages, std::span<const driver::Entry> drivers);
std::string render_fish(std::span<const VerbPage> pages, std::span<const driver::Entry> drivers);

// The environment variables that vbackup reads, with a line for each.
struct Variable {
    std::string_view name;
    std::string_view meaning;
};
std::span<const Variable> variables();

// The -o options of an entry that belong to the verb.
std::vector<driver::Option> options_for(const driver::Entry& entry, std::string_view verb);

}  // namespace vbackup::cli
