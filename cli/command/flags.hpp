// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/session/common.hpp"
#include "model/request.hpp"

namespace vbackup::cli {

// --output, --quiet, --verbose, --trace, --config, --help: every verb has them.
void add_common(CLI::App& app, Common& common);
// --timeout with that default; with `stall` also --stall.
void add_limits(CLI::App& app, Common& common, const std::string& timeout, bool stall);
void add_parallel(CLI::App& app, Common& common);
// --limit-rate, for verbs that move the bytes of backups.
void add_limit_rate(CLI::App& app, Common& common);
// --compress, for verbs that bring files to a store.
void add_compress(CLI::App& app, Common& common);
// -o NAME=VALUE
void add_driver_options(CLI::App& app, Common& common);
// --dry-run, and --yes.
void add_changing(CLI::App& app, Common& common);

// --metrics-file
void add_metrics_file(CLI::App& app, std::string& into);

// A flag with a value; `value` is how help names it, "a|b" for a list of words.
CLI::Option* add_value(CLI::App& app, const std::string& name, std::string& into, const std::string& value,
                       const std::string& help);
// One that may be given more than once, with one value each time.
CLI::Option* add_values(CLI::App& app, const std::string& name, std::vector<std::string>& into,
                        const std::string& value, const std::string& help);
// TARGET, ID and so on; required.
void add_positional(CLI::App& app, const std::string& name, std::string& into);

// --collection and --exclude.
struct Chosen {
    std::vector<std::string> collections;
    std::vector<std::string> excluded;
};
void add_collections(CLI::App& app, Chosen& chosen, bool exclude);
model::Scope scope_of(const Chosen& chosen);

}  // namespace vbackup::cli
