// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.hpp"
#include "sample.hpp"
#include "support/json_schema.hpp"

using namespace vbackup;
using nlohmann::json;
using test::joined;
using test::Schema;

namespace {

Schema manifest_schema() {
    return Schema::read(REPOSITORY "/lib/model/manifest.schema.json");
}

}  // namespace

TEST_CASE("what is written fits the schema") {
    const auto wrong = manifest_schema().check(json::parse(render(test::full_manifest())));
    CHECK_MESSAGE(wrong.empty(), joined(wrong));

    model::Manifest least;
    least.id = "b1";
    const auto also_wrong = manifest_schema().check(json::parse(render(least)));
    CHECK_MESSAGE(also_wrong.empty(), joined(also_wrong));
}

TEST_CASE("every object of the schema requires exactly the fields that are always written") {
    const std::set<std::string> sometimes{"seal", "packing", "stored_size", "stored_sha256"};
    const Schema schema = manifest_schema();
    std::vector<const json*> objects{&schema.root()};
    for (const auto& item : schema.root().at("$defs").items()) objects.push_back(&item.value());
    CHECK(objects.size() == 6);
    for (const json* object : objects) {
        CHECK(object->at("type") == "object");
        CHECK(object->at("additionalProperties") == false);
        std::set<std::string> properties;
        for (const auto& item : object->at("properties").items())
            if (!sometimes.contains(item.key())) properties.insert(item.key());
        CHECK(object->at("required").get<std::set<std::string>>() == properties);
    }
}

TEST_CASE("the schema refuses what the reader refuses") {
    const Schema schema = manifest_schema();
    const json good = json::parse(render(test::full_manifest()));
    const auto refused = [&](const std::function<void(json&)>& change) {
        json changed = good;
        change(changed);
        bool readable = true;
        try {
            model::parse_manifest(changed.dump());
        } catch (const Error&) {
            readable = false;
        }
        return !schema.check(changed).empty() && !readable;
    };
    CHECK(refused([](json& j) { j["format"] = 3; }));
    CHECK(refused([](json& j) { j["id"] = "../x"; }));
    CHECK(refused([](json& j) { j.erase("unit"); }));
    CHECK(refused([](json& j) { j["created"] = "yesterday"; }));
    CHECK(refused([](json& j) { j["state"] = "perfect"; }));
    CHECK(refused([](json& j) { j["kept"] = "yes"; }));
    CHECK(refused([](json& j) { j["notes"] = {1}; }));
    CHECK(refused([](json& j) { j["files"][0]["size"] = -1; }));
    CHECK(refused([](json& j) { j["files"][0]["size"] = nullptr; }));
    CHECK(refused([](json& j) { j["files"][0]["sha256"] = nullptr; }));
    CHECK(refused([](json& j) { j["files"][0]["sha256"] = "ABC"; }));
    CHECK(refused([](json& j) { j["files"][0]["format"] = "zip"; }));
    CHECK(refused([](json& j) { j["files"][1]["name"] = ""; }));
    CHECK(refused([](json& j) { j["files"][1]["part"].erase("node"); }));
    CHECK(refused([](json& j) { j["collections"][0]["shards"] = 4294967296; }));
    CHECK(refused([](json& j) { j["jobs"][0]["name"] = 5; }));
    CHECK(refused([](json& j) { j["nodes"][0]["healthy"] = nullptr; }));
}
