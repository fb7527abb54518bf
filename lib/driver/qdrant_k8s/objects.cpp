// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant_k8s/objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver::qdrant_k8s {

namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<Kind, std::string_view>, 4> kinds{{{Kind::cluster, "cluster"},
                                                                  {Kind::snapshot, "snapshot"},
                                                                  {Kind::schedule, "schedule"},
                                                                  {Kind::restore, "restore"}}};

[[noreturn]] void strange(const std::string& what) {
    throw Error(ErrorKind::not_understood, fmt::format("the API server's answer makes no sense: {}", what));
}

Json parsed(const std::string& text) {
    auto json = Json::parse(model::shallow(text), nullptr, false);
    if (!json.is_object()) strange("it is no JSON object");
    return json;
}

const Json& child(const Json& json, const char* key) {
    static const Json none;
    if (!json.is_object()) return none;
    const auto found = json.find(key);
    return found == json.end() ? none : *found;
}

// An object, or nothing where the field is absent.
const Json& map_at(const Json& json, const char* key) {
    const Json& value = child(json, key);
    if (!value.is_null() && !value.is_object()) strange(fmt::format("{} is no object", key));
    return value;
}

std::string text_at(const Json& json, const char* key) {
    const Json& value = child(json, key);
    if (value.is_null()) return {};
    if (!value.is_string()) strange(fmt::format("{} is no text", key));
    return value.get<std::string>();
}

bool flag_at(const Json& json, const char* key) {
    const Json& value = child(json, key);
    if (value.is_null()) return false;
    if (!value.is_boolean()) strange(fmt::format("{} is neither true nor false", key));
    return value.get<bool>();
}

std::optional<int> number_of(const Json& value) {
    if (!value.is_number_integer()) return std::nullopt;
    const auto number = value.get<std::int64_t>();
    return number < 0 || number > 1'000'000 ? std::nullopt : std::optional<int>(static_cast<int>(number));
}

// The same, written as text.
std::optional<int> number_in(const std::string& text) {
    int number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

const Json& list_at(const Json& json, const char* key) {
    static const Json empty = Json::array();
    const Json& value = child(json, key);
    if (value.is_null()) return empty;
    if (!value.is_array()) strange(fmt::format("{} is no list", key));
    return value;
}

Meta meta_of(const Json& object, Kind kind) {
    if (text_at(object, "kind") != words_of(kind).kind)
        strange(fmt::format("a {} was asked for, and it is a {}", words_of(kind).kind,
                            one_line(text_at(object, "kind"), 60)));
    const Json& from = map_at(object, "metadata");
    Meta meta;
    meta.name = text_at(from, "name");
    if (meta.name.empty()) strange("an object has no name");
    meta.space = text_at(from, "namespace");
    meta.uid = text_at(from, "uid");
    meta.version = text_at(from, "resourceVersion");
    meta.created = parse_time(text_at(from, "creationTimestamp"));
    meta.deleting = !text_at(from, "deletionTimestamp").empty();
    const Json& labels = map_at(from, "labels");
    for (const auto& [name, value] : labels.items())
        meta.labels[name] = value.is_string() ? value.get<std::string>() : "";
    meta.our_id = text_at(map_at(from, "annotations"), std::string(id_annotation).c_str());
    return meta;
}

std::string event_of(const Json& event) {
    const auto reason = text_at(event, "reason"), message = text_at(event, "message");
    auto text = reason.empty() || message.empty() ? reason + message : reason + ": " + message;
    const auto count = number_of(child(event, "count"));
    if (count.value_or(1) > 1) text += fmt::format(" ({} times)", *count);
    return text;
}

Volume volume_of(const Json& from) {
    Volume volume;
    volume.name = text_at(from, "volumeSnapshotName");
    if (!child(from, "readyToUse").is_null()) volume.ready = flag_at(from, "readyToUse");
    volume.error = text_at(map_at(from, "error"), "message");
    for (const auto& event : list_at(from, "events")) {
        if (auto text = event_of(event); !text.empty()) volume.events.push_back(std::move(text));
    }
    return volume;
}

// What in the volumes contradicts an operator who says Succeeded; empty for nothing. Whether a volume is ready need not be said.
std::string contradiction(const Snapshot& snapshot) {
    const auto& volumes = snapshot.volumes;
    const auto is_bad = [](const Volume& one) { return one.ready == false || (!one.error.empty() && !one.ready); };
    if (std::any_of(volumes.begin(), volumes.end(), is_bad)) return "with a volume snapshot that is not ready to use";
    const auto nodes = snapshot.nodes.value_or(0);
    // None at all: this operator does not list them.
    if (volumes.empty() || volumes.size() >= static_cast<std::size_t>(nodes)) return {};
    return fmt::format("with {} volume snapshot{} for {} nodes", volumes.size(), volumes.size() == 1 ? "" : "s", nodes);
}

// What an operator says of an object that goes away no longer counts: soon nothing of it is left.
void note_deletion(const Meta& meta, model::Seen& seen) {
    if (meta.deleting && seen.phase != model::Phase::failed) seen.phase = model::Phase::cancelling;
}

// The operator's word, "no phase yet" before it took the object up, and what is held back by a finalizer.
std::string said(const std::string& phase, bool deleting) {
    const std::string word = phase.empty() ? "no phase yet" : phase;
    return deleting ? word + ", being deleted" : word;
}

// The operator tries again by itself after most of what it calls failed, but then nobody knows how long: a restore does not
// end well like that. The others end by themselves, or when somebody acts.
model::Phase phase_of(const Cluster& cluster, int there) {
    constexpr std::array<std::pair<std::string_view, model::Phase>, 15> words{
        {{"", model::Phase::queued},
         {"Creating", model::Phase::running},
         {"FailedToCreate", model::Phase::failed},
         {"Updating", model::Phase::running},
         {"FailedToUpdate", model::Phase::failed},
         {"Scaling", model::Phase::running},
         {"Upgrading", model::Phase::running},
         {"Suspending", model::Phase::running},
         {"Suspended", model::Phase::running},
         {"FailedToSuspend", model::Phase::failed},
         {"Resuming", model::Phase::running},
         {"FailedToResume", model::Phase::failed},
         {"NotReady", model::Phase::running},
         {"RecoveryMode", model::Phase::running},
         {"ManualMaintenance", model::Phase::running}}};
    if (cluster.phase == "Healthy")
        return there >= cluster.size && cluster.size > 0 ? model::Phase::succeeded : model::Phase::running;
    const auto found =
        std::find_if(words.begin(), words.end(), [&](const auto& one) { return one.first == cluster.phase; });
    return found == words.end() ? model::Phase::unknown : found->second;
}

}  // namespace

