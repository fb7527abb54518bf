// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "base/error.hpp"
#include "sample.hpp"

using namespace vbackup;
using nlohmann::json;

namespace {

// As much of JSON Schema (2020-12) as the manifest's schema uses. A keyword it does not know is an error, so that
// nothing in the schema goes unchecked in silence.
class Schema {
public:
    explicit Schema(json root) : root_(std::move(root)) {}

    // What is wrong with `value`, one line each; none when it fits.
    std::vector<std::string> check(const json& value) const {
        std::vector<std::string> wrong;
        check(root_, value, "$", wrong);
        return wrong;
    }
    const json& root() const { return root_; }

private:
    using Wrong = std::vector<std::string>;

    void check(const json& schema, const json& value, const std::string& path, Wrong& wrong) const {
        for (const auto& [key, rule] : schema.items()) {
            static const std::set<std::string> notes{"$schema", "$id", "$defs", "title", "description", "then"};
            if (notes.contains(key)) continue;
            if (key == "$ref") {
                check(root_.at(json::json_pointer(rule.get<std::string>().substr(1))), value, path, wrong);
            } else if (key == "if") {
                Wrong unmet;
                check(rule, value, path, unmet);
                if (unmet.empty()) check(schema.at("then"), value, path, wrong);
            } else if (!holds(schema, key, rule, value, path, wrong)) {
                wrong.push_back(path + " does not fit '" + key + "'");
            }
        }
    }

    bool holds(const json& schema, const std::string& key, const json& rule, const json& value, const std::string& path,
               Wrong& wrong) const {
        if (key == "type") return fits_type(rule, value);
        if (key == "enum") return std::find(rule.begin(), rule.end(), value) != rule.end();
        if (key == "minimum") return !value.is_number() || value >= rule;
        if (key == "maximum") return !value.is_number() || value <= rule;
        if (key == "minLength") return !value.is_string() || value.get<std::string>().size() >= rule.get<std::size_t>();
        if (key == "pattern") return !value.is_string() || matches(rule, value);
        if (key == "format") return !value.is_string() || (rule == "date-time" && matches(date_time, value));
        if (key == "required") return !value.is_object() || has_all(rule, value);
        if (key == "additionalProperties") return !value.is_object() || rule != false || has_only(schema, value);
        if (key == "properties") {
            for (const auto& [name, inner] : rule.items()) {
                if (value.is_object() && value.contains(name)) check(inner, value[name], path + "." + name, wrong);
            }
            return true;
        }
        if (key == "items") {
            for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
                check(rule, value[i], path + "[" + std::to_string(i) + "]", wrong);
            }
            return true;
        }
        throw std::invalid_argument("the schema has a keyword that this test does not check: " + key);
    }

    static bool fits_type(const json& rule, const json& value) {
        if (rule.is_array()) {
            return std::any_of(rule.begin(), rule.end(), [&value](const json& one) { return fits_type(one, value); });
        }
        if (rule == "object") return value.is_object();
        if (rule == "array") return value.is_array();
        if (rule == "string") return value.is_string();
        if (rule == "integer") return value.is_number_integer();
        if (rule == "boolean") return value.is_boolean();
        if (rule == "null") return value.is_null();
        throw std::invalid_argument("the schema has an unknown type");
    }
    static bool matches(const json& pattern, const json& value) {
        return std::regex_search(value.get<std::string>(), std::regex(pattern.get<std::string>()));
    }
    static bool has_all(const json& names, const json& value) {
        return std::all_of(names.begin(), names.end(),
                           [&value](const json& name) { return value.contains(name.get<std::string>()); });
    }
    static bool has_only(const json& schema, const json& value) {
        for (const auto& item : value.items()) {
            if (!schema.at("properties").contains(item.key())) return false;
        }
        return true;
    }

    static inline const json date_time = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";
    json root_;
};

Schema manifest_schema() {
    std::ifstream file(REPOSITORY "/lib/model/manifest.schema.json");
    return Schema(json::parse(file));
}

std::string joined(const std::vector<std::string>& lines) {
    std::string result;
    for (const std::string& line : lines) result += line + "\n";
    return result;
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
