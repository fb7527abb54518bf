// SPDX-License-Identifier: Apache-2.0
// The routes of clusters and their backups.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "support/scripted_zilliz_state.hpp"

namespace vbackup::test {

namespace {

using State = ScriptedZilliz::State;
using nlohmann::json;

std::string given(const State::Parameters& asked, const char* name) {
    const auto found = asked.find(name);
    return found == asked.end() ? "" : found->second;
}

bool is_one_of(const std::string& text, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&](const char* word) { return text == word; });
}

// "02:00-04:00"
bool is_window(const std::string& text) {
    int from = 0, to = 0;
    char rest = 0;
    return std::sscanf(text.c_str(), "%2d:00-%2d:00%c", &from, &to, &rest) == 2 && text.size() == 11 &&
           (from + 2) % 24 == to % 24;
}

bool is_frequency(const std::string& text) {
    bool digit = true;
    for (const char c : text) {
        if (digit ? (c < '1' || c > '7') : c != ',') return false;
        digit = !digit;
    }
    return !text.empty() && !digit;
}

bool in_month(const json& days) {
    return days.is_number_integer() && days >= 1 && days <= 30;
}

}  // namespace

ScriptedZilliz::Backup* State::find(const std::string& cluster, const std::string& id) {
    const auto found = std::find_if(backups.begin(), backups.end(),
                                    [&](const auto& one) { return one.id == id && one.cluster == cluster; });
    return found == backups.end() ? nullptr : &*found;
}

ScriptedZilliz::Backup* State::under_way(const std::string& cluster) {
    const auto found = std::find_if(backups.begin(), backups.end(), [&](const auto& one) {
        return one.cluster == cluster && one.status == "CREATING" && !one.job.empty();
    });
    return found == backups.end() ? nullptr : &*found;
}

std::string State::begin_backup(const std::string& cluster, Backup backup) {
    backup.cluster = cluster;
    backup.id = next(fmt::format("backup{}_", backups.size() + 1).c_str());
    backup.name = fmt::format("{}_backup{}", script.clusters.at(cluster).name, backups.size() + 1);
    backup.status = "CREATING";
    backup.created = script.now;
    backup.looks = script.settling;
    if (backup.type == "CLUSTER") backup.collections = script.clusters.at(cluster).collections;
    script.now += std::chrono::minutes(1);
    backup.job = begin("BACKUP", script.ending, script.reason, [this, id = backup.id, cluster](bool good) {
        if (!good) std::erase_if(backups, [&](const auto& one) { return one.id == id; });
        if (auto* made = find(cluster, id); made && good) {
            made->job.clear();
            if (made->looks == 0) made->status = "AVAILABLE";
        }
    });
    backups.push_back(backup);
    return backup.id;
}

json State::row(const Backup& backup) const {
    const auto known = script.clusters.find(backup.cluster);
    json one{{"backupId", backup.id},
             {"backupName", backup.name},
             {"backupType", backup.type},
             {"creationMethod", backup.method},
             {"clusterId", backup.cluster},
             {"clusterName", known == script.clusters.end() ? "gone" : known->second.name},
             {"projectId", known == script.clusters.end() ? "proj-20e13e974c7d659a83aaaa" : known->second.project},
             {"status", backup.status},
             {"size", backup.status == "CREATING" ? 0 : backup.size},
             {"createTime", format_time(backup.created)}};
    if (!backup.expires.empty()) one["expireTime"] = backup.expires;
    if (backup.type == "CLUSTER") one["restoreNewInstancePolicies"] = backup.policies;
    return one;
}

json State::row(const std::string& id, const Cluster& cluster) const {
    return {{"clusterId", id},
            {"clusterName", cluster.name},
            {"description", ""},
            {"regionId", cluster.region},
            {"plan", cluster.plan},
            {"cuType", "Performance-optimized"},
            {"cuSize", cluster.cu},
            {"status", cluster.status},
            {"connectAddress", fmt::format("https://{}.{}.vectordb.example:19530", id, cluster.region)},
            {"projectId", cluster.project},
            {"createTime", "2026-06-01T00:00:00Z"},
            {"deploymentOption", cluster.deployment}};
}

Answer State::list(const Parameters& asked) {
    if (const auto word = given(asked, "creationMethod"); !word.empty() && !is_one_of(word, {"MANUAL", "AUTO"}))
        return bad(96030, "The creation method is invalid.");
    if (const auto word = given(asked, "backupType"); !word.empty() && !is_one_of(word, {"CLUSTER", "COLLECTION"}))
        return bad(96029, "The backup type is invalid.");
    json all = json::array();
    for (auto it = backups.rbegin(); it != backups.rend(); ++it) {
        const auto one = row(*it);
        const auto matches = [&](const char* parameter, const char* field) {
            const auto wanted = given(asked, parameter);
            return wanted.empty() || one[field] == wanted;
        };
        const auto start = given(asked, "start"), end = given(asked, "end");
        const bool in_time = (start.empty() || it->created >= parse_time(start).value()) &&
                             (end.empty() || it->created <= parse_time(end).value());
        if (it->status == "CREATING" && !script.listed) continue;
        if (matches("clusterId", "clusterId") && matches("projectId", "projectId") && in_time &&
            matches("creationMethod", "creationMethod") && matches("backupType", "backupType"))
            all.push_back(one);
    }
    if (const auto id = std::exchange(script.goes, ""); !id.empty())
        std::erase_if(backups, [&](const auto& one) { return one.id == id; });
    return page(all, asked, "backups");
}

