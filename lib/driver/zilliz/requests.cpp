// SPDX-License-Identifier: Apache-2.0
#include "driver/zilliz/requests.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "driver/zilliz/refusals.hpp"

namespace vbackup::driver::zilliz {

namespace {

using nlohmann::json;

constexpr std::size_t page_size = 100;  // the most that the server gives

constexpr std::array<std::pair<std::string_view, Watch>, 3> watches = {
    {{"job", Watch::job}, {"backup", Watch::backup}, {"cluster", Watch::cluster}}};
constexpr std::array<std::pair<std::string_view, Deed>, 7> deeds = {{{"create", Deed::create},
                                                                     {"slot", Deed::slot},
                                                                     {"delete", Deed::remove},
                                                                     {"restoreCollection", Deed::restore_collection},
                                                                     {"restoreCluster", Deed::restore_cluster},
                                                                     {"export", Deed::export_backup},
                                                                     {"policy", Deed::policy}}};

template <typename Table, typename Value>
std::string word_of(const Table& table, Value value) {
    for (const auto& [word, one] : table) {
        if (one == value) return std::string(word);
    }
    return {};
}

template <typename Table>
auto value_of(const Table& table, const std::string& text) {
    for (const auto& [word, one] : table) {
        if (word == text) return one;
    }
    throw json::other_error::create(501, "an unknown word", nullptr);
}

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Text that this driver wrote. Error{corrupt} for anything else.
template <typename Read>
auto read_own(const model::JsonText& text, const std::string& what, Read read) {
    try {
        return read(json::parse(text));
    } catch (const json::exception&) {
        throw Error(ErrorKind::corrupt, fmt::format("what was noted of {} cannot be read", what));
    }
}

std::string backup_path(const std::string& cluster, const std::string& backup) {
    return fmt::format("/v2/clusters/{}/backups/{}", percent_encode(cluster), percent_encode(backup));
}

std::string path_of(const StepData& data) {
    const auto backups = fmt::format("/v2/clusters/{}/backups", percent_encode(data.cluster));
    switch (data.deed) {
        case Deed::create:
            return backups + "/create";
        case Deed::policy:
            return backups + "/policy";
        case Deed::restore_collection:
        case Deed::restore_cluster:
        case Deed::export_backup:
            return fmt::format("{}/{}/{}", backups, percent_encode(data.backup), word_of(deeds, data.deed));
        case Deed::remove:
        case Deed::slot:
            break;
    }
    return backup_path(data.cluster, data.backup);
}

std::string query_of(const Filter& filter) {
    std::string query;
    const auto add = [&](const char* name, const std::string& text) {
        if (!text.empty()) query += fmt::format("{}={}&", name, percent_encode(text));
    };
    add("projectId", filter.project);
    add("clusterId", filter.cluster);
    add("creationMethod", filter.method);
    add("backupType", filter.type);
    add("start", filter.start);
    add("end", filter.end);
    return query;
}

void require_same(const std::string& answered, const std::string& asked, const net::Response& response) {
    if (answered == asked) return;
    throw with_request_id(Error(ErrorKind::not_understood,
                                fmt::format("asked for {}, Zilliz Cloud tells of {}", asked, one_line(answered, 100))),
                          response);
}

template <typename Parse>
auto read(const net::Response& response, Parse parse, bool poll) {
    try {
        return parse(response);
    } catch (const Error& error) {
        throw poll ? of_look(error, response) : error;
    }
}

template <typename Row>
struct Listed {
    std::vector<Row> rows;
    std::uint64_t count = 0;  // as the server counts them
    bool whole = false;
    std::string request;  // the id of the last one
};

// Asks for page after page, of whatever size the server makes them, until as many rows came as it counts. Each row once. What is
// removed meanwhile moves others to a page that was read already: then the list is not whole.
template <typename Row, typename Ask>
Listed<Row> read_pages(Ask ask) {
    Listed<Row> all;
    std::set<std::string> ids;
    bool changed = false;
    for (std::size_t current = 1;; ++current) {
        auto page = ask(current);
        const auto before = all.rows.size();
        for (auto& row : page.rows) {
            if (ids.insert(row.id).second) all.rows.push_back(std::move(row));
        }
        changed = changed || (current > 1 && page.count != all.count);
        all.count = page.count;
        all.request = std::move(page.request);
        if (all.rows.size() != before && all.rows.size() < all.count) continue;
        all.whole = !changed && all.rows.size() >= all.count;
        return all;
    }
}

// All rows. A list that changed while it was read is read once more.
template <typename Row, typename Ask>
std::vector<Row> all_pages(std::string_view what, Ask ask) {
    auto all = read_pages<Row>(ask);
    if (!all.whole) all = read_pages<Row>(ask);
    if (all.whole) return std::move(all.rows);
    Error error(
        ErrorKind::not_understood,
        fmt::format("Zilliz Cloud counts {} {} and shows {}, and did so twice", all.count, what, all.rows.size()),
        "the list changes while it is read: try again; or the API key may not see all of them");
    if (!all.request.empty()) error.with("requestid", all.request);
    throw std::move(error);
}

}  // namespace

model::JobRef to_ref(const Work& work) {
    const json details{{"watch", word_of(watches, work.watch)},
                       {"job", work.job},
                       {"cluster", work.cluster},
                       {"backup", work.backup},
                       {"name", work.name},
                       {"what", work.what},
                       {"then", work.then ? json(word_of(watches, *work.then)) : json(nullptr)}};
    // A restore has no name of its own but its job's.
    const bool makes_backup = work.watch == Watch::backup || work.then == Watch::backup;
    const auto& own = work.job.empty() ? work.cluster : work.job;
    return {.name = makes_backup ? work.backup : own, .part = {}, .details = dump(details)};
}

Work to_work(const model::JobRef& ref) {
    return read_own(ref.details, "the job " + one_line(ref.name, 100), [](const json& object) {
        Work work;
        work.watch = value_of(watches, object.at("watch").get<std::string>());
        work.job = object.at("job").get<std::string>();
        work.cluster = object.at("cluster").get<std::string>();
        work.backup = object.at("backup").get<std::string>();
        work.name = object.at("name").get<std::string>();
        work.what = object.at("what").get<std::string>();
        if (!object.at("then").is_null()) work.then = value_of(watches, object.at("then").get<std::string>());
        return work;
    });
}

model::JsonText render(const StepData& data) {
    json members = json::array();
    for (const auto& member : data.members) members.push_back(text_of(member));
    return dump({{"deed", word_of(deeds, data.deed)},
                 {"cluster", data.cluster},
                 {"backup", data.backup},
                 {"body", data.body},
                 {"known", data.known},
                 {"planned", data.planned},
                 {"type", data.type},
                 {"members", members},
                 {"what", data.what},
                 {"name", data.name},
                 {"project", data.project}});
}

StepData parse_step(const model::Step& step) {
    return read_own(step.details, "the step " + step.id, [](const json& object) {
        StepData data;
        data.deed = value_of(deeds, object.at("deed").get<std::string>());
        data.cluster = object.at("cluster").get<std::string>();
        data.backup = object.at("backup").get<std::string>();
        data.body = object.at("body").get<std::string>();
        data.known = object.at("known").get<std::vector<std::string>>();
        data.planned = object.value("planned", "");
        data.type = object.at("type").get<std::string>();
        for (const auto& one : object.at("members")) data.members.push_back(parse_name(one.get<std::string>()));
        data.what = object.at("what").get<std::string>();
        data.name = object.at("name").get<std::string>();
        data.project = object.at("project").get<std::string>();
        return data;
    });
}

std::string create_body(const std::vector<Name>& members, const std::vector<std::string>& copy_to) {
    json body{{"backupType", members.empty() ? "CLUSTER" : "COLLECTION"}};
    if (!members.empty()) {
        json names = json::array();
        for (const auto& member : members) names.push_back(member.collection);
        body["dbCollections"] = json::array({{{"dbName", members.front().database}, {"collectionNames", names}}});
    }
    if (!copy_to.empty()) {
        body["crossRegionCopies"] = json::array();
        for (const auto& region : copy_to) body["crossRegionCopies"].push_back({{"regionId", region}});
    }
    return dump(body);
}

std::string restore_collection_body(const std::string& to_cluster, const Name& from, const Name& to, bool loaded) {
    const json collection{{"collectionName", from.collection},
                          {"destCollectionName", to.collection},
                          {"destCollectionStatus", loaded ? "LOADED" : "UNLOADED"}};
    return dump({{"destClusterId", to_cluster},
                 {"dbCollections", json::array({{{"dbName", from.database},
                                                 {"destDbName", to.database},
                                                 {"collections", json::array({collection})}}})}});
}

std::string restore_all_body(const std::string& to_cluster) {
    json body = json::object();
    body["destClusterId"] = to_cluster;
    return dump(body);
}

std::string restore_cluster_body(const NewCluster& wish) {
    json body{{"projectId", wish.project},
              {"clusterName", wish.name},
              {"cuSize", wish.cu},
              {"collectionStatus", wish.keep ? "KEEP" : "RELEASE"}};
    if (!wish.version.empty()) body["restoreVersionPolicy"] = wish.version;
    return dump(body);
}

std::string export_body(const std::string& integration, const std::string& directory) {
    return dump({{"integrationId", integration}, {"directory", directory}});
}

std::string policy_body(const Policy& policy) {
    json copies = json::array();
    for (const auto& copy : policy.copies) copies.push_back({{"regionId", copy.region}, {"retentionDays", copy.days}});
    json body{{"enabled", policy.enabled}, {"crossRegionCopies", copies}};
    if (!policy.enabled) return dump(body);
    body["frequency"] = policy.frequency;
    body["startTime"] = policy.window;
    body["retentionDays"] = policy.days;
    return dump(body);
}

net::Response Routes::get(Call& call, const std::string& path, bool repeat) const {
    net::Request request;
    request.path = path;
    request.headers = {{"Accept", "application/json"}};
    return http_.send(call, request, repeat);
}

Cluster Routes::cluster(Call& call, const std::string& id, bool poll) const {
    return read(get(call, "/v2/clusters/" + percent_encode(id), !poll), parse_cluster, poll);
}

std::vector<Cluster> Routes::clusters(Call& call) const {
    return all_pages<Cluster>("clusters", [&](std::size_t current) {
        return parse_clusters(get(call, fmt::format("/v2/clusters?pageSize={}&currentPage={}", page_size, current)));
    });
}

std::vector<Backup> Routes::backups(Call& call, const Filter& filter, bool poll) const {
    const auto query = query_of(filter);
    return all_pages<Backup>("backups", [&](std::size_t current) {
        const auto path = fmt::format("/v2/backups?{}pageSize={}&currentPage={}", query, page_size, current);
        return read(get(call, path, !poll), parse_backups, poll);
    });
}

std::optional<Backup> Routes::backup(Call& call, const std::string& cluster, const std::string& id, bool poll) const {
    const auto response = get(call, backup_path(cluster, id), !poll);
    try {
        auto backup = parse_backup(response);
        require_same(backup.id, id, response);
        return backup;
    } catch (const Error& error) {
        const bool may_mean_none = error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::failed ||
                                   error.kind() == ErrorKind::refused;
        const bool speaks = is_refusal(response) && (response.ok() || response.status < 500);
        if (!may_mean_none || !speaks) throw poll ? of_look(error, response) : error;
        // A list of everything, and not of the cluster: a backup may outlive it.
        auto all = backups(call, {}, poll);
        const auto same = [&](const Backup& one) { return one.id == id; };
        const auto found = std::find_if(all.begin(), all.end(), same);
        if (found == all.end()) return std::nullopt;
        return std::move(*found);
    }
}

std::optional<Job> Routes::job(Call& call, const std::string& id) const {
    const auto response = get(call, "/v2/jobs/" + percent_encode(id), false);
    try {
        auto job = parse_job(response);
        if (!job.id.empty()) require_same(job.id, id, response);
        return job;
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found && is_refusal(response)) return std::nullopt;
        throw of_look(error, response);
    }
}

Policy Routes::policy(Call& call, const std::string& cluster) const {
    return parse_policy(get(call, fmt::format("/v2/clusters/{}/backups/policy", percent_encode(cluster))));
}

Taken Routes::post(Call& call, const StepData& data, std::string_view what) const {
    return taken(send(call, data), what);
}

net::Response Routes::send(Call& call, const StepData& data) const {
    net::Request request;
    request.method = "POST";
    request.path = path_of(data);
    request.headers = {{"Accept", "application/json"}};
    request.body = data.body;
    return http_.send(call, request);
}

Taken Routes::taken(const net::Response& response, std::string_view what) {
    try {
        return parse_taken(response, what);
    } catch (const Error& error) {
        throw of_change(error, response);
    }
}

void Routes::remove(Call& call, const StepData& data) const {
    net::Request request;
    request.method = "DELETE";
    request.path = path_of(data);
    request.headers = {{"Accept", "application/json"}};
    const auto response = http_.send(call, request);
    try {
        require_ok(response, "delete the backup " + data.backup);
    } catch (const Error& error) {
        throw of_change(error, response);
    }
}

}  // namespace vbackup::driver::zilliz