KindWords words_of(Kind kind) {
    switch (kind) {
        case Kind::cluster:
            return {"QdrantCluster", "qdrantclusters"};
        case Kind::snapshot:
            return {"QdrantClusterSnapshot", "qdrantclustersnapshots"};
        case Kind::schedule:
            return {"QdrantClusterScheduledSnapshot", "qdrantclusterscheduledsnapshots"};
        case Kind::restore:
            break;
    }
    return {"QdrantClusterRestore", "qdrantclusterrestores"};
}

std::string_view word(Kind kind) {
    return std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.first == kind; })->second;
}

std::optional<Kind> parse_kind(std::string_view text) {
    const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const auto& one) { return one.second == text; });
    return found == kinds.end() ? std::nullopt : std::optional(found->first);
}

Snapshot parse_snapshot(const model::JsonText& text) {
    const auto json = parsed(text);
    Snapshot snapshot{.meta = meta_of(json, Kind::snapshot)};
    const Json& spec = map_at(json, "spec");
    snapshot.cluster_id = text_at(spec, "cluster-id");
    snapshot.schedule = text_at(spec, "scheduleShortId");
    snapshot.retention = text_at(spec, "retention");
    snapshot.nodes =
        number_in(text_at(map_at(map_at(json, "metadata"), "annotations"), std::string(nodes_annotation).c_str()));
    const Json& status = map_at(json, "status");
    snapshot.phase = text_at(status, "phase");
    snapshot.retain_until = parse_time(text_at(status, "retainUntil"));
    snapshot.took = parse_took(text_at(status, "completionTime"));
    for (const auto& volume : list_at(status, "volumeSnapshots")) snapshot.volumes.push_back(volume_of(volume));
    return snapshot;
}

