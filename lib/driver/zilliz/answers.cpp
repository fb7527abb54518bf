// SPDX-License-Identifier: Apache-2.0
#include "driver/zilliz/answers.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "driver/zilliz/refusals.hpp"
#include "model/shallow.hpp"
#include "net/answers.hpp"

namespace vbackup::driver::zilliz {

namespace {

using model::Phase;
using nlohmann::json;

constexpr std::string_view proxy_hint = "is there a proxy in between, or another server at this address?";

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Error not_understood(const net::Response& response, std::string_view what, std::string_view shown) {
    Error error(ErrorKind::not_understood,
                fmt::format("Zilliz Cloud's answer to \"{}\" makes no sense{}{}", what, shown.empty() ? "" : ": ",
                            one_line(shown, 160)),
                std::string(proxy_hint));
    return with_request_id(std::move(error), response);
}

// What lies below `data`; the whole body where an answer has none.
json data_of(const net::Response& response, std::string_view what) {
    require_ok(response, what);
    auto body = json::parse(model::shallow(response.body), nullptr, false);
    const auto data = body.find("data");
    if (data == body.end()) return body;
    if (!data->is_object()) throw not_understood(response, what, response.body);
    return *data;
}

// Reads the fields of one object; a field of another type than wanted is not understood, one that is missing or null is
// empty.
class Fields {
public:
    Fields(const json& object, const net::Response& response, std::string_view what)
        : object_(object), response_(response), what_(what) {
        if (!object_.is_object()) fail();
    }

    std::string text(const char* key) const {
        const auto* value = find(key);
        if (!value) return {};
        if (!value->is_string()) fail();
        return value->get<std::string>();
    }

    std::string needed(const char* key) const {
        auto value = text(key);
        if (value.empty()) fail();
        return value;
    }

    std::optional<std::uint64_t> number(const char* key) const {
        const auto* value = find(key);
        if (!value) return std::nullopt;
        if (!value->is_number_unsigned()) fail();
        return value->get<std::uint64_t>();
    }

    std::optional<Moment> moment(const char* key) const {
        const auto value = text(key);
        return value.empty() ? std::nullopt : parse_time(value);
    }

    const json& list(const char* key) const {
        static const json none = json::array();
        const auto* value = find(key);
        if (!value) return none;
        if (!value->is_array()) fail();
        return *value;
    }

    std::vector<std::string> texts(const char* key) const {
        std::vector<std::string> all;
        for (const auto& one : list(key)) {
            if (!one.is_string()) fail();
            all.push_back(one.get<std::string>());
        }
        return all;
    }

    Fields inside(const json& object) const { return {object, response_, what_}; }
    [[noreturn]] void fail() const { throw not_understood(response_, what_, dump(object_)); }

private:
    const json* find(const char* key) const {
        const auto found = object_.find(key);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }

