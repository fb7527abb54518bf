// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/bodies.hpp"

#include <iterator>

#include <nlohmann/json.hpp>

namespace vbackup::driver::qdrant {

namespace {

using json = nlohmann::ordered_json;

json without_nulls(json object) {
    for (auto it = object.begin(); it != object.end();) it = it->is_null() ? object.erase(it) : std::next(it);
    return object;
}

}  // namespace

// lib/storage/…/collection_meta_ops.rs, CreateCollection.
model::JsonText creation_body(const model::JsonText& config) {
    const auto from = json::parse(config);
    json body = without_nulls(from.at("params"));
    body.erase("read_fan_out_factor");
    body.erase("read_fan_out_delay_ms");
    const auto put = [&](const char* name, const char* as) {
        if (from.contains(name) && !from.at(name).is_null()) body[as] = from.at(name);
    };
    put("hnsw_config", "hnsw_config");
    put("optimizer_config", "optimizers_config");
    put("wal_config", "wal_config");
    put("quantization_config", "quantization_config");
    put("metadata", "metadata");
    return body.dump();
}

model::JsonText params_body(const model::JsonText& config) {
    const auto from = json::parse(config).at("params");
    json params = json::object();
    for (const auto* name : {"read_fan_out_factor", "read_fan_out_delay_ms"}) {
        if (from.contains(name) && !from.at(name).is_null()) params[name] = from.at(name);
    }
    return params.empty() ? model::JsonText{} : json({{"params", params}}).dump();
}

model::JsonText strict_body(const model::JsonText& config) {
    const auto from = json::parse(config);
    const auto found = from.find("strict_mode_config");
    if (found == from.end() || !found->is_object()) return {};
    const auto strict = without_nulls(*found);
    return strict.empty() ? model::JsonText{} : json({{"strict_mode_config", strict}}).dump();
}

model::JsonText key_body(const model::JsonText& config, const KeyGroup& group) {
    const auto factor = json::parse(config).at("params").value("replication_factor", 1U);
    return json({{"shard_key", json::parse(group.key)},
                 {"shards_number", group.ids.size()},
                 {"replication_factor", factor}})
        .dump();
}

model::JsonText index_body(const std::string& field, const model::JsonText& schema) {
    const auto from = json::parse(schema);
    json body = {{"field_name", field}, {"field_schema", from.at("data_type")}};
    if (from.contains("params") && from.at("params").is_object()) {
        body["field_schema"] = from.at("params");
        if (!body["field_schema"].contains("type")) body["field_schema"]["type"] = from.at("data_type");
    }
    return body.dump();
}

}  // namespace vbackup::driver::qdrant
