// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "driver/driver.hpp"
#include "model/request.hpp"
#include "net/http.hpp"

namespace vbackup::driver {

// How to open a target, after configuration and command line were put together.
struct Settings {
    std::string name;                // the configuration's name of it, or empty
    std::string url;                 // "http://host:8080" (without the driver's prefix), or "zilliz://ID" as typed
    std::vector<std::string> nodes;  // further addresses, where they cannot be found
    std::string user;                // who the key belongs to, where the database asks for a name too
    std::string base_url;            // of a control plane, where it is not the vendor's own
    std::string kubeconfig;          // a file, or empty: found as kubectl finds it
    std::string context;             // in it
    std::map<std::string, std::string>
        environment;  // the process's own: for kubeconfig and commands that give credentials
    Secret key;
    net::Connection connection;  // TLS files and time-outs; base and secrets are filled by the driver
    model::Options options;      // from the configuration; those of the command line win
    net::Trace trace;
};

// One -o option. The table feeds help, manual, completion and the check of what a person typed.
struct Option {
    std::string_view name;
    std::string_view value;  // "s3|gcs|azure|filesystem", "1-80", "NAME"; checked where it is a list or a range
    std::string_view verbs;  // "create restore"
    std::string_view help;   // one line
    std::string_view since;  // the server's version that brought it, or empty
};

enum class Support : std::uint8_t { full, part, none };

struct Ability {
    std::string_view verb;
    Support support = Support::none;
    std::string_view note;  // what is missing and what to do instead; needed unless full
};

struct Entry {
    std::string_view name;     // "qdrant": also the prefix of explicit URLs, "qdrant+https://"
    std::string_view product;  // for people
    std::span<const Ability> abilities;
    std::span<const Option> options;
    std::unique_ptr<Driver> (*open)(Settings);
    // Is it this database that answers there? Reads only; false for any answer that is not clearly its own.
    // Null for one that no http:// address reaches.
    bool (*recognise)(Call&, const net::Http&);
    // Schemes of its own, "zilliz" in zilliz://CLUSTER_ID. None: it is addressed as NAME+http:// and NAME+https://.
    std::span<const std::string_view> schemes = {};
    bool left_with_server = false;  // nothing of it ever comes to a store: the usual one is not meant for it
    bool switches_aliases = false;  // a restore can move aliases to the new name once it is proven: --switch-alias
};

// All drivers: one list in one file.
std::span<const Entry> drivers();
const Entry* find_driver(std::string_view name);
const Ability& ability(const Entry& entry, std::string_view verb);

// Asks the server at `http` what it is. Throws Error{unreachable} when it does not answer, Error{not_understood} when it is
// no database that is known here, with what it answered.
const Entry& detect(Call& call, const net::Http& http);

// Throws Error{usage} for an option that is unknown (with a suggestion), does not belong to `verb`, or has a value
// outside its list or range.
void require_options(const Entry& entry, std::string_view verb, const model::Options& options);

}  // namespace vbackup::driver
