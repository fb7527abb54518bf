// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant_k8s/bodies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver::qdrant_k8s {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<Wanted, std::string_view>, 3> wants{
    {{Wanted::result, "result"}, {Wanted::gone, "gone"}, {Wanted::cancelled, "cancelled"}}};

Json json_of(const Job& job) {
    const auto want =
        std::find_if(wants.begin(), wants.end(), [&](const auto& one) { return one.first == job.wanted; });
    return {{"kind", word(job.kind)},
            {"wanted", want->second},
            {"namespace", job.space},
            {"name", job.name},
            {"uid", job.uid},
            {"cluster", job.cluster},
            {"cluster_namespace", job.cluster_space}};
}

[[noreturn]] void damaged() {
    throw Error(ErrorKind::corrupt, "the note of a job of Qdrant's Kubernetes objects is damaged");
}

Job job_of(const Json& json) {
    const auto kind = parse_kind(json.at("kind").get<std::string>());
    const auto want = std::find_if(wants.begin(), wants.end(),
                                   [&](const auto& one) { return one.second == json.at("wanted").get<std::string>(); });
    if (!kind || want == wants.end()) damaged();
    return {.kind = *kind,
            .wanted = want->first,
            .space = json.at("namespace").get<std::string>(),
            .name = json.at("name").get<std::string>(),
            .uid = json.at("uid").get<std::string>(),
            .cluster = json.at("cluster").get<std::string>(),
            .cluster_space = json.at("cluster_namespace").get<std::string>()};
}

Json head(Kind kind, const std::string& name, const std::string& space, const Owner& owner) {
    return {{"apiVersion", "qdrant.io/v1"},
            {"kind", words_of(kind).kind},
            {"metadata",
             {{"name", name},
              {"namespace", space},
              {"labels", {{"cluster-id", owner.cluster_id}, {"customer-id", owner.customer_id}}}}}};
}

// Text that YAML would read as a number, a date, a truth or a comment stands in quotes; JSON's are YAML's too.
bool is_plain(const std::string& text) {
    constexpr std::array<std::string_view, 10> taken{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"};
    std::string lower = text;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (std::find(taken.begin(), taken.end(), lower) != taken.end()) return false;
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return !text.empty() && is_letter(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '/';
    });
}

std::string scalar(const Json& json) {
    if (!json.is_string()) return json.dump();
    const auto text = json.get<std::string>();
    return is_plain(text) ? text : json.dump();
}

void write(const Json& json, std::size_t indent, std::string& out) {
    for (const auto& [key, value] : json.items()) {
        out += std::string(indent, ' ') + scalar(Json(key)) + ":";
        if (value.is_object() && !value.empty()) {
            out += "\n";
            write(value, indent + 2, out);
        } else {
            // Lists are in JSON's form, which is YAML's too.
            out += " " + scalar(value) + "\n";
        }
    }
}

}  // namespace

model::JobRef to_ref(const Job& job) {
    return {.name = job.name, .part = {}, .details = json_of(job).dump()};
}

Job to_job(const model::JobRef& ref) {
    try {
        return job_of(Json::parse(model::shallow(ref.details)));
    } catch (const nlohmann::json::exception&) {
        damaged();
    }
}

model::JsonText render(const StepData& data) {
    return Json{{"method", data.method}, {"job", json_of(data.job)}, {"id", data.id}, {"body", data.body}}.dump();
}

StepData parse_step(const model::Step& step) {
    try {
        const auto json = Json::parse(model::shallow(step.details));
        return {.method = json.at("method").get<std::string>(),
                .job = job_of(json.at("job")),
                .id = json.at("id").get<std::string>(),
                .body = json.at("body").get<std::string>()};
    } catch (const nlohmann::json::exception&) {
        throw Error(ErrorKind::corrupt, "the note of a step of Qdrant's Kubernetes objects is damaged");
    }
}

model::JsonText snapshot_body(const SnapshotWish& wish) {
    auto body = head(Kind::snapshot, wish.name, wish.space, wish.owner);
    body["metadata"]["annotations"] = {{std::string(id_annotation), wish.id}};
    if (!wish.description.empty())
        body["metadata"]["annotations"][std::string(description_annotation)] = wish.description;
    if (wish.nodes > 0) body["metadata"]["annotations"][std::string(nodes_annotation)] = std::to_string(wish.nodes);
    body["spec"] = {{"cluster-id", wish.owner.cluster_id}, {"creation-timestamp", wish.seconds}};
    if (!wish.retention.empty()) body["spec"]["retention"] = wish.retention;
    try {
        return body.dump();
    } catch (const nlohmann::json::exception&) {
        // All else comes from the server, or is vbackup's own.
        throw Error(ErrorKind::usage, "the description is no UTF-8 text",
                    "write it in a UTF-8 locale, or without accents");
    }
}

model::JsonText restore_body(const RestoreWish& wish) {
    auto body = head(Kind::restore, wish.name, wish.space, wish.owner);
    body["metadata"]["annotations"] = {{std::string(id_annotation), wish.id}};
    body["spec"] = {{"source", {{"snapshotName", wish.source}, {"namespace", wish.source_space}}},
                    {"destination", {{"name", wish.destination}, {"namespace", wish.destination_space}}}};
    if (wish.creates) body["spec"]["destination"]["create"] = true;
    return body.dump();
}

model::JsonText schedule_body(const ScheduleWish& wish) {
    auto body = head(Kind::schedule, wish.name, wish.space, wish.owner);
    body["spec"] = {{"cluster-id", wish.owner.cluster_id},
                    {"scheduleShortId", wish.short_id},
                    {"schedule", wish.cron},
                    {"retention", wish.retention}};
    return body.dump();
}

model::JsonText schedule_patch(const ScheduleWish& wish) {
    return Json{{"spec", {{"schedule", wish.cron}, {"retention", wish.retention}}}}.dump();
}

model::JsonText renamed(const model::JsonText& body, const std::string& name, std::int64_t seconds) {
    auto json = Json::parse(model::shallow(body));
    json["metadata"]["name"] = name;
    if (json["spec"].contains("creation-timestamp")) json["spec"]["creation-timestamp"] = seconds;
    return json.dump();
}

std::string as_yaml(const model::JsonText& body) {
    std::string out;
    write(Json::parse(model::shallow(body)), 0, out);
    return out;
}

}  // namespace vbackup::driver::qdrant_k8s
