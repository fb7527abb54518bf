// SPDX-License-Identifier: Apache-2.0
#pragma once

// Of this room's .cpp files alone: toml++ has its home here.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace vbackup::config {

// One table of a configuration file. It is read key by key; `finish` then refuses what nobody asked for. Every function
// throws Error{configuration} with the place. A reader that leaves a value as it was means: the key is not there.
class Table {
public:
    // `path` is "" for the whole file, otherwise such as "targets.prod". Refuses keys that hold secrets in plain text.
    Table(const toml::table& table, std::string path, std::string file);

    void text(std::string_view name, std::string& value);
    void texts(std::string_view name, std::vector<std::string>& values);
    // A path, taken from the configuration file's folder when it is relative.
    void file_name(std::string_view name, std::string& value);
    // "@name", URLs and "none" as they are, paths as file_name.
    void store(std::string_view name, std::string& value);
    void url(std::string_view name, std::string& value);
    void urls(std::string_view name, std::vector<std::string>& values);
    void duration(std::string_view name, std::optional<Milliseconds>& value);
    void rate(std::string_view name, std::optional<std::uint64_t>& value);  // "10M" bytes a second
    void count(std::string_view name, std::optional<std::size_t>& value, std::size_t most);
    // Texts, whole numbers and booleans, as texts.
    void scalars(std::string_view name, std::map<std::string, std::string>& values);
    // A table inside this one.
    void table(std::string_view name, const std::function<void(Table&)>& read);
    // A table of named tables; each name must be [a-z0-9-]+.
    void tables(std::string_view name, const std::function<void(const std::string& name, Table&)>& read);
    void finish() const;

    [[noreturn]] void fail(std::string_view name, const std::string& why, const std::string& hint = {}) const;

private:
    const toml::node* find(std::string_view name);
    const toml::table* find_table(std::string_view name);
    std::string from_here(std::string_view name, const std::string& value) const;
    void require_url(std::string_view name, const std::string& value) const;
    void require_no_secrets() const;
    std::string path_to(std::string_view name) const;
    [[noreturn]] void fail_at(const toml::source_position& place, const std::string& why,
                              const std::string& hint) const;

    const toml::table& table_;
    std::string path_;
    std::string file_;
    std::set<std::string> known_;
};

// Error{configuration} at a place in a file; line 0 stands for the whole file.
Error error_at(const std::string& file, const toml::source_position& place, const std::string& why,
               const std::string& hint = {});

}  // namespace vbackup::config
