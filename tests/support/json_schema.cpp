// SPDX-License-Identifier: Apache-2.0
#include "support/json_schema.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <regex>
#include <set>
#include <stdexcept>

namespace vbackup::test {

namespace {

using nlohmann::json;
using Wrong = std::vector<std::string>;
using Document = std::shared_ptr<const json>;

const json date_time = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";

// Each file is read once a process: every test of a suite may come here.
Document document(const std::filesystem::path& file) {
    static std::mutex mutex;
    static std::map<std::filesystem::path, Document> known;
    const std::scoped_lock lock(mutex);
    auto& one = known[file];
    if (!one) {
        std::ifstream in(file);
        if (!in) throw std::runtime_error("there is no schema " + file.string());
        one = std::make_shared<const json>(json::parse(in));
    }
    return one;
}

bool fits_type(const json& rule, const json& value) {
    if (rule.is_array())
        return std::any_of(rule.begin(), rule.end(), [&value](const json& one) { return fits_type(one, value); });
    if (rule == "object") return value.is_object();
    if (rule == "array") return value.is_array();
    if (rule == "string") return value.is_string();
    if (rule == "integer") return value.is_number_integer();
    if (rule == "boolean") return value.is_boolean();
    if (rule == "null") return value.is_null();
    throw std::invalid_argument("the schema has an unknown type");
}

bool matches(const json& pattern, const json& value) {
    return std::regex_search(value.get<std::string>(), std::regex(pattern.get<std::string>()));
}

bool has_all(const json& names, const json& value) {
    return std::all_of(names.begin(), names.end(),
                       [&value](const json& name) { return value.contains(name.get<std::string>()); });
}

// One look at one value; `root` is the file in which a reference without a file's name is meant.
class Check {
public:
    Check(Document root, std::filesystem::path folder, Fields fields)
        : root_(std::move(root)), folder_(std::move(folder)), fields_(fields) {}

    void operator()(const json& schema, const json& value, const std::string& path, Wrong& wrong) const {
        static const std::set<std::string> notes{"$schema", "$id", "$defs", "title", "description", "then"};
        for (const auto& [key, rule] : schema.items()) {
            if (notes.contains(key)) continue;
            if (key == "$ref") {
                follow(rule.get<std::string>(), value, path, wrong);
            } else if (key == "if") {
                Wrong unmet;
                (*this)(rule, value, path, unmet);
                if (unmet.empty()) (*this)(schema.at("then"), value, path, wrong);
            } else if (key == "anyOf") {
                any(rule, value, path, wrong);
            } else if (!holds(key, rule, value, path, wrong)) {
                wrong.push_back(path + " does not fit '" + key + "'");
            }
        }
        check_fields(schema, value, path, wrong);
    }

private:
    void follow(const std::string& reference, const json& value, const std::string& path, Wrong& wrong) const {
        const auto hash = reference.find('#');
        const auto root = hash == 0 ? root_ : document(folder_ / reference.substr(0, hash));
        Check(root, folder_, fields_)(root->at(json::json_pointer(reference.substr(hash + 1))), value, path, wrong);
    }

    // Says what is wrong with the form that is nearest.
    void any(const json& forms, const json& value, const std::string& path, Wrong& wrong) const {
        std::optional<Wrong> least;
        for (const auto& form : forms) {
            Wrong unmet;
            (*this)(form, value, path, unmet);
            if (!least || unmet.size() < least->size()) least = std::move(unmet);
        }
        if (least) wrong.insert(wrong.end(), least->begin(), least->end());
    }

    bool holds(const std::string& key, const json& rule, const json& value, const std::string& path,
               Wrong& wrong) const {
        if (key == "type") return fits_type(rule, value);
        if (key == "enum") return std::find(rule.begin(), rule.end(), value) != rule.end();
        if (key == "minimum") return !value.is_number() || value >= rule;
        if (key == "maximum") return !value.is_number() || value <= rule;
        if (key == "minLength") return !value.is_string() || value.get<std::string>().size() >= rule.get<std::size_t>();
        if (key == "pattern") return !value.is_string() || matches(rule, value);
        if (key == "format") return !value.is_string() || (rule == "date-time" && matches(date_time, value));
        if (key == "required") return !value.is_object() || has_all(rule, value);
        if (key == "additionalProperties") return true;  // check_fields
        if (key == "properties") {
            for (const auto& [name, inner] : rule.items())
                if (value.is_object() && value.contains(name)) (*this)(inner, value[name], path + "." + name, wrong);
            return true;
        }
        if (key == "items") {
            for (std::size_t i = 0; value.is_array() && i < value.size(); ++i)
                (*this)(rule, value[i], path + "[" + std::to_string(i) + "]", wrong);
            return true;
        }
        throw std::invalid_argument("the schema has a keyword that is not checked: " + key);
    }

    void check_fields(const json& schema, const json& value, const std::string& path, Wrong& wrong) const {
        const bool closed = fields_ == Fields::listed && schema.contains("properties");
        const json rule = schema.value("additionalProperties", json(!closed));
        if (!value.is_object() || rule == true) return;
        const json known = schema.value("properties", json::object());
        for (const auto& [name, inner] : value.items()) {
            if (known.contains(name)) continue;
            if (rule == false)
                wrong.push_back(path + "." + name + " is not in the schema");
            else
                (*this)(rule, inner, path + "." + name, wrong);
        }
    }

    Document root_;
    std::filesystem::path folder_;
    Fields fields_;
};

}  // namespace

Schema::Schema(json root) : root_(std::make_shared<const json>(std::move(root))) {}

Schema Schema::read(const std::filesystem::path& file) {
    Schema schema{json()};
    schema.root_ = document(file);
    schema.folder_ = file.parent_path();
    return schema;
}

std::vector<std::string> Schema::check(const json& value, Fields fields) const {
    Wrong wrong;
    Check(root_, folder_, fields)(*root_, value, "$", wrong);
    return wrong;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string result;
    for (const std::string& line : lines) result += line + "\n";
    return result;
}

}  // namespace vbackup::test
