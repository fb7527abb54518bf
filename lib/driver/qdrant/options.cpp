// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/options.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace vbackup::driver::qdrant {

namespace {

constexpr std::array all_abilities{
    Ability{"create", Support::full, {}},
    Ability{"list", Support::full, {}},
    Ability{"status", Support::full, {}},
    Ability{"wait", Support::full, {}},
    Ability{"download", Support::full, {}},
    Ability{"restore", Support::part,
            "of a storage snapshot the start command is printed: Qdrant restores it at its start only"},
    Ability{"delete", Support::full, {}},
    Ability{"verify", Support::full, {}},
    Ability{"check", Support::full, {}},
    Ability{"cancel", Support::none, "Qdrant cannot end a snapshot under way: let it finish, then `vbackup delete` it"},
};

constexpr std::array all_options{
    Option{"unit", "shard|collection|storage", "create", "what one snapshot holds; shard is the default", {}},
    Option{"from",
           "upload|server|url",
           "restore",
           "where the server reads the bytes: sent by vbackup, its own snapshot, or a URL",
           {}},
    Option{"url",
           "URL",
           "restore",
           "implies from=url: http(s)://… or file:///… of one collection snapshot; without a query",
           {}},
    Option{"replication-factor",
           "1-99",
           "restore",
           "replicas of each shard instead of as many as in the backup; no more than there are nodes",
           {}},
    Option{"write-consistency-factor",
           "1-99",
           "restore",
           "how many replicas must take a write, instead of as in the backup",
           {}},
    Option{
        "keep-on-server", "true|false", "create", "leave the server's copies where they are once they came home", {}},
    Option{"compress",
           "none|zstd",
           "create download wait",
           "zstd: the server packs the bytes on the way, for slow links; a broken line then starts the file over",
           {}},
    Option{"auth",
           "api-key|bearer",
           "create list status wait download restore delete cancel verify check prune",
           "the header that carries the key: api-key (default) or Authorization: Bearer",
           {}},
};

std::string value_of(const model::Options& options, const std::string& name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string{} : found->second;
}

[[noreturn]] void throw_bad(const std::string& name, const std::string& value, std::string_view choices) {
    throw Error(ErrorKind::usage, fmt::format("-o {}={} is not known", name, value), fmt::format("one of {}", choices));
}

}  // namespace

std::span<const Ability> abilities() {
    return all_abilities;
}
std::span<const Option> option_table() {
    return all_options;
}

Unit unit_of(const model::Options& options) {
    const auto value = value_of(options, "unit");
    if (value.empty()) return Unit::shard;
    const auto unit = parse_unit(value);
    if (!unit) throw_bad("unit", value, "shard, collection, storage");
    return *unit;
}

std::optional<From> from_of(const model::Options& options) {
    const auto value = value_of(options, "from");
    if (value.empty()) return std::nullopt;
    if (value == "upload") return From::upload;
    if (value == "server") return From::server;
    if (value == "url") return From::url;
    throw_bad("from", value, "upload, server, url");
}

std::string url_of(const model::Options& options) {
    return value_of(options, "url");
}

namespace {

std::optional<std::uint32_t> factor_of(const model::Options& options, const std::string& name) {
    const auto value = value_of(options, name);
    if (value.empty()) return std::nullopt;
    std::uint32_t factor = 0;
    const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), factor);
    if (fault != std::errc{} || end != value.data() + value.size() || factor < 1 || factor > 99)
        throw_bad(name, value, "1 to 99");
    return factor;
}

}  // namespace

Factors factors_of(const model::Options& options) {
    return {factor_of(options, "replication-factor"), factor_of(options, "write-consistency-factor")};
}

bool keeps_on_server(const model::Options& options) {
    return value_of(options, "keep-on-server") == "true";
}

bool compresses(const model::Options& options) {
    return value_of(options, "compress") == "zstd";
}

bool uses_bearer(const model::Options& options) {
    const auto value = value_of(options, "auth");
    if (!value.empty() && value != "api-key" && value != "bearer") throw_bad("auth", value, "api-key, bearer");
    return value == "bearer";
}

}  // namespace vbackup::driver::qdrant
