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

// What is being read, shared by all its tables.
struct Reading {
    std::string file;                              // the one that includes the others
    std::map<std::string, std::string> variables;  // by the path of the key: who said it instead of a file
    // Where a table's mistakes go, so that all of them can be told; null: the first one is thrown.
    std::vector<Error>* mistakes = nullptr;
};

// One table of a configuration. It is read key by key; `finish` then refuses what nobody asked for. Every function
// throws Error{configuration} with the place. A reader that leaves a value as it was means: the key is not there.
class Table {
public:
    // `path` is "" for the whole, otherwise such as "targets.prod". Refuses keys that hold secrets in plain text. `reading`
    // outlives it.
    Table(const toml::table& table, std::string path, const Reading& reading);

    void text(std::string_view name, std::string& value);
    void texts(std::string_view name, std::vector<std::string>& values);
    // A program by its whole path, and its arguments.
    void words(std::string_view name, std::vector<std::string>& values);
    // A path, taken from the folder of the file that says it when it is relative.
    void file_name(std::string_view name, std::string& value);
    // "@name", URLs and "none" as they are, paths as file_name.
    void store(std::string_view name, std::string& value);
    void url(std::string_view name, std::string& value);
    void urls(std::string_view name, std::vector<std::string>& values);
    void duration(std::string_view name, std::optional<Milliseconds>& value);
    void rate(std::string_view name, std::optional<std::uint64_t>& value);  // "10M" bytes a second
    void count(std::string_view name, std::optional<std::size_t>& value, std::size_t most);
    void flag(std::string_view name, std::optional<bool>& value);
    // Texts, whole numbers and booleans, as texts.
    void scalars(std::string_view name, std::map<std::string, std::string>& values);
    // A table inside this one.
    void table(std::string_view name, const std::function<void(Table&)>& read);
    // A table of named tables; each name must be [a-z0-9-]+.
    void tables(std::string_view name, const std::function<void(const std::string& name, Table&)>& read);
    // Runs `read` on this table and refuses the keys that it did not ask for.
    void whole(const std::function<void()>& read);

    [[noreturn]] void fail(std::string_view name, const std::string& why, const std::string& hint = {}) const;

private:
    void finish() const;
    const toml::node* find(std::string_view name);
    const toml::table* find_table(std::string_view name);
    void require_url(std::string_view name, const std::string& value) const;
    void require_no_secrets() const;
    std::string path_to(std::string_view name) const;
    // `path` of the key or table that is wrong: a variable may have said it.
    Error error_of(std::string_view path, const toml::source_region& place, const std::string& why,
                   const std::string& hint) const;
    // Runs `read`; what it throws is noted where mistakes are. False: it threw.
    bool attempt(const std::function<void()>& read) const;

    const toml::table& table_;
    std::string path_;
    const Reading& reading_;
    std::set<std::string> known_;
};

// Error{configuration} at a place in a file; line 0 stands for the whole file.
Error error_at(const std::string& file, const toml::source_position& place, const std::string& why,
               const std::string& hint = {});

// A path as the file with `node` means it: relative ones count from its folder, those of a variable from the current one.
std::string from_folder_of(const toml::node& node, const std::string& value);

}  // namespace vbackup::config
