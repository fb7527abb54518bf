// SPDX-License-Identifier: Apache-2.0
#include "config/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "base/text.hpp"
#include "base/url.hpp"
#include "config/config.hpp"
#include "config/keys.hpp"

namespace vbackup::config {

namespace {

constexpr std::string_view safe_ways =
    "write the key into a file and name it by api_key_file, or name a variable by api_key_env or a command by "
    "api_key_command";

std::string_view word(toml::node_type type) {
    switch (type) {
        case toml::node_type::string:
            return "text";
        case toml::node_type::integer:
            return "a whole number";
        case toml::node_type::floating_point:
            return "a number with a fraction";
        case toml::node_type::boolean:
            return "true or false";
        case toml::node_type::array:
            return "a list";
        case toml::node_type::table:
            return "a table";
        default:
            return "a time";
    }
}

std::string wrong_type(const toml::node& node, std::string_view wanted) {
    return fmt::format("is {} where {} belongs", word(node.type()), wanted);
}

// Names under which people write a secret itself. Those that name a place for one end in _file, _env or _command.
bool holds_a_secret(std::string_view name) {
    constexpr std::array names{"apikey",        "key",         "token",       "password",
                               "passwd",        "secret",      "bearer",      "accesskey",
                               "secretkey",     "accesstoken", "accesskeyid", "secretaccesskey",
                               "authorization", "bearertoken", "clientsecret"};
    std::string bare;
    for (const char c : name) {
        if (c >= 'A' && c <= 'Z') bare += static_cast<char>(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) bare += c;
    }
    return std::find(names.begin(), names.end(), bare) != names.end();
}

std::string scalar(const toml::node& node) {
    if (const auto text = node.value_exact<std::string>()) return *text;
    if (const auto number = node.value_exact<std::int64_t>()) return fmt::format("{}", *number);
    return node.value_exact<bool>().value_or(false) ? "true" : "false";
}

}  // namespace

Error error_at(const std::string& file, const toml::source_position& place, const std::string& why,
               const std::string& hint) {
    Error error(ErrorKind::configuration, why, hint, {{"file", file}});
    if (place.line != 0) error.with("line", std::to_string(place.line)).with("column", std::to_string(place.column));
    return error;
}

std::string from_folder_of(const toml::node& node, const std::string& value) {
    const auto& file = node.source().path;
    return ((file ? std::filesystem::path(*file).parent_path() : std::filesystem::path()) / value)
        .lexically_normal()
        .string();
}

Table::Table(const toml::table& table, std::string path, const Reading& reading)
    : table_(table), path_(std::move(path)), reading_(reading) {
    require_no_secrets();
}

void Table::text(std::string_view name, std::string& value) {
    const toml::node* node = find(name);
    if (node == nullptr) return;
    if (!node->is_string()) fail(name, wrong_type(*node, "text"));
    value = node->value_exact<std::string>().value_or("");
    if (value.empty()) fail(name, "is empty", "leave the key out instead");
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(value.begin(), value.end(), control)) fail(name, "has a control character");
}

void Table::texts(std::string_view name, std::vector<std::string>& values) {
    const toml::node* node = find(name);
    if (node == nullptr) return;
    if (!node->is_array()) fail(name, wrong_type(*node, "a list of texts"));
    for (const toml::node& item : *node->as_array()) {
        if (!item.is_string())
            throw error_of(path_to(name), item.source(),
                           fmt::format("an item of '{}' {}", path_to(name), wrong_type(item, "text")), "");
        values.push_back(item.value_exact<std::string>().value_or(""));
    }
}

void Table::words(std::string_view name, std::vector<std::string>& values) {
    texts(name, values);
    if (table_.get(name) == nullptr) return;
    if (values.empty()) fail(name, "is empty", "leave the key out instead");
    // cron and systemd know other programs by a bare name than the person who tried it.
    if (!values.front().starts_with('/'))
        fail(name, "does not begin with the whole path of a program",
             "such as [\"/usr/local/bin/notify\", \"prod\"]; no shell reads it");
    for (const auto& value : values)
        if (value.find('\0') != std::string::npos) fail(name, "has a control character");
}

void Table::file_name(std::string_view name, std::string& value) {
    std::string written;
    text(name, written);
    if (written.empty()) return;
    // What a shell would make of it is not known here, and a folder called "~" is hardly ever meant.
    if (written.starts_with('~')) fail(name, "begins with '~'", "write the whole path");
    value = from_folder_of(*table_.get(name), written);
}

void Table::store(std::string_view name, std::string& value) {
    std::string written;
    text(name, written);
    if (written.empty()) return;
    if (written.find("://") != std::string::npos) require_url(name, written);
    const bool path = written != no_store && !written.starts_with('@') && written.find("://") == std::string::npos;
    if (path)
        file_name(name, value);
    else
        value = written;
}

void Table::url(std::string_view name, std::string& value) {
    text(name, value);
    if (!value.empty()) require_url(name, value);
}

void Table::urls(std::string_view name, std::vector<std::string>& values) {
    texts(name, values);
    for (const std::string& value : values) require_url(name, value);
}

void Table::duration(std::string_view name, std::optional<Milliseconds>& value) {
    std::string written;
    text(name, written);
    if (written.empty()) return;
    try {
        value = parse_duration(written);
    } catch (const Error& error) {
        fail(name, fmt::format("is wrong: {}", error.message()), error.hint());
    }
}