Restore parse_restore(const model::JsonText& text) {
    const auto json = parsed(text);
    Restore restore{.meta = meta_of(json, Kind::restore)};
    const Json& spec = map_at(json, "spec");
    const Json& source = map_at(spec, "source");
    const Json& destination = map_at(spec, "destination");
    restore.source = text_at(source, "snapshotName");
    restore.source_space = text_at(source, "namespace");
    restore.destination = text_at(destination, "name");
    restore.destination_space = text_at(destination, "namespace");
    restore.creates = flag_at(destination, "create");
    restore.phase = text_at(map_at(json, "status"), "phase");
    restore.message = text_at(map_at(json, "status"), "message");
    return restore;
}

Cluster parse_cluster(const model::JsonText& text) {
    const auto json = parsed(text);
    Cluster cluster{.meta = meta_of(json, Kind::cluster)};
    const Json& spec = map_at(json, "spec");
    cluster.id = text_at(spec, "id");
    cluster.size = number_of(child(spec, "size")).value_or(0);
    const Json& status = map_at(json, "status");
    // The spec's is the one that is wished for.
    cluster.version = text_at(status, "version");
    if (cluster.version.empty()) cluster.version = text_at(spec, "version");
    cluster.phase = text_at(status, "phase");
    cluster.reason = text_at(status, "reason");
    cluster.available = number_of(child(status, "availableNodes"));
    for (const auto& index : list_at(status, "availableNodeIndexes")) {
        if (const auto number = number_of(index)) cluster.indexes.push_back(*number);
    }
    if (!cluster.available && status.is_object() && status.contains("availableNodeIndexes"))
        cluster.available = static_cast<int>(cluster.indexes.size());
    return cluster;
}

Scheduled parse_scheduled(const model::JsonText& text) {
    const auto json = parsed(text);
    Scheduled scheduled{.meta = meta_of(json, Kind::schedule)};
    const Json& spec = map_at(json, "spec");
    scheduled.cluster_id = text_at(spec, "cluster-id");
    scheduled.short_id = text_at(spec, "scheduleShortId");
    scheduled.cron = text_at(spec, "schedule");
    scheduled.retention = text_at(spec, "retention");
    const Json& status = map_at(json, "status");
    scheduled.phase = text_at(status, "phase");
    scheduled.message = text_at(status, "message");
    scheduled.next = parse_time(text_at(status, "scheduled"));
    return scheduled;
}

// Items of a list carry neither kind nor apiVersion when their server leaves them out; a custom resource's have both.
Page parse_page(const model::JsonText& text) {
    const auto json = parsed(text);
    if (!child(json, "items").is_array()) strange("a list has no items");
    Page page;
    for (const auto& item : json["items"]) page.items.push_back(item.dump());
    page.next = text_at(map_at(json, "metadata"), "continue");
    return page;
}

std::optional<Event> parse_event(const std::string& line) {
    const auto json = Json::parse(model::shallow(line), nullptr, false);
    const Json& type = child(json, "type");
    const Json& object = child(json, "object");
    if (!type.is_string() || !object.is_object()) return std::nullopt;
    Event event{.type = type.get<std::string>(), .object = object.dump()};
    event.code = number_of(child(object, "code")).value_or(0);
    const Json& version = child(child(object, "metadata"), "resourceVersion");
    if (version.is_string()) event.version = version.get<std::string>();
    return event;
}

std::optional<Milliseconds> parse_took(std::string_view text) {
    constexpr std::array<std::pair<char, int>, 4> units{{{'d', 86'400}, {'h', 3'600}, {'m', 60}, {'s', 1}}};
    constexpr Seconds longest = std::chrono::years(100);
    if (text.empty()) return std::nullopt;
    Seconds total{0};
    while (!text.empty()) {
        std::uint32_t value = 0;
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (fault != std::errc{} || end == text.data() + text.size()) return std::nullopt;
        const char letter = *end;
        const auto unit =
            std::find_if(units.begin(), units.end(), [&](const auto& one) { return one.first == letter; });
        if (unit == units.end()) return std::nullopt;
        total += Seconds(std::int64_t{value} * unit->second);
        if (total > longest) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    }
    return total;
}

std::optional<Milliseconds> parse_retention(std::string_view text) {
    std::uint32_t hours = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), hours);
    if (fault != std::errc{} || std::string_view(end, static_cast<std::size_t>(text.data() + text.size() - end)) != "h")
        return std::nullopt;
    return std::chrono::hours(hours);
}

