// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vbackup::config {

// What a value of the file looks like.
enum class KeyType : std::uint8_t {
    text,
    path,      // of a file, relative to the folder of the file that names it
    store,     // "@name", a URL, a path, or "none" for a target
    url,       // http, https or a scheme of a driver; without credentials
    texts,     // a list of texts
    urls,      // a list of URLs
    duration,  // "90s", "30m", "26h", "7d"
    rate,      // "10M": bytes a second
    count,     // a whole number from 1 on
    flag,      // true or false
    options,   // a table of texts, whole numbers and booleans
    words,     // a program and its arguments
};

// One key of vbackup.toml. Manual, JSON Schema, `config show` and the variables of the environment are made from these, and
// a test holds them equal to what the reader takes.
struct Key {
    std::string_view table;  // "", "defaults", "defaults.keep", "targets.*", "targets.*.hooks", "stores.*"
    std::string_view name;
    KeyType type = KeyType::text;
    std::string_view usual;    // what holds where nobody says it; empty: nothing
    std::string_view meaning;  // one line without a full stop
    bool secret = false;       // the value may be one, or hold one: never shown
    std::size_t most = 0;      // of a count
};

// All keys, those of one table together.
std::span<const Key> keys();

// The tables in the order of `keys`, each once.
std::vector<std::string_view> tables();

// Whether the path of a table, such as "targets.prod.keep", is one of `table`, "targets.*.keep".
bool matches(std::string_view table, std::string_view path);

// The variable that says the same and comes before the file: "VBACKUP_STALL" for defaults.stall, "VBACKUP_TARGET_NAME__URL" for
// targets.*.url (NAME in upper case, '-' as '_'). Empty where there is none: lists of words, options, includes.
std::string variable_for(const Key& key, std::string_view name = "NAME");

}  // namespace vbackup::config
