// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "driver/registry.hpp"
#include "driver/zilliz/answers.hpp"

namespace vbackup::driver::zilliz {

// The -o options of this driver.
std::span<const Option> options();
// The option's value, "" when it was not given.
const std::string& value(const model::Options& options, std::string_view name);
bool is_set(const model::Options& options, std::string_view name);
// Comma-separated, without empty ones.
std::vector<std::string> words(const std::string& text);

// Throws Error{usage} for values that cannot be and for combinations that make no sense; asks nobody.
void check_values(const model::Options& options);

// The address of the control plane: the one configured, else that of the site to which the region belongs.
std::string base_of(const Settings& settings);

// A collection as people write it: "articles" is in the database `default`, "shop.articles" in `shop`.
struct Name {
    std::string database = "default";
    std::string collection;
    bool operator==(const Name&) const = default;
};
// Throws Error{usage} for an empty part and for patterns: the control plane lists no collections that one could match.
Name parse_name(const std::string& text);
// The shortest text that `parse_name` reads as this.
std::string text_of(const Name& name);

// Throws Error{unsupported} for a cluster whose id tells that it is free or serverless.
void require_dedicated(const std::string& cluster);

}  // namespace vbackup::driver::zilliz