Answer State::clusters(const Parameters& asked) {
    json all = json::array();
    for (const auto& [id, cluster] : script.clusters) all.push_back(row(id, cluster));
    return page(all, asked, "clusters");
}

Answer State::describe(const Backup& backup) {
    auto one = row(backup);
    const auto known = script.clusters.find(backup.cluster);
    one["regionId"] = known == script.clusters.end() ? "aws-us-west-2" : known->second.region;
    json databases = json::array(), flat = json::array();
    for (const auto& [database, collections] : backup.collections) {
        json names = json::array();
        for (const auto& [name, status] : collections)
            names.push_back({{"collectionName", name}, {"description", ""}, {"status", status}});
        for (const auto& name : names) flat.push_back(name);
        databases.push_back({{"dbName", database}, {"collections", names}});
    }
    if (backup.flat)
        one["collections"] = flat;
    else
        one["dbCollections"] = databases;
    return good(one);
}

Answer State::create(const std::string& cluster, const json& body) {
    const auto type = body.value("backupType", "");
    if (!is_one_of(type, {"CLUSTER", "COLLECTION"})) return bad(96029, "The backup type is invalid.");
    const auto& here = script.clusters.at(cluster);
    if (here.deployment == "Free") return bad(96021, "Backups cannot be used with a free cluster.");
    if (here.deployment == "Serverless") return bad(96022, "Backups cannot be used with a serverless cluster.");
    if (here.status != "RUNNING") return bad(40003, "The action is not permitted in the current status.");
    if (under_way(cluster)) return bad(96038, "Failed to create backup: another backup job is in progress.");
    Backup backup;
    backup.type = type;
    if (type == "COLLECTION") {
        const auto databases = body.value("dbCollections", json::array());
        if (databases.size() != 1) return bad(96038, "Failed to create backup: collections must be of one database.");
        const auto database = databases[0].value("dbName", "default");
        for (const auto& name : databases[0].value("collectionNames", std::vector<std::string>{})) {
            const auto there = here.collections.find(database);
            if (there == here.collections.end() || !there->second.contains(name))
                return bad(96038, fmt::format("Failed to create backup: collection not found: {}.{}", database, name));
            backup.collections[database][name] = there->second.at(name);
        }
    }
    const auto id = begin_backup(cluster, backup);
    const auto& made = *find(cluster, id);
    return good({{"backupId", id}, {"backupName", made.name}, {"jobId", made.job}});
}

Answer State::restore_cluster(const Backup& backup, const json& body) {
    if (body.value("projectId", "").empty()) return bad(96005, "The project is invalid.");
    if (!is_one_of(body.value("collectionStatus", ""), {"KEEP", "RELEASE"}))
        return bad(96031, "The collection status should be KEEP or RELEASE.");
    if (const auto size = body.value("cuSize", 0); size < 1 || size > 1024)
        return bad(96002, "The CU size is invalid.");
    const auto name = body.value("clusterName", "");
    for (const auto& [id, other] : script.clusters) {
        if (other.name == name) return bad(40013, "The cluster name is in use.");
    }
    Cluster cluster;
    cluster.name = name;
    cluster.project = body.value("projectId", "");
    cluster.cu = body.value("cuSize", 1);
    cluster.status = "RESTORE_BACKUP";
    cluster.collections = backup.collections;
    const auto id = next("in01-");
    script.clusters[id] = cluster;
    const auto job = begin("RESTORE", script.ending, script.reason, [this, id](bool ok) {
        if (!ok) {
            script.clusters.erase(id);
            return;
        }
        starting[id] = script.settling;
        if (script.settling == 0) script.clusters.at(id).status = "RUNNING";
    });
    return good({{"clusterId", id}, {"username", "db_admin"}, {"password", "s3cr3t-once"}, {"jobId", job}});
}

Answer State::restore_collection(const Backup& backup, const json& body) {
    const auto where = body.value("destClusterId", "");
    if (!script.clusters.contains(where)) return bad(96018, "The cluster is not found.");
    const auto databases = body.value("dbCollections", json::array());
    if (databases.size() != 1 || databases[0].value("collections", json::array()).size() != 1)
        return bad(96039, "Failed to restore collection: one collection at a time.");
    const auto& one = databases[0]["collections"][0];
    const auto from = databases[0].value("dbName", ""), name = one.value("collectionName", "");
    const auto to = databases[0].value("destDbName", ""), as = one.value("destCollectionName", "");
    const auto status = one.value("destCollectionStatus", "");
    if (!is_one_of(status, {"LOADED", "UNLOADED"})) return bad(96037, "The target status is invalid.");
    const auto there = backup.collections.find(from);
    if (there == backup.collections.end() || !there->second.contains(name))
        return bad(96039, "Failed to restore collection: no such collection in the backup.");
    if (script.clusters.at(where).collections[to].contains(as))
        return bad(96039, fmt::format("Failed to restore collection: {} already exists.", as));
    const auto failing = script.failing.find(name);
    const bool fails = failing != script.failing.end();
    const auto job = begin("RESTORE", fails ? "FAILED" : script.ending, fails ? failing->second : script.reason,
                           [this, where, to, as, status](bool ok) {
                               if (ok) script.clusters.at(where).collections[to][as] = status;
                           });
    return good({{"jobId", job}});
}

