// SPDX-License-Identifier: Apache-2.0
#include "driver/zilliz/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::driver::zilliz {

namespace {

constexpr std::string_view everywhere = "create list status download restore delete cancel wait check prune schedule";

constexpr std::array table = {
    Option{"region", "REGION", everywhere,
           "the cluster's region; those that begin with ali- or tc- are asked at the China site", ""},
    Option{"copy-to", "REGION,…", "create schedule",
           "regions of the same cloud that get a copy too (schedule: as before)", ""},
    Option{"copy-retention", "1-30", "schedule", "days for which the copies are kept (as long as the backups)", ""},
    Option{"wait-for-slot", "true|false", "create",
           "while another backup of the cluster is under way, wait for its end instead of refusing", ""},
    Option{"project", "ID", "list restore",
           "list: the project's backups; restore to a new cluster: the project it belongs to", "", true},
    Option{"all-clusters", "true|false", "list", "backups of every cluster that the key sees", ""},
    Option{"method", "MANUAL|AUTO", "list prune", "those made by hand, or those of the policy", "", true},
    Option{"type", "CLUSTER|COLLECTION", "list prune", "those of whole clusters, or of collections", "", true},
    Option{"start", "TIME", "list prune", "made at or after this time, such as 2026-11-01T00:00:00Z", "", true},
    Option{"end", "TIME", "list prune", "made at or before this time", "", true},
    Option{"to-cluster", "ID", "restore", "the collections go into this cluster instead of the target's own", ""},
    Option{"database", "NAME", "restore", "the collections go into this database", ""},
    Option{"load", "keep|yes|no", "restore", "loaded afterwards as when the backup was made (keep), or all, or none",
           ""},
    Option{"new-cluster", "NAME", "restore", "make a new cluster of the whole backup, which costs from then on", ""},
    Option{"cu-size", "1-1024", "restore", "size of the new cluster in compute units (as the old one)", ""},
    Option{"version", "LATEST|ORIGINAL", "restore", "the version that the new cluster runs", ""},
    Option{"password-file", "FILE", "restore wait",
           "where the new cluster's password goes, which is told once; only its owner may read the file", ""},
    Option{"integration", "ID", "download", "export to the bucket of this storage integration", ""},
    Option{"directory", "DIR", "download", "the folder in that bucket", ""},
};

void require_time(const model::Options& options, std::string_view name) {
    const auto& text = value(options, name);
    if (text.empty() || parse_time(text)) return;
    throw Error(ErrorKind::usage, fmt::format("{} cannot be \"{}\"", name, one_line(text, 80)),
                "write it as 2026-11-21T07:47:00Z");
}

void require_without(const model::Options& options, std::string_view name, std::string_view other) {
    if (is_set(options, name) && is_set(options, other))
        throw Error(ErrorKind::usage, fmt::format("-o {} and -o {} exclude each other", name, other));
}

void require_only_with(const model::Options& options, std::string_view name, std::string_view other) {
    if (is_set(options, name) && !is_set(options, other))
        throw Error(ErrorKind::usage, fmt::format("-o {} means something only with -o {}", name, other));
}

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

std::span<const Option> options() {
    return table;
}

const std::string& value(const model::Options& options, std::string_view name) {
    static const std::string none;
    const auto found = options.find(std::string(name));
    return found == options.end() ? none : found->second;
}

bool is_set(const model::Options& options, std::string_view name) {
    return !value(options, name).empty();
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

void check_values(const model::Options& options) {
    require_time(options, "start");
    require_time(options, "end");
    if (is_set(options, "start") && is_set(options, "end") &&
        *parse_time(value(options, "start")) > *parse_time(value(options, "end")))
        throw Error(ErrorKind::usage, "-o start is after -o end");
    require_without(options, "new-cluster", "to-cluster");
    require_without(options, "new-cluster", "database");
    for (const auto* name : {"cu-size", "version", "password-file"}) require_only_with(options, name, "new-cluster");
    if (is_set(options, "new-cluster") && value(options, "load") == "yes")
        throw Error(ErrorKind::usage, "a new cluster has its collections as they were (-o load=keep) or unloaded (no)");
    require_only_with(options, "directory", "integration");
    require_only_with(options, "integration", "directory");
    require_only_with(options, "copy-retention", "copy-to");
}

std::string base_of(const Settings& settings) {
    if (!settings.base_url.empty()) return settings.base_url;
    const auto& region = value(settings.options, "region");
    const bool china = region.starts_with("ali-") || region.starts_with("tc-");
    return china ? "https://api.cloud.zilliz.com.cn" : "https://api.cloud.zilliz.com";
}

Name parse_name(const std::string& text) {
    const auto dot = text.find('.');
    Name name;
    if (dot != std::string::npos) name.database = text.substr(0, dot);
    name.collection = dot == std::string::npos ? text : text.substr(dot + 1);
    if (text.find_first_of("*?") != std::string::npos)
        throw Error(ErrorKind::usage,
                    fmt::format("{} is a pattern: Zilliz Cloud's control plane does not list collections to match",
                                one_line(text, 120)),
                    "name each one, as collection or database.collection");
    const auto good = [](const std::string& part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), is_name_char);
    };
    if (!good(name.database) || !good(name.collection))
        throw Error(ErrorKind::usage, fmt::format("\"{}\" cannot be the name of a collection", one_line(text, 120)),
                    "write it as collection, or as database.collection");
    return name;
}

std::string text_of(const Name& name) {
    return name.database == "default" ? name.collection : name.database + "." + name.collection;
}

void require_dedicated(const std::string& cluster) {
    const bool free = cluster.starts_with("in03-");
    if (!free && !cluster.starts_with("in05-")) return;
    throw Error(
        ErrorKind::unsupported,
        fmt::format("{} is a {} cluster, which Zilliz Cloud does not back up", cluster, free ? "free" : "serverless"),
        free ? "upgrade it to a Dedicated cluster first" : "migrate it to a Dedicated cluster first");
}

}  // namespace vbackup::driver::zilliz
