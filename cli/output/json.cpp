// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "backup/find.hpp"
#include "base/text.hpp"
#include "cli/output/answer.hpp"
#include "cli/output/error.hpp"
#include "cli/output/har.hpp"

namespace vbackup::cli {

namespace {

// Keys stay in the order in which they are written, for people who read it.
using Json = nlohmann::ordered_json;

Json text_or_null(std::string_view text) {
    return text.empty() ? Json(nullptr) : Json(text);
}
Json time_or_null(const std::optional<Moment>& moment) {
    return moment ? Json(format_time(*moment)) : Json(nullptr);
}
Json number_or_null(const std::optional<std::uint64_t>& number) {
    return number ? Json(*number) : Json(nullptr);
}

// Names of one kind as a list of objects, so that facts can be added to each later.
Json named(const std::vector<std::string>& names, const char* key = "name") {
    Json list = Json::array();
    for (const auto& name : names) list.push_back({{key, name}});
    return list;
}

Json json_of(const model::Found& found) {
    return {{"id", text_or_null(found.id)},
            {"name", found.name},
            {"managed", found.managed},
            {"phase", model::word(found.phase)},
            {"said", text_or_null(found.said)},
            {"why", text_or_null(found.why)},
            {"started", time_or_null(found.started)},
            {"completed", time_or_null(found.completed)},
            {"expires", time_or_null(found.expires)},
            {"schedule", text_or_null(found.schedule)},
            {"size", number_or_null(found.size)},
            {"kept", found.kept},
            {"pinned", found.pinned},
            {"where", text_or_null(found.where)},
            {"driver", text_or_null(found.driver)},
            {"target", text_or_null(found.target)},
            {"description", text_or_null(found.description)},
            {"collections", named(found.collections)}};
}

Json json_of(const std::optional<model::Found>& found) {
    return found ? json_of(*found) : Json(nullptr);
}

Json json_of(const model::Part& part) {
    return {{"node", text_or_null(part.node)},
            {"shard", text_or_null(part.shard)},
            {"collection", text_or_null(part.collection)}};
}

// A manifest as lists show it, with its counts, files and notes besides.
Json json_of(const model::Manifest& manifest, const std::string& store) {
    Json out = json_of(backup::describe(manifest, store));
    out["product"] = text_or_null(manifest.product);
    out["server_version"] = text_or_null(manifest.server_version);
    out["target_url"] = text_or_null(manifest.target_url);
    out["collections"] = Json::array();
    for (const auto& entry : manifest.collections)
        out["collections"].push_back({{"name", entry.before.name},
                                      {"count", number_or_null(entry.before.count)},
                                      {"count_after", number_or_null(entry.count_after)}});
    out["files"] = Json::array();
    for (const auto& file : manifest.files)
        out["files"].push_back({{"name", file.name},
                                {"size", number_or_null(file.size)},
                                {"stored_size", number_or_null(file.packing.empty() ? file.size : file.stored_size)},
                                {"sha256", text_or_null(file.sha256)},
                                {"kept", file.kept}});
    out["notes"] = named(manifest.notes, "message");
    return out;
}

Json json_of(const model::Plan& plan) {
    Json steps = Json::array();
    for (const auto& step : plan.steps)
        steps.push_back({{"id", step.id},
                         {"what", step.what},
                         {"part", json_of(step.part)},
                         {"destroys", step.destroys},
                         {"document", text_or_null(step.document)},
                         {"after", named(step.after, "id")}});
    return {{"steps", steps}, {"notes", named(plan.notes, "message")}};
}

Json json_of(const model::Proof& proof) {
    Json findings = Json::array();
    for (const auto& finding : proof.findings) findings.push_back({{"what", finding.what}, {"good", finding.good}});
    return {{"good", proof.good()}, {"findings", findings}};
}

Json document_of(const Listing& listing) {
    Json backups = Json::array();
    for (const auto& found : listing.backups) backups.push_back(json_of(found));
    return {{"backups", backups}};
}

Json document_of(const StatusReport& report) {
    Json out{{"backup", json_of(report.newest)}};
    if (report.newest) {
        const auto& found = *report.newest;
        const bool shows = found.done && found.total && !model::is_final(found.phase);
        out["backup"]["progress"] = shows ? Json{{"done", *found.done}, {"total", *found.total}} : Json(nullptr);
    }
    if (!report.asked_by_id) out["newest_good"] = json_of(report.good);
    return out;
}

Json document_of(const StoreReport& report) {
    const auto length = [](const std::optional<Milliseconds>& one) { return one ? Json(one->count()) : Json(nullptr); };
    Json targets = Json::array(), backups = Json::array();
    for (const auto& target : report.targets)
        targets.push_back({{"target", text_or_null(target.name)},
                           {"newest_good", json_of(target.good)},
                           {"age_ms", length(target.age)},
                           {"young", report.max_age ? Json(target.young) : Json(nullptr)},
                           {"good_backups", target.backups},
                           {"size", target.size}});
    for (const auto& found : report.backups) backups.push_back(json_of(found));
    return {{"verb", "report"},
            {"store", report.store},
            {"at", format_time(report.at)},
            {"max_age_ms", length(report.max_age)},
            {"file", text_or_null(report.file)},
            {"targets", targets},
            {"backups", backups}};
}

Json document_of(const Deed& deed) {
    const auto& result = deed.result;
    return {{"verb", deed.verb},
            {"target", deed.target},
            {"id", deed.id},
            {"dry_run", result.dry_run},
            {"backup", result.manifest ? json_of(*result.manifest, deed.store) : json_of(result.under_way)},
            {"under_way", result.under_way.has_value() && !model::is_final(result.under_way->phase)},
            {"plan", json_of(result.plan)},
            {"proof", result.proof.findings.empty() ? Json(nullptr) : json_of(result.proof)},
            {"took_ms", deed.took.count()}};
}

Json document_of(const Removals& removals) {
    Json items = Json::array();
    for (const auto& item : removals.items)
        items.push_back({{"id", item.id},
                         {"deleted", !item.error && !removals.dry_run},
                         {"error", item.error ? Json::parse(error_object(*item.error, std::nullopt)) : Json(nullptr)},
                         {"plan", json_of(item.plan)}});
    return {{"verb", "delete"}, {"dry_run", removals.dry_run}, {"backups", items}};
}

Json document_of(const backup::Pruned& pruned) {
    Json items = Json::array();
    for (const auto& item : pruned.items)
        items.push_back({{"backup", json_of(item.found)},
                         {"keep", item.decision.keep},
                         {"reasons", named(item.decision.reasons, "message")},
                         {"removed", !item.decision.keep && !item.error && !pruned.dry_run},
                         {"error", item.error ? Json::parse(error_object(*item.error, std::nullopt)) : Json(nullptr)}});
    return {{"verb", "prune"}, {"dry_run", pruned.dry_run}, {"backups", items}};
}

Json document_of(const Transfer& transfer) {
    Json items = Json::array();
    for (const auto& item : transfer.items)
        items.push_back({{"id", item.id},
                         {"done", !item.error && !transfer.dry_run},
                         {"there", item.there},
                         {"backup", item.manifest ? json_of(*item.manifest, transfer.store) : Json(nullptr)},
                         {"error", item.error ? Json::parse(error_object(*item.error, std::nullopt)) : Json(nullptr)}});
    return {{"verb", transfer.verb},       {"from", transfer.from}, {"to", transfer.to},
            {"dry_run", transfer.dry_run}, {"backups", items},      {"took_ms", transfer.took.count()}};
}

Json json_of(const Verified::Item& item) {
    const auto& [manifest, checks, slice, structure] = item.verification;
    Json files = Json::array();
    for (const auto& file : checks)
        files.push_back({{"name", file.name},
                         {"good", file.problem.empty()},
                         {"read", file.read},
                         {"problem", text_or_null(file.problem)},
                         {"size", file.size}});
    return {{"id", item.id},
            {"good", item.good()},
            {"slice", {{"number", slice.number}, {"of", slice.of}}},
            {"files", files},
            {"structure", structure ? json_of(*structure) : Json(nullptr)},
            {"drill", item.drill ? json_of(*item.drill) : Json(nullptr)},
            {"error", item.error ? Json::parse(error_object(*item.error, std::nullopt)) : Json(nullptr)}};
}

// One backup stands at the top as well, where it stood before several could be asked for.
Json document_of(const Verified& verified) {
    Json out = verified.items.size() == 1 ? json_of(verified.items.front()) : Json::object();
    bool good = true;
    Json backups = Json::array();
    for (const auto& item : verified.items) {
        backups.push_back(json_of(item));
        good = good && item.good();
    }
    out["good"] = good;
    out["backups"] = backups;
    return out;
}

Json document_of(const Pins& pins) {
    Json items = Json::array();
    for (const auto& item : pins.items)
        items.push_back({{"id", item.id},
                         {"changed", item.changed && !pins.dry_run},
                         {"error", item.error ? Json::parse(error_object(*item.error, std::nullopt)) : Json(nullptr)}});
    return {{"verb", pins.pinned ? "pin" : "unpin"}, {"dry_run", pins.dry_run}, {"backups", items}};
}

Json document_of(const KeyReport& report) {
    Json slots = Json::array();
    for (const auto& slot : report.slots)
        slots.push_back({{"name", slot.name},
                         {"kind", word(slot.kind)},
                         {"made", format_time(slot.made)},
                         {"opened", slot.name == report.opened}});
    return {{"verb", "key"},
            {"action", report.action},
            {"store", report.store},
            {"slot", text_or_null(report.slot)},
            {"dry_run", report.dry_run},
            {"slots", slots}};
}

Json json_of(const model::Inspection& inspection) {
    Json nodes = Json::array(), collections = Json::array();
    for (const auto& node : inspection.nodes)
        nodes.push_back({{"name", node.name},
                         {"address", text_or_null(node.address)},
                         {"version", text_or_null(node.version)},
                         {"healthy", node.healthy},
                         {"said", text_or_null(node.state)}});
    for (const auto& collection : inspection.collections)
        collections.push_back({{"name", collection.name},
                               {"count", number_or_null(collection.count)},
                               {"shards", collection.shards == 0 ? Json(nullptr) : Json(collection.shards)},
                               {"replicas", collection.replicas == 0 ? Json(nullptr) : Json(collection.replicas)},
                               {"aliases", named(collection.aliases)}});
    return {{"product", inspection.product},
            {"server_version", inspection.version},
            {"ready", inspection.ready},
            {"free_bytes", number_or_null(inspection.free_bytes)},
            {"nodes", nodes},
            {"collections", collections},
            {"obstacles", named(inspection.obstacles, "message")},
            {"cautions", named(inspection.warnings, "message")}};
}

Json document_of(const CheckReport& report) {
    Json out{{"target", report.target}, {"url", report.url}, {"driver", report.driver}};
    out.update(json_of(report.inspection));
    out["store"] = report.store.empty()
                       ? Json(nullptr)
                       : Json{{"where", report.store}, {"free_bytes", number_or_null(report.store_free)}};
    return out;
}

Json json_of(const model::Schedule& schedule) {
    Json weekdays = Json::array(), hours = Json::array();
    for (const int day : schedule.weekdays) weekdays.push_back({{"weekday", day}});
    for (const int hour : schedule.hours) hours.push_back({{"hour", hour}});
    return {{"name", text_or_null(schedule.name)},
            {"enabled", schedule.enabled},
            {"cron", text_or_null(schedule.cron)},
            {"weekdays", weekdays},
            {"hours", hours},
            {"retention_ms", schedule.retention ? Json(schedule.retention->count()) : Json(nullptr)},
            {"next", time_or_null(schedule.next)},
            {"said", text_or_null(schedule.said)},
            {"why", text_or_null(schedule.why)},
            {"details", named(schedule.details, "message")}};
}

Json json_of(const std::vector<model::Schedule>& schedules) {
    Json all = Json::array();
    for (const auto& schedule : schedules) all.push_back(json_of(schedule));
    return all;
}

Json document_of(const ScheduleListing& listing) {
    return {{"target", listing.target}, {"schedules", json_of(listing.schedules)}};
}

Json document_of(const ScheduleDeed& deed) {
    return {{"verb", "schedule"},
            {"action", deed.action},
            {"target", deed.target},
            {"dry_run", deed.result.dry_run},
            {"plan", json_of(deed.result.plan)},
            {"schedules", json_of(deed.result.schedules)}};
}

std::string_view word(config::Origin origin) {
    switch (origin) {
        case config::Origin::flag:
            return "flag";
        case config::Origin::variable:
            return "environment";
        case config::Origin::file:
            return "file";
        case config::Origin::usual:
            break;
    }
    return "default";
}

Json json_of(const std::vector<config::Setting>& settings) {
    Json list = Json::array();
    for (const auto& one : settings)
        list.push_back({{"key", one.key},
                        {"value", one.value},
                        {"from", word(one.origin)},
                        {"file", text_or_null(one.file)},
                        {"line", one.line == 0 ? Json(nullptr) : Json(one.line)},
                        {"name", text_or_null(one.variable)},
                        {"through", text_or_null(one.through)}});
    return list;
}

Json document_of(const ConfigListing& listing) {
    return {{"file", text_or_null(listing.path)}, {"settings", json_of(listing.settings)}};
}

// What `check --output json` would have printed.
Json checked(const CheckReport& report) {
    Json out{{"version", 1}};
    out.update(document_of(report));
    out["warnings"] = Json::array();
    return out;
}

Json document_of(const Diagnosis& diagnosis) {
    Json parts = Json::array();
    for (const auto& part : diagnosis.parts) parts.push_back({{"name", part.name}, {"version", part.version}});
    Json trace = Json::parse(std::string(har_head()) + std::string(har_tail()));
    for (const auto& entry : diagnosis.exchanges) trace["log"]["entries"].push_back(Json::parse(entry));
    const auto& problem = diagnosis.problem;
    return {{"target", diagnosis.target},
            {"at", format_time(diagnosis.at)},
            {"system", diagnosis.system},
            {"parts", parts},
            {"config_file", text_or_null(diagnosis.config_path)},
            {"settings", json_of(diagnosis.settings)},
            {"health", diagnosis.health ? checked(*diagnosis.health) : Json(nullptr)},
            {"error", problem ? Json::parse(error_object(*problem, std::nullopt)) : Json(nullptr)},
            {"trace", diagnosis.file.empty() ? trace : Json(nullptr)},
            {"written_to", text_or_null(diagnosis.file)}};
}

Json document_of(const ConfigCheck& check) {
    Json mistakes = Json::array();
    for (const auto& mistake : check.mistakes) mistakes.push_back(Json::parse(error_object(mistake, std::nullopt)));
    return {{"file", text_or_null(check.path)},
            {"good", check.mistakes.empty()},
            {"targets", check.targets},
            {"stores", check.stores},
            {"mistakes", mistakes}};
}

Json document_of(const ConfigStart& start) {
    return {{"file", start.path}};
}

Json document_of(const RunReport& report) {
    Json targets = Json::array();
    for (const auto& part : report.parts)
        targets.push_back({{"target", part.target},
                           {"good", part.good},
                           {"id", text_or_null(part.id)},
                           {"backup", json_of(part.backup)},
                           {"verified", part.verified},
                           {"removed", part.removed ? Json(*part.removed) : Json(nullptr)},
                           {"exit", part.error ? describe(part.error->kind()).exit_code : 0},
                           {"error", part.error ? Json::parse(error_object(*part.error, std::nullopt)) : Json(nullptr)},
                           {"plan", json_of(part.plan)},
                           {"warnings", named(part.warnings, "message")},
                           {"took_ms", part.took.count()}});
    return {{"verb", "run"}, {"dry_run", report.dry_run}, {"targets", targets}, {"took_ms", report.took.count()}};
}

std::string_view support_word(driver::Support support) {
    switch (support) {
        case driver::Support::full:
            return "full";
        case driver::Support::part:
            return "part";
        case driver::Support::none:
            break;
    }
    return "none";
}

Json document_of(const DriverList& list) {
    Json drivers = Json::array();
    for (const auto& entry : list.drivers) {
        Json abilities = Json::array(), options = Json::array();
        for (const auto& able : entry.abilities)
            abilities.push_back(
                {{"verb", able.verb}, {"support", support_word(able.support)}, {"note", text_or_null(able.note)}});
        for (const auto& option : entry.options)
            options.push_back({{"name", option.name},
                               {"value", option.value},
                               {"verbs", option.verbs},
                               {"since", text_or_null(option.since)},
                               {"help", option.help}});
        drivers.push_back(
            {{"name", entry.name}, {"product", entry.product}, {"abilities", abilities}, {"options", options}});
    }
    return {{"drivers", drivers}};
}

Json document_of(const Text&) {
    return Json::object();
}  // never asked: render_json gives it as it is

// Bytes that are no UTF-8 are replaced: a server's name for something must never make the document unreadable.
std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string render_json(const Value& value, const std::vector<std::string>& warnings) {
    if (const auto* text = std::get_if<Text>(&value)) return text->text;
    Json out{{"version", 1}};
    out.update(std::visit([](const auto& it) { return document_of(it); }, value));
    out["warnings"] = named(warnings, "message");
    return dump(out) + "\n";
}

std::string error_object(const Error& error, std::optional<int> exit_code) {
    const auto& info = describe(error.kind());
    Json context = Json::object();
    for (const auto& [key, value] : error.context()) context[key] = value;
    return dump({{"kind", info.word},
                 {"exit", exit_code.value_or(info.exit_code)},
                 {"message", error.message()},
                 {"hint", text_or_null(error.hint())},
                 {"context", context}});
}

std::string event_object(std::string_view event, std::string_view message) {
    return dump({{"version", 1}, {"event", event}, {"message", message}});
}

std::string event_object(const Snapshot& now) {
    return dump({{"version", 1},
                 {"event", "progress"},
                 {"stage", text_or_null(now.stage)},
                 {"bytes_done", now.bytes_done},
                 {"bytes_total", now.bytes_total == 0 ? Json(nullptr) : Json(now.bytes_total)},
                 {"steps_done", now.steps_done},
                 {"steps_total", now.steps_total},
                 {"elapsed_ms", now.elapsed.count()}});
}

}  // namespace vbackup::cli
