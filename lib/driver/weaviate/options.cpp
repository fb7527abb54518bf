// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "base/error.hpp"

namespace vbackup::driver::weaviate {

namespace {

constexpr std::string_view place_verbs = "create list status download restore delete cancel wait verify check prune";

constexpr std::array table = {
    Option{"backend", "s3|gcs|azure|filesystem", place_verbs,
           "which of the server's backup modules to use; needed when several are on", ""},
    Option{"bucket", "NAME", place_verbs, "another bucket than the server's own", "1.27.2"},
    Option{"path", "PATH", place_verbs, "another prefix or directory than the server's own", "1.27.2"},
    Option{"endpoint", "ADDRESS", "create restore", "another endpoint of the object storage", "1.27.2"},
    Option{"cpu-percentage", "1-80", "create restore", "share of the processors that the server may use", "1.24.0"},
    Option{"chunk-size", "2-512", "create", "size of the chunks in MB; accepted and ignored by current servers",
           "1.24.0"},
    Option{"compression",
           "DefaultCompression|BestSpeed|BestCompression|ZstdDefaultCompression|ZstdBestSpeed|ZstdBestCompression|"
           "NoCompression",
           "create", "how the server compresses; the last four from 1.32.18, 1.33.6, 1.34.1, 1.35.0", "1.24.0"},
    Option{"base", "ID", "create", "an increment on this earlier backup", "1.37.0"},
    Option{"include-users", "NAME,…", "create", "database users that go into the backup, * and ? allowed", "1.38.3"},
    Option{"include-roles", "NAME,…", "create", "roles that go into the backup, * and ? allowed", "1.38.10"},
    Option{"azure-block-size", "BYTES", "create restore", "X-Azure-Block-Size of the request", ""},
    Option{"azure-concurrency", "NUMBER", "create restore", "X-Azure-Concurrency of the request", ""},
    Option{"node-mapping", "OLD=NEW,…", "restore", "which node takes the data of which old one", "1.22.0"},
    Option{"roles", "noRestore|all", "restore", "whether roles are restored too", "1.32.0"},
    Option{"users", "noRestore|all", "restore", "whether users are restored too", "1.32.0"},
    Option{"overwrite-alias", "true|false", "restore", "aliases that exist may be replaced", "1.32.5"},
    Option{"order", "asc|desc", "list", "by time of start", "1.32.14"},
    Option{"allow-skipped-tenants", "true|false", "create", "go on although tenants are left out of the backup", ""},
    Option{"job", "backup|restore", "cancel", "which of the two to cancel when both could be meant", "1.36.0"},
};

// The versions that brought a feature: one for every minor line that got it late, then the first that always had it.
std::span<const Version> first_versions(Feature feature) {
    static constexpr std::array node_mapping_since = {Version{1, 22, 0}};
    static constexpr std::array safe_restore_since = {Version{1, 23, 13}};
    static constexpr std::array tuning_since = {Version{1, 24, 0}};
    static constexpr std::array list_since = {Version{1, 24, 25}, Version{1, 25, 17}, Version{1, 26, 5},
                                              Version{1, 27, 0}};
    static constexpr std::array place_since = {Version{1, 27, 2}};
    static constexpr std::array access_since = {Version{1, 30, 9}, Version{1, 31, 2}, Version{1, 32, 0}};
    static constexpr std::array aliases_since = {Version{1, 32, 0}};
    static constexpr std::array overwrite_since = {Version{1, 32, 5}};
    static constexpr std::array order_since = {Version{1, 32, 14}, Version{1, 33, 2}};
    static constexpr std::array zstd_since = {Version{1, 32, 18}, Version{1, 33, 6}, Version{1, 34, 1},
                                              Version{1, 35, 0}};
    static constexpr std::array increments_since = {Version{1, 34, 18}, Version{1, 35, 13}, Version{1, 36, 3},
                                                    Version{1, 37, 0}};
    static constexpr std::array cancel_restore_since = {Version{1, 36, 0}};
    static constexpr std::array cold_since = {Version{1, 37, 0}};
    static constexpr std::array users_since = {Version{1, 38, 3}};
    static constexpr std::array roles_since = {Version{1, 38, 10}, Version{1, 40, 0}};
    switch (feature) {
        case Feature::node_mapping:
            return node_mapping_since;
        case Feature::safe_restore:
            return safe_restore_since;
        case Feature::tuning:
            return tuning_since;
        case Feature::list:
        case Feature::cancel:
            return list_since;
        case Feature::place:
            return place_since;
        case Feature::access_restore:
            return access_since;
        case Feature::aliases:
            return aliases_since;
        case Feature::overwrite_alias:
            return overwrite_since;
        case Feature::order:
            return order_since;
        case Feature::more_compressions:
            return zstd_since;
        case Feature::increments:
            return increments_since;
        case Feature::cancel_restore:
            return cancel_restore_since;
        case Feature::cold_tenants:
            return cold_since;
        case Feature::include_users:
            return users_since;
        case Feature::include_roles:
            return roles_since;
    }
    return {};
}

bool is_gzip(std::string_view compression) {
    return !compression.starts_with("Zstd") && compression != "NoCompression";
}

void require_whole(const model::Options& options, std::string_view name, int least, int most) {
    if (is_set(options, name)) number(options, name, least, most);
}

void require_one_of(const model::Options& options, std::string_view name) {
    const auto row = std::find_if(table.begin(), table.end(), [&](const Option& one) { return one.name == name; });
    const auto& given = value(options, name);
    if (given.empty() || row == table.end()) return;
    for (std::string_view rest = row->value; !rest.empty();) {
        const auto bar = rest.find('|');
        if (rest.substr(0, bar) == given) return;
        rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
    }
    throw Error(ErrorKind::usage, fmt::format("{} cannot be \"{}\"", name, one_line(given, 80)),
                fmt::format("it is one of {}", row->value));
}

}  // namespace

std::span<const Option> options() {
    return table;
}

bool has(const Version& server, Feature feature) {
    const auto versions = first_versions(feature);
    for (const auto& version : versions) {
        if (server.major == version.major && server.minor == version.minor) return server >= version;
    }
    return server >= versions.back();
}

std::string since(Feature feature) {
    std::string text;
    for (const auto& version : first_versions(feature)) text += (text.empty() ? "" : ", ") + format_version(version);
    return text;
}

void require(const Version& server, Feature feature, std::string_view what) {
    if (has(server, feature)) return;
    throw Error(ErrorKind::unsupported,
                fmt::format("{} needs Weaviate {}, this is {}", what, since(feature), format_version(server)),
                "update the server, or leave it out");
}

const std::string& value(const model::Options& options, std::string_view name) {
    static const std::string none;
    const auto found = options.find(std::string(name));
    return found == options.end() ? none : found->second;
}

bool is_set(const model::Options& options, std::string_view name) {
    return !value(options, name).empty();
}

int number(const model::Options& options, std::string_view name, int least, int most) {
    const auto& text = value(options, name);
    int result = 0;
    const auto end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, result);
    if (problem != std::errc{} || stop != end || result < least || result > most)
        throw Error(ErrorKind::usage, fmt::format("{} cannot be \"{}\"", name, one_line(text, 80)),
                    fmt::format("it is a whole number from {} to {}", least, most));
    return result;
}

