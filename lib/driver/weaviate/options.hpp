// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "driver/registry.hpp"

namespace vbackup::driver::weaviate {

// The -o options of this driver.
std::span<const Option> options();

// What one version can do and an older one cannot. Some features came to several minor lines at once.
enum class Feature : std::uint8_t {
    node_mapping,
    safe_restore,  // older servers may store a restored backup wrongly
    tuning,        // cpu-percentage, chunk-size, compression
    list,
    cancel,
    place,           // bucket, path, endpoint
    access_restore,  // roles, users
    aliases,
    overwrite_alias,
    order,
    more_compressions,  // Zstd… and NoCompression
    increments,
    cancel_restore,
    cold_tenants,  // inactive tenants are part of a backup
    include_users,
    include_roles,
};

bool has(const Version& server, Feature feature);
// "1.24.25, 1.25.17, 1.26.5, 1.27.0".
std::string since(Feature feature);
// Throws Error{unsupported}: "cpu-percentage needs Weaviate 1.24.0, this is 1.23.1".
void require(const Version& server, Feature feature, std::string_view what);

// The option's value, "" when it was not given.
const std::string& value(const model::Options& options, std::string_view name);
bool is_set(const model::Options& options, std::string_view name);
// Throws Error{usage} unless it is a whole number in the range.
int number(const model::Options& options, std::string_view name, int least, int most);
// Comma-separated, without empty ones.
std::vector<std::string> words(const std::string& text);
// "old=new,old2=new2"; throws Error{usage} for anything else and for a name that comes twice.
model::Renames node_mapping(const model::Options& options);

// Throws Error{usage} for values outside their range and for combinations that make no sense; asks nobody.
void check_values(const model::Options& options);
// Throws Error{unsupported} for options that this server does not know yet.
void check_version(const Version& server, const model::Options& options);

}  // namespace vbackup::driver::weaviate