void Table::rate(std::string_view name, std::optional<std::uint64_t>& value) {
    std::string written;
    text(name, written);
    if (written.empty()) return;
    try {
        value = parse_rate(written);
    } catch (const Error& error) {
        fail(name, fmt::format("is wrong: {}", error.message()), error.hint());
    }
}

void Table::count(std::string_view name, std::optional<std::size_t>& value, std::size_t most) {
    const toml::node* node = find(name);
    if (node == nullptr) return;
    if (!node->is_integer()) fail(name, wrong_type(*node, "a whole number"));
    const std::int64_t number = node->value_exact<std::int64_t>().value_or(0);
    if (number < 1 || static_cast<std::uint64_t>(number) > most) fail(name, fmt::format("must be from 1 to {}", most));
    value = static_cast<std::size_t>(number);
}

void Table::flag(std::string_view name, std::optional<bool>& value) {
    const toml::node* node = find(name);
    if (node == nullptr) return;
    if (!node->is_boolean()) fail(name, wrong_type(*node, "true or false"));
    value = node->value_exact<bool>();
}

void Table::scalars(std::string_view name, std::map<std::string, std::string>& values) {
    const toml::table* inner = find_table(name);
    if (inner == nullptr) return;
    const Table without_secrets(*inner, path_to(name), reading_);
    for (const auto& [key, node] : *inner) {
        const bool good = node.is_string() || node.is_integer() || node.is_boolean();
        if (!good) without_secrets.fail(key.str(), wrong_type(node, "text, a whole number, true or false"));
        values[std::string(key.str())] = scalar(node);
    }
}

void Table::table(std::string_view name, const std::function<void(Table&)>& read) {
    const toml::table* inner = find_table(name);
    if (inner == nullptr) return;
    attempt([&] {
        Table reader(*inner, path_to(name), reading_);
        reader.whole([&] { read(reader); });
    });
}

void Table::whole(const std::function<void()>& read) {
    // Whoever stopped at a mistake did not ask for the rest.
    if (!attempt(read))
        for (const auto& key : keys())
            if (matches(key.table, path_)) known_.emplace(key.name);
    finish();
}

bool Table::attempt(const std::function<void()>& read) const {
    if (reading_.mistakes == nullptr) {
        read();
        return true;
    }
    try {
        read();
        return true;
    } catch (const Error& error) {
        reading_.mistakes->push_back(error);
        return false;
    }
}

void Table::tables(std::string_view name, const std::function<void(const std::string& name, Table&)>& read) {
    table(name, [&read](Table& all) {
        for (const auto& [key, node] : all.table_) {
            const std::string inner(key.str());
            all.attempt([&, &key = key] {
                if (!is_name(inner))
                    throw all.error_of(all.path_, key.source(), fmt::format("'{}' is no name", one_line(inner, 60)),
                                       "names are made of a-z, 0-9 and '-'");
                all.table(inner, [&](Table& one) { read(inner, one); });
            });
            all.known_.emplace(inner);
        }
    });
}

void Table::finish() const {
    const std::vector<std::string> known(known_.begin(), known_.end());
    for (const auto& [key, node] : table_) {
        if (known_.contains(std::string(key.str()))) continue;
        attempt([&, &key = key] {
            const auto meant = did_you_mean(key.str(), known);
            throw error_of(path_to(key.str()), key.source(),
                           fmt::format("the key '{}' is not known", one_line(path_to(key.str()), 120)),
                           meant ? fmt::format("did you mean '{}'?", *meant)
                                 : fmt::format("known are: {}", fmt::join(known, ", ")));
        });
    }
}

void Table::fail(std::string_view name, const std::string& why, const std::string& hint) const {
    const toml::node* node = table_.get(name);
    throw error_of(path_to(name), (node == nullptr ? table_.source() : node->source()),
                   fmt::format("'{}' {}", path_to(name), why), hint);
}

const toml::node* Table::find(std::string_view name) {
    known_.emplace(name);
    return table_.get(name);
}

const toml::table* Table::find_table(std::string_view name) {
    const toml::node* node = find(name);
    if (node != nullptr && !node->is_table()) fail(name, wrong_type(*node, "a table"));
    return node == nullptr ? nullptr : node->as_table();
}

void Table::require_url(std::string_view name, const std::string& value) const {
    try {
        parse_url(value);
    } catch (const Error& error) {
        fail(name, fmt::format("is wrong: {}", error.message()), error.hint());
    }
}

void Table::require_no_secrets() const {
    for (const auto& [key, node] : table_) {
        if (node.is_table() || !holds_a_secret(key.str())) continue;
        throw error_of(path_to(key.str()), key.source(),
                       fmt::format("'{}' would be a secret in plain text", one_line(path_to(key.str()), 120)),
                       std::string(safe_ways));
    }
}

std::string Table::path_to(std::string_view name) const {
    return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

Error Table::error_of(std::string_view path, const toml::source_region& place, const std::string& why,
                      const std::string& hint) const {
    const auto variable = reading_.variables.find(std::string(path));
    if (variable != reading_.variables.end())
        return {ErrorKind::configuration, why, hint, {{"variable", variable->second}}};
    return error_at(place.path ? *place.path : reading_.file, place.begin, why, hint);
}

}  // namespace vbackup::config