Answer State::export_backup(const Backup& backup, const json& body) {
    if (backup.status != "AVAILABLE") return bad(40003, "The action is not permitted in the current status.");
    const auto& known = script.integrations;
    if (std::find(known.begin(), known.end(), body.value("integrationId", "")) == known.end())
        return bad(1800, "The storage integration does not exist.");
    return good({{"jobId", begin("MIGRATION", script.ending, script.reason, [](bool) {})}});
}

Answer State::set_policy(const std::string& cluster, const json& body) {
    if (!body.contains("enabled")) return bad(96011, "The parameter enabled is missing.");
    if (!body["enabled"].get<bool>()) {
        policies[cluster] = body;
        return good({{"clusterId", cluster}, {"status", "DISABLED"}});
    }
    if (!is_frequency(body.value("frequency", ""))) return bad(96032, "The frequency is invalid.");
    if (!is_window(body.value("startTime", ""))) return bad(96033, "The start time is invalid.");
    if (!in_month(body.value("retentionDays", json()))) return bad(96034, "The retention days are invalid.");
    for (const auto& copy : body.value("crossRegionCopies", json::array())) {
        if (!in_month(copy.value("retentionDays", json()))) return bad(96034, "The retention days are invalid.");
    }
    policies[cluster] = body;
    return good({{"clusterId", cluster}, {"status", "ENABLED"}});
}

Answer State::get_policy(const std::string& cluster) {
    const auto found = policies.find(cluster);
    if (found == policies.end() || !found->second["enabled"].get<bool>())
        return good({{"clusterId", cluster},
                     {"status", "DISABLED"},
                     {"startTime", nullptr},
                     {"frequency", nullptr},
                     {"retentionDays", 0},
                     {"crossRegionCopies", json::array()}});
    json copies = json::array();
    for (const auto& copy : found->second.value("crossRegionCopies", json::array()))
        copies.push_back({{"regionId", copy["regionId"]}, {"retentionDays", copy["retentionDays"]}, {"region", "US"}});
    return good({{"clusterId", cluster},
                 {"status", "ENABLED"},
                 {"startTime", found->second["startTime"]},
                 {"frequency", found->second["frequency"]},
                 {"retentionDays", found->second["retentionDays"]},
                 {"crossRegionCopies", copies}});
}

Answer State::one_backup(const HttpRequest& request, const std::string& cluster, const Parts& parts) {
    if (request.method == "GET") tick();
    auto* backup = find(cluster, parts[4]);
    if (!backup) return bad(40021, "The backup does not exist.");
    if (parts.size() == 5 && request.method == "GET") return describe(*backup);
    if (parts.size() == 5 && request.method == "DELETE") {
        const json data{{"backupId", backup->id}, {"backupName", backup->name}};
        std::erase_if(backups, [&](const auto& one) { return one.id == parts[4]; });
        return good(data);
    }
    const auto body = json::parse(request.body, nullptr, false);
    const auto verb = parts.size() == 6 && request.method == "POST" ? parts[5] : "";
    if (verb == "restoreCluster") return restore_cluster(*backup, body);
    if (verb == "restoreCollection") return restore_collection(*backup, body);
    if (verb == "export") return export_backup(*backup, body);
    return {.status = 404, .body = "404 page not found"};
}

Answer State::backup_routes(const HttpRequest& request, const std::string& cluster, const Parts& parts) {
    const auto last = parts.size() == 5 ? parts[4] : "";
    if (last == "policy" && request.method == "GET") return get_policy(cluster);
    const bool posts = request.method == "POST" && (last == "create" || last == "policy");
    if (!posts && parts.size() >= 5) return one_backup(request, cluster, parts);
    const auto body = json::parse(request.body, nullptr, false);
    if (!body.is_object()) return bad(96024, "The body is no JSON object.", 400);
    return last == "create" ? create(cluster, body) : set_policy(cluster, body);
}

Answer State::cluster_routes(const HttpRequest& request, const Parts& parts, const Parameters& asked) {
    if (parts.size() == 2) return clusters(asked);
    const auto found = script.clusters.find(parts[2]);
    // A backup outlives its cluster.
    const bool names_backup = parts.size() >= 5 && find(parts[2], parts[4]);
    if (found == script.clusters.end() && !names_backup) return bad(96018, "The cluster is not found.");
    if (parts.size() == 3) {
        tick();
        return good(row(parts[2], found->second));
    }
    if (parts[3] == "backups" && parts.size() > 4) return backup_routes(request, parts[2], parts);
    return {.status = 404, .body = "404 page not found"};
}

}  // namespace vbackup::test
