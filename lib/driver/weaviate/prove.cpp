// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/prove.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "driver/weaviate/census.hpp"
#include "driver/weaviate/requests.hpp"
#include "model/shallow.hpp"

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

bool is_left_out(const std::string& collection, const std::string& tenant, const std::vector<std::string>& skipped) {
    const auto left_out = fmt::format("{}: {} (", collection, tenant);
    return std::any_of(skipped.begin(), skipped.end(), [&](const auto& one) { return one.starts_with(left_out); });
}

// What was found of the tenants that the backup covers.
struct Tenants {
    std::size_t counted = 0;    // the backup has a count of them
    std::size_t uncounted = 0;  // it has none: they were inactive, or the count failed
    std::uint64_t objects = 0;  // now, in those that the backup counted
    std::size_t left_out = 0;
    bool good = true;
};

// Tenants that the backup covers must be there, those that it counted with their counts.
Tenants compare_tenants(const model::CollectionEntry& entry, const model::Collection& now,
                        const std::vector<TenantCount>& before, const std::vector<std::string>& skipped,
                        std::vector<model::Finding>& findings) {
    // Which tenant was written to during the backup is not known: then only the sum can be judged.
    const bool exact = !entry.before.count || !entry.count_after || entry.quiet();
    std::map<std::string, TenantCount> here;
    for (auto& tenant : parse_tenant_details(now.details)) here.emplace(tenant.name, tenant);
    Tenants all;
    const auto bad = [&](std::string what) {
        findings.push_back({std::move(what), false});
        all.good = false;
    };
    for (const auto& tenant : before) {
        const auto found = here.find(tenant.name);
        if (is_left_out(now.name, tenant.name, skipped)) {
            ++all.left_out;
        } else if (found == here.end()) {
            bad(fmt::format("tenant {} of {} is not there", tenant.name, now.name));
        } else if (!tenant.count) {
            ++all.uncounted;
        } else if (!found->second.count) {
            bad(fmt::format("tenant {} of {}: no count ({}) instead of {}", tenant.name, now.name, found->second.status,
                            *tenant.count));
        } else if (exact && found->second.count != tenant.count) {
            bad(fmt::format("tenant {} of {}: {} objects instead of {}", tenant.name, now.name, *found->second.count,
                            *tenant.count));
        } else {
            ++all.counted;
            all.objects += *found->second.count;
        }
    }
    return all;
}

// Are those without a count the inactive ones?
bool all_inactive(const std::vector<TenantCount>& tenants) {
    return std::none_of(tenants.begin(), tenants.end(),
                        [](const auto& one) { return !one.count && is_awake(one.status); });
}

// A collection is judged by its own count where both sides have one that covers every tenant, and else by its tenants: no
// server counts what is in an inactive one.
void compare_tenancy(const model::CollectionEntry& entry, const model::Collection& now,
                     const std::vector<TenantCount>& before, const std::vector<std::string>& skipped,
                     std::vector<model::Finding>& findings) {
    const bool whole = entry.before.count && now.count &&
                       std::all_of(before.begin(), before.end(), [](const auto& one) { return one.count.has_value(); });
    if (whole) findings.push_back(compare_counts(entry, *now.count));
    const auto all = compare_tenants(entry, now, before, skipped, findings);
    if (!all.good) return;
    const bool written = entry.before.count && entry.count_after && !entry.quiet();
    if (!whole && written) findings.push_back(compare_counts(entry, all.objects));
    std::vector<std::string> said;
    if (whole || written)
        said.push_back(fmt::format("all {} tenants that the backup holds", before.size() - all.left_out));
    else if (all.counted > 0)
        said.push_back(fmt::format("{} objects in {} tenants, as in the backup", all.objects, all.counted));
    if (all.uncounted > 0)
        said.push_back(fmt::format("{} {}tenants are there, their objects were not counted", all.uncounted,
                                   all_inactive(before) ? "inactive " : ""));
    if (said.empty()) said.emplace_back("it is there; the backup left out all of its tenants");
    findings.push_back({fmt::format("collection {}: {}", now.name, fmt::join(said, "; ")), true});
}

// Every property must be there with its data type. What a newer server adds to a configuration is no loss.
void compare_properties(const model::CollectionEntry& entry, const model::Collection& now,
                        std::vector<model::Finding>& findings) {
    const auto properties = [](const model::JsonText& config) {
        std::map<std::string, json> all;
        const auto object = json::parse(model::shallow(config), nullptr, false);
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
    const auto tenants = parse_tenant_details(entry.before.details);
    if (!tenants.empty()) {
        compare_tenancy(entry, *now, tenants, skipped, findings);
    } else if (!entry.before.count && entry.before.config.empty() && now->count.value_or(0) == 0) {
        // The backup was made without vbackup and says no more than the name, or not even that. That the server restored
        // it with success was seen before.
        findings.push_back(
            {fmt::format("collection {} is there; how many objects it must have was not recorded", now->name), true});
    } else if (now->count) {
        findings.push_back(compare_counts(entry, *now->count));
    } else {
        findings.push_back({fmt::format("collection {} could not be counted", now->name), false});
    }
    compare_properties(entry, *now, findings);
    compare_aliases(entry, *now, findings);
}

}  // namespace vbackup::driver::weaviate