    const json& object_;
    const net::Response& response_;
    std::string_view what_;
};

template <std::size_t count>
Phase lookup(const std::array<std::pair<std::string_view, Phase>, count>& phases, std::string_view word) {
    const auto found = std::find_if(phases.begin(), phases.end(), [&](const auto& one) { return one.first == word; });
    return found == phases.end() ? Phase::unknown : found->second;
}

// Progress is a decimal number in a string; anything else there is no progress and no harm.
std::optional<std::uint64_t> percent(const json& object) {
    const auto found = object.find("progress");
    if (found == object.end()) return std::nullopt;
    std::uint64_t value = 0;
    if (found->is_number_unsigned()) {
        value = found->get<std::uint64_t>();
    } else if (found->is_string()) {
        const auto& text = found->get_ref<const std::string&>();
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    }
    return value <= 100 ? std::optional(value) : std::nullopt;
}

void add_members(const Fields& fields, const std::string& database, std::vector<Member>& members) {
    for (const auto& one : fields.list("collections")) {
        const auto collection = fields.inside(one);
        auto own = collection.text("dbName");
        members.push_back(
            {own.empty() ? database : own, collection.needed("collectionName"), collection.text("status")});
    }
}

Backup backup_of(const Fields& fields) {
    Backup backup;
    backup.id = fields.needed("backupId");
    backup.name = fields.text("backupName");
    backup.type = fields.text("backupType");
    backup.method = fields.text("creationMethod");
    backup.word = fields.needed("status");
    backup.cluster = fields.text("clusterId");
    backup.cluster_name = fields.text("clusterName");
    backup.project = fields.text("projectId");
    backup.region = fields.text("regionId");
    if (backup.word != "CREATING") backup.size = fields.number("size");
    backup.created = fields.moment("createTime");
    backup.expires = fields.moment("expireTime");
    backup.policies = fields.texts("restoreNewInstancePolicies");
    for (const auto& one : fields.list("dbCollections")) {
        const auto database = fields.inside(one);
        add_members(database, database.text("dbName"), backup.members);
    }
    // Older answers name the collections without their database.
    if (backup.members.empty()) add_members(fields, "default", backup.members);
    return backup;
}

Cluster cluster_of(const Fields& fields) {
    Cluster cluster;
    cluster.id = fields.needed("clusterId");
    cluster.name = fields.text("clusterName");
    cluster.project = fields.text("projectId");
    cluster.region = fields.text("regionId");
    cluster.plan = fields.text("plan");
    cluster.deployment = fields.text("deploymentOption");
    cluster.word = fields.needed("status");
    cluster.address = fields.text("connectAddress");
    cluster.cu = static_cast<std::uint32_t>(std::min<std::uint64_t>(fields.number("cuSize").value_or(0), 1'000'000));
    return cluster;
}

template <typename Row, typename Read>
Page<Row> page_of(const net::Response& response, std::string_view what, const char* key, Read read) {
    const auto data = data_of(response, what);
    const Fields fields(data, response, what);
    const auto count = fields.number("count");
    if (!count || !data.contains(key)) fields.fail();
    Page<Row> page;
    page.count = *count;
    page.request = one_line(response.header("requestid"), 100);
    for (const auto& one : fields.list(key)) page.rows.push_back(read(fields.inside(one)));
    return page;
}

}  // namespace

Phase phase_of_job(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, Phase>, 8> phases = {{
        {"PENDING", Phase::queued},
        {"IN_PROGRESS", Phase::running},
        {"CANCELING", Phase::cancelling},
        {"CANCELLING", Phase::cancelling},
        {"CANCELED", Phase::cancelled},
        {"CANCELLED", Phase::cancelled},
        {"SUCCESSFUL", Phase::succeeded},
        {"FAILED", Phase::failed},
    }};
    return lookup(phases, word);
}

Phase phase_of_backup(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, Phase>, 3> phases = {{
        {"CREATING", Phase::running},
        {"AVAILABLE", Phase::succeeded},
        {"DELETED", Phase::gone},
    }};
    return lookup(phases, word);
}

Phase phase_of_cluster(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, Phase>, 18> phases = {{
        {"RUNNING", Phase::succeeded},
        {"CREATING", Phase::running},
        {"RESTORE_BACKUP", Phase::running},
        {"RESUMING", Phase::running},
        {"MODIFYING", Phase::running},
        {"MIGRATING", Phase::running},
        {"RESIZING", Phase::running},
        {"UPGRADING", Phase::running},
        {"WRITING_OPERATION", Phase::running},
        {"SET_PRIVATE_LINK", Phase::running},
        {"UNFREEZED", Phase::running},
        {"STOPPING", Phase::failed},
        {"STOPPED", Phase::failed},
        {"ABNORMAL", Phase::failed},
        {"FREEZING", Phase::failed},
        {"FROZEN", Phase::failed},
        {"DELETING", Phase::gone},
        {"DELETED", Phase::gone},
    }};
    return lookup(phases, word);
}

Page<Backup> parse_backups(const net::Response& response) {
    return page_of<Backup>(response, "list the backups", "backups", backup_of);
}

Backup parse_backup(const net::Response& response) {
    constexpr std::string_view what = "describe the backup";
    const auto data = data_of(response, what);
    return backup_of(Fields(data, response, what));
}

Page<Cluster> parse_clusters(const net::Response& response) {
    return page_of<Cluster>(response, "list the clusters", "clusters", cluster_of);
}

Cluster parse_cluster(const net::Response& response) {
    constexpr std::string_view what = "describe the cluster";
    const auto data = data_of(response, what);
    return cluster_of(Fields(data, response, what));
}

Job parse_job(const net::Response& response) {
    constexpr std::string_view what = "describe the job";
    const auto data = data_of(response, what);
    const Fields fields(data, response, what);
    return {.id = fields.text("jobId"),
            .type = fields.text("type"),
            .word = fields.needed("status"),
            .why = fields.text("reason"),
            .percent = percent(data)};
}

Policy parse_policy(const net::Response& response) {
    constexpr std::string_view what = "tell the backup policy";
    const auto data = data_of(response, what);
    const Fields fields(data, response, what);
    const auto days_of = [&](const Fields& one) {
        return static_cast<int>(std::min<std::uint64_t>(one.number("retentionDays").value_or(0), 1'000'000));
    };
    Policy policy;
    policy.word = fields.needed("status");
    policy.enabled = policy.word == "ENABLED";
    policy.frequency = fields.text("frequency");
    policy.window = fields.text("startTime");
    policy.days = days_of(fields);
    for (const auto& one : fields.list("crossRegionCopies")) {
        const auto copy = fields.inside(one);
        policy.copies.push_back({copy.needed("regionId"), days_of(copy)});
    }
    if (!policy.enabled && policy.word != "DISABLED") fields.fail();
    return policy;
}

Taken parse_taken(const net::Response& response, std::string_view what) {
    try {
        const auto data = data_of(response, what);
        const auto text = [&](const char* key) {
            const auto found = data.find(key);
            return found != data.end() && found->is_string() ? found->get<std::string>() : std::string{};
        };
        return {.backup = text("backupId"),
                .name = text("backupName"),
                .job = text("jobId"),
                .cluster = text("clusterId"),
                .user = text("username"),
                .password = Secret(text("password")),
                .request = one_line(response.header("requestid"), 100)};
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_understood && response.ok()) throw not_understood(response, what, "");
        throw;
    }
}

}  // namespace vbackup::driver::zilliz
