// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/registry.hpp"
#include "net/resp.hpp"

namespace vbackup::driver::dragonfly {

// The server behind "dragonfly://db.example:6379", with user, password and TLS files of the settings. Throws Error{usage}
// for an address with a path: databases are collections, db0 and so on.
net::RespServer server_of(const Settings& settings, const std::string& url);
// Is that a scheme of this driver's with TLS, without, or none?
std::optional<bool> tls_of(std::string_view scheme);

// "db7" and 7. Empty for any other name.
std::string name_of(std::uint32_t database);
std::optional<std::uint32_t> database_of(std::string_view name);

struct KeySpace {
    std::uint64_t keys = 0;
    std::uint64_t expires = 0;  // of these
    bool operator==(const KeySpace&) const = default;
};
using KeySpaces = std::map<std::uint32_t, KeySpace>;  // those that hold keys

// What INFO says, taken apart.
struct Facts {
    std::string product;  // "Dragonfly", "Redis", "Valkey"
    std::string version;  // its own
    std::map<std::string, std::string> info;
    KeySpaces databases;

    bool is_dragonfly() const { return product == "Dragonfly"; }
    // "" where the server does not say it.
    std::string value(const std::string& field) const;
    std::uint64_t number(const std::string& field) const;
    bool has(const std::string& field) const { return info.contains(field); }
    bool is_cluster() const;
    bool is_replica() const;
    bool is_loading() const;
};

// What tells one run of a server from its next, and how far it has counted changes: to be held against a later look.
std::map<std::string, std::string> life_of(const Facts& facts);
// `before` has at least the run's own name or its uptime.
bool was_restarted(const std::map<std::string, std::string>& before, const Facts& now);
// How many changes were made since. Empty where that cannot be told: the server does not count them, or a save had it begin
// anew.
std::optional<std::uint64_t> changes_since(const std::map<std::string, std::string>& before, const Facts& now);

Facts ask_facts(Call& call, net::Resp& wire);
Facts parse_facts(std::string_view info);

// ms since 1970 by the server's clock.
std::uint64_t ask_time(Call& call, net::Resp& wire);
// Is the command known there, and allowed? Tried on a key that does not exist.
bool takes(Call& call, net::Resp& wire, std::initializer_list<std::string_view> words);

}  // namespace vbackup::driver::dragonfly
