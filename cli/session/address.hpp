// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "driver/registry.hpp"

namespace vbackup::cli {

// What a person typed for TARGET, before anybody was asked.
struct TargetAddress {
    std::string name;    // of the configuration, or empty
    std::string driver;  // named by the URL ("qdrant+https://…"), or empty: the server is asked
    std::string url;     // "http://host:6333", without the driver's prefix
    const config::TargetConfig* configured = nullptr;
};

// Throws Error{configuration} for a name that the configuration does not have (with a suggestion), Error{usage} for a
// URL that is none or holds credentials. The configuration must outlive the result.
TargetAddress resolve_target(std::string_view text, const config::Config& config,
                             std::span<const driver::Entry> drivers);

// A path with a '/', file:///…, s3://… or @name. Names of targets have none of these, so the two cannot be confused.
bool names_a_store(std::string_view text);

// The URL or path of the store. Throws Error{configuration} for an unknown @name, Error{usage} for what is no store.
std::string resolve_store(std::string_view text, const config::Config& config);

// "-o NAME=VALUE" as a map. Throws Error{usage} for a word without '=' and for a name that comes twice.
model::Options parse_options(std::span<const std::string> words);

// Those of `options` that the driver's table gives to the verb.
model::Options options_of_verb(const driver::Entry& entry, std::string_view verb, const model::Options& options);

}  // namespace vbackup::cli
