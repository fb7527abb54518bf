// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/options.hpp"

#include <array>

namespace vbackup::driver::dragonfly {

namespace {

constexpr std::array all_abilities{
    Ability{"create", Support::full, {}},
    Ability{"list", Support::full, {}},
    Ability{"status", Support::full, {}},
    Ability{"wait", Support::full, {}},
    Ability{"download", Support::none,
            "no command reads a snapshot of the server's own: `vbackup create --to STORE` brings all keys home"},
    Ability{"restore", Support::part, "a snapshot that stays with the server is loaded by Dragonfly only (DFLY LOAD)"},
    Ability{
        "delete", Support::part,
        "no command removes snapshots that stay with the server: where this machine does not see their files, remove "
        "them there, then -o forget=true"},
    Ability{"verify", Support::part, "of what vbackup keeps; a snapshot that stays with the server cannot be read"},
    Ability{"check", Support::full, {}},
    Ability{"cancel", Support::none, "no command ends a save under way: let it finish"},
};

constexpr std::array all_options{
    Option{"match",
           "PATTERN",
           "create restore",
           "only keys like this (as SCAN has it: * ? [a-z]); nothing is cleared",
           {}},
    Option{"compress", "zstd|none", "create", "how the file that comes home is packed; zstd is the default", {}},
    Option{
        "acl", "true|false", "create restore", "users with their rights and hashed passwords too; not by default", {}},
    Option{"format",
           "df|rdb",
           "create",
           "left with Dragonfly: its own format (default) or one file as Redis writes it",
           {}},
    Option{"forget",
           "true|false",
           "delete prune",
           "drops what vbackup knows of a backup left with the server; its files stay or were removed there",
           {}},
    Option{"location", "URL", "create", "left with Dragonfly: s3://… or gs://… instead of its own directory", {}},
};

}  // namespace

std::span<const Ability> abilities() {
    return all_abilities;
}
std::span<const Option> option_table() {
    return all_options;
}

std::string option(const model::Options& options, const std::string& name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : found->second;
}

}  // namespace vbackup::driver::dragonfly