std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> result;
    for (std::size_t from = 0; from <= text.size();) {
        const auto comma = std::min(text.find(',', from), text.size());
        if (comma > from) result.push_back(text.substr(from, comma - from));
        from = comma + 1;
    }
    return result;
}

model::Renames node_mapping(const model::Options& options) {
    model::Renames mapping;
    std::set<std::string> seen;
    for (const auto& pair : words(value(options, "node-mapping"))) {
        const auto sign = pair.find('=');
        if (sign == std::string::npos || sign == 0 || sign + 1 == pair.size() ||
            !seen.insert(pair.substr(0, sign)).second)
            throw Error(ErrorKind::usage, fmt::format("node-mapping cannot be \"{}\"", one_line(pair, 80)),
                        "write it as old=new,old2=new2 with each old node once");
        mapping.emplace_back(pair.substr(0, sign), pair.substr(sign + 1));
    }
    return mapping;
}

void check_values(const model::Options& options) {
    for (const auto name :
         {"backend", "compression", "roles", "users", "overwrite-alias", "order", "allow-skipped-tenants", "job"})
        require_one_of(options, name);
    require_whole(options, "cpu-percentage", 1, 80);
    require_whole(options, "chunk-size", 2, 512);
    require_whole(options, "azure-block-size", 1, std::numeric_limits<int>::max());
    require_whole(options, "azure-concurrency", 1, std::numeric_limits<int>::max());
    node_mapping(options);
}

void check_version(const Version& server, const model::Options& options) {
    constexpr std::pair<std::string_view, Feature> gates[] = {
        {"cpu-percentage", Feature::tuning},
        {"chunk-size", Feature::tuning},
        {"compression", Feature::tuning},
        {"bucket", Feature::place},
        {"path", Feature::place},
        {"endpoint", Feature::place},
        {"base", Feature::increments},
        {"include-users", Feature::include_users},
        {"include-roles", Feature::include_roles},
        {"node-mapping", Feature::node_mapping},
        {"roles", Feature::access_restore},
        {"users", Feature::access_restore},
        {"overwrite-alias", Feature::overwrite_alias},
        {"order", Feature::order},
    };
    for (const auto& [name, feature] : gates) {
        if (is_set(options, name)) require(server, feature, name);
    }
    const auto& compression = value(options, "compression");
    if (!compression.empty() && !is_gzip(compression))
        require(server, Feature::more_compressions, "compression " + compression);
}

}  // namespace vbackup::driver::weaviate
