// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/prove.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "driver/weaviate/requests.hpp"

namespace vbackup::driver::weaviate {

namespace {

using nlohmann::json;

// How the number of objects stands to the backup's: equal when nothing was written meanwhile, else within the two counts
// around the backup.
model::Finding compare_counts(const model::CollectionEntry& entry, std::uint64_t now) {
    const auto& name = entry.before.name;
    if (!entry.before.count)
        // Nothing to compare with; an empty collection is then what a restore that went wrong looks like.
        return {fmt::format("collection {}: {} objects; the backup has no count to compare with", name, now), now > 0};
    const auto before = *entry.before.count;
    if (entry.quiet())
        return {now == before ? fmt::format("collection {}: {} objects, as in the backup", name, now)
                              : fmt::format("collection {}: {} objects instead of {}", name, now, before),
                now == before};
    if (!entry.count_after)
        return {fmt::format("collection {}: {} objects; the backup counted {} before it began and not after", name, now,
                            before),
                now == before};
    const auto [least, most] = std::minmax(before, *entry.count_after);
    const bool good = now >= least && now <= most;
    return {
        fmt::format("collection {}: {} objects, {} the {} to {} counted around the backup, during which writes went on",
                    name, now, good ? "within" : "not within", least, most),
        good};
}

// Tenants that the backup covers must be there, the active ones with their counts.
void compare_tenants(const model::CollectionEntry& entry, const model::Collection& now,
                     const std::vector<std::string>& skipped, std::vector<model::Finding>& findings) {
    const auto before = parse_tenant_details(entry.before.details);
    if (before.empty()) return;
    std::map<std::string, TenantCount> here;
    for (auto& tenant : parse_tenant_details(now.details)) here.emplace(tenant.name, tenant);
    std::size_t good = 0;
    for (const auto& tenant : before) {
        const auto found = here.find(tenant.name);
        const auto left_out = fmt::format("{}: {} (", now.name, tenant.name);
        if (std::any_of(skipped.begin(), skipped.end(), [&](const auto& one) { return one.starts_with(left_out); })) {
            ++good;
        } else if (found == here.end()) {
            findings.push_back({fmt::format("tenant {} of {} is not there", tenant.name, now.name), false});
        } else if (entry.quiet() && tenant.count && found->second.count != tenant.count) {
            const auto number = found->second.count ? fmt::format("{} objects", *found->second.count)
                                                    : "no count (" + found->second.status + ")";
            findings.push_back(
                {fmt::format("tenant {} of {}: {} instead of {}", tenant.name, now.name, number, *tenant.count),
                 false});
        } else {
            ++good;
        }
    }
    if (good == before.size())
        findings.push_back({fmt::format("collection {}: all {} tenants that the backup holds", now.name, good), true});
}

// Every property must be there with its data type. What a newer server adds to a configuration is no loss.
void compare_properties(const model::CollectionEntry& entry, const model::Collection& now,
                        std::vector<model::Finding>& findings) {
    const auto properties = [](const model::JsonText& config) {
        std::map<std::string, json> all;
        const auto object = json::parse(config, nullptr, false);
        if (!object.is_object() || !object.contains("properties") || !object["properties"].is_array()) return all;
        for (const auto& one : object["properties"]) {
            if (one.is_object() && one.contains("name") && one["name"].is_string())
                all.emplace(one["name"].get<std::string>(), one.value("dataType", json()));
        }
        return all;
    };
    const auto here = properties(now.config);
    for (const auto& [name, type] : properties(entry.before.config)) {
        const auto found = here.find(name);
        if (found == here.end() || found->second != type)
            findings.push_back({fmt::format("property {} of {} is not as in the backup", name, now.name), false});
    }
}

void compare_aliases(const model::CollectionEntry& entry, const model::Collection& now,
                     std::vector<model::Finding>& findings) {
    for (const auto& alias : entry.before.aliases) {
        const bool good = std::find(now.aliases.begin(), now.aliases.end(), alias) != now.aliases.end();
        findings.push_back(
            {fmt::format("alias {} {} {}", alias, good ? "points to" : "does not point to", now.name), good});
    }
}

}  // namespace

void compare(const model::CollectionEntry& entry, const model::Collection* now, const std::vector<std::string>& skipped,
             std::vector<model::Finding>& findings) {
    if (!now) {
        findings.push_back({fmt::format("collection {} is not there", entry.before.name), false});
        return;
    }
    if (now->count) {
        findings.push_back(compare_counts(entry, *now->count));
    } else {
        findings.push_back({fmt::format("collection {} could not be counted", now->name), false});
    }
    compare_tenants(entry, *now, skipped, findings);
    compare_properties(entry, *now, findings);
    compare_aliases(entry, *now, findings);
}

}  // namespace vbackup::driver::weaviate