std::string render_retention(Milliseconds retention) {
    const auto hours = std::chrono::duration_cast<std::chrono::hours>(retention);
    if (hours.count() < 1 || hours != retention)
        throw Error(ErrorKind::usage,
                    fmt::format("Qdrant keeps retention in whole hours, not {}", format_duration(retention)),
                    "give hours or days, such as 72h or 14d");
    return fmt::format("{}h", hours.count());
}

std::string failure_of(const Snapshot& snapshot) {
    std::string all;
    for (const auto& volume : snapshot.volumes) {
        std::string why = volume.error;
        for (const auto& event : volume.events) why += (why.empty() ? "" : "; ") + event;
        if (!why.empty()) all += fmt::format("{}{}: {}", all.empty() ? "" : "; ", volume.name, why);
    }
    return one_line(all, 1000);
}

std::map<int, bool> nodes_of(const Cluster& cluster, bool healthy) {
    std::map<int, bool> nodes;
    const auto size = static_cast<std::size_t>(cluster.size);
    for (const int index : cluster.indexes) {
        if (nodes.size() < size) nodes[index] = true;
    }
    for (int index = 0; nodes.size() < size; ++index) nodes.try_emplace(index, healthy && cluster.indexes.empty());
    return nodes;
}

int available_of(const Cluster& cluster) {
    return cluster.available.value_or(cluster.phase == "Healthy" ? cluster.size : 0);
}

int nodes_to_expect(const Cluster& cluster) {
    return cluster.phase == "Scaling" ? 0 : std::min(cluster.size, available_of(cluster));
}

model::Seen seen_of(const Snapshot& snapshot) {
    model::Seen seen;
    seen.said = said(snapshot.phase, snapshot.meta.deleting);
    seen.where = fmt::format("QdrantClusterSnapshot {}/{}", snapshot.meta.space, snapshot.meta.name);
    const auto& volumes = snapshot.volumes;
    if (snapshot.phase == "Succeeded") {
        seen.phase = model::Phase::succeeded;
        if (!volumes.empty()) seen.total = volumes.size();
        // The two contradict each other, so neither is believed.
        if (const auto against = contradiction(snapshot); !against.empty()) {
            seen.phase = model::Phase::unknown;
            seen.said += " " + against;
            seen.why = failure_of(snapshot);
            if (seen.why.empty()) seen.why = "that is no whole backup";
        }
    } else if (snapshot.phase == "Failed" || snapshot.phase == "Skipped") {
        seen.phase = model::Phase::failed;
        seen.why = failure_of(snapshot);
        if (seen.why.empty() && snapshot.phase == "Skipped")
            seen.why = "the operator did not make it, and does not say why";
        if (seen.why.empty()) seen.why = "the operator does not say why; its log may";
    } else if (snapshot.phase.empty()) {
        seen.phase = model::Phase::queued;
    } else if (snapshot.phase == "Running") {
        seen.phase = model::Phase::running;
        seen.total = volumes.empty() ? std::nullopt : std::optional<std::uint64_t>(volumes.size());
        if (seen.total) {
            seen.done = static_cast<std::uint64_t>(
                std::count_if(volumes.begin(), volumes.end(), [](const Volume& one) { return one.ready == true; }));
            seen.said += fmt::format(", {} of {} volumes ready", *seen.done, *seen.total);
        }
    }
    note_deletion(snapshot.meta, seen);
    return seen;
}

model::Seen seen_of(const Restore& restore) {
    model::Seen seen;
    seen.said = said(restore.phase, restore.meta.deleting);
    if (restore.phase.empty() || restore.phase == "Pending") seen.phase = model::Phase::queued;
    if (restore.phase == "Running") seen.phase = model::Phase::running;
    if (restore.phase == "Succeeded") seen.phase = model::Phase::succeeded;
    if (restore.phase == "Failed" || restore.phase == "Skipped") {
        seen.phase = model::Phase::failed;
        seen.why = restore.message.empty() ? "the operator does not say why; its log may" : one_line(restore.message);
    }
    note_deletion(restore.meta, seen);
    return seen;
}

model::Seen seen_of(const Cluster& cluster) {
    model::Seen seen;
    const int there = available_of(cluster);
    seen.said = fmt::format("{}, {} of {} nodes", said(cluster.phase, cluster.meta.deleting), there, cluster.size);
    seen.phase = phase_of(cluster, there);
    note_deletion(cluster.meta, seen);
    if (seen.phase != model::Phase::succeeded) seen.why = one_line(cluster.reason);
    return seen;
}

}  // namespace vbackup::driver::qdrant_k8s
