// SPDX-License-Identifier: Apache-2.0
#include "cli/command/flags.hpp"

namespace vbackup::cli {

void add_common(CLI::App& app, Common& common) {
    add_value(app, "--output", common.output, "table|json",
              "how the result is written; json: one document, events on stderr");
    app.add_flag("--quiet", common.quiet, "no progress, no warnings and no report of what was done");
    app.add_flag("--verbose", common.verbose, "each request on stderr, without secrets");
    add_value(app, "--trace", common.trace, "FILE",
              "each request and its answer into a file (HAR), secrets masked and long bodies cut");
    add_value(app, "--config", common.config, "FILE", "the configuration file");
}

void add_limits(CLI::App& app, Common& common, const std::string& timeout, bool stall) {
    common.usual_timeout = timeout;
    add_value(app, "--timeout", common.timeout, "TIME",
              "how long to wait at most, such as 90s, 30m, 2h (" + timeout + ")");
    if (stall)
        add_value(app, "--stall", common.stall, "TIME",
                  "how long to wait without progress (30m; 6h where the server shows none; 2m after an outage)");
}

void add_parallel(CLI::App& app, Common& common) {
    app.add_option("--parallel", common.parallel,
                   "how many parts side by side (4, and two for each node of a larger cluster)")
        ->option_text("NUMBER")
        ->check(CLI::Range(1, 64));
}

void add_limit_rate(CLI::App& app, Common& common) {
    add_value(app, "--limit-rate", common.limit_rate, "RATE",
              "bytes a second that all parts together move at most, such as 500K or 10M");
}

void add_compress(CLI::App& app, Common& common) {
    add_value(app, "--compress", common.compress, "none|fast|default|best",
              "how hard zstd packs what is kept in the store (none); what the server packed already stays as it is");
}

void add_driver_options(CLI::App& app, Common& common) {
    add_values(app, "-o", common.options, "NAME=VALUE", "what only one database knows; listed below");
    add_values(app, "--node", common.nodes, "URL", "a further address of the cluster, where it cannot be found");
}

void add_changing(CLI::App& app, Common& common) {
    app.add_flag("--dry-run", common.dry_run, "print the plan and change nothing");
    app.add_flag("--yes", common.yes, "do not ask before data is destroyed");
}

void add_metrics_file(CLI::App& app, std::string& into) {
    add_value(app, "--metrics-file", into, "FILE",
              "what became of it, for Prometheus' textfile collector; the time of the last success never moves on a "
              "failure");
}

CLI::Option* add_value(CLI::App& app, const std::string& name, std::string& into, const std::string& value,
                       const std::string& help) {
    return app.add_option(name, into, help)->option_text(value);
}

CLI::Option* add_values(CLI::App& app, const std::string& name, std::vector<std::string>& into,
                        const std::string& value, const std::string& help) {
    return app.add_option(name, into, help)->option_text(value)->allow_extra_args(false);
}

void add_positional(CLI::App& app, const std::string& name, std::string& into) {
    app.add_option(name, into)->required();
}

void add_collections(CLI::App& app, Chosen& chosen, bool exclude) {
    add_values(app, "--collection", chosen.collections, "NAME", "only this collection; * and ? match");
    if (exclude) add_values(app, "--exclude", chosen.excluded, "NAME", "all but this collection; * and ? match");
}

model::Scope scope_of(const Chosen& chosen) {
    model::Scope scope;
    scope.include = chosen.collections;
    scope.exclude = chosen.excluded;
    return scope;
}

}  // namespace vbackup::cli
