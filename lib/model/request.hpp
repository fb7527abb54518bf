// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/found.hpp"
#include "model/manifest.hpp"

namespace vbackup::model {

enum class Verb : std::uint8_t { create, download, restore, remove, cancel };
std::string_view word(Verb verb);
std::optional<Verb> parse_verb(std::string_view word);  // empty for a word that nobody knows

using Options = std::map<std::string, std::string>;  // -o NAME=VALUE

// Which collections. Globs are allowed in both; empty `include` is all.
struct Scope {
    std::vector<std::string> include;
    std::vector<std::string> exclude;
    bool counts = true;  // exact counts are wanted
    bool matches(std::string_view name) const;
    bool all() const { return include.empty() && exclude.empty(); }
};

using Renames = std::vector<std::pair<std::string, std::string>>;  // old, new

// What a person asked of a driver.
struct Request {
    Verb verb = Verb::create;
    std::string id;  // vbackup's own id of the backup
    Scope scope;
    Options options;
    bool keep = false;         // create: the files are brought home
    bool incremental = false;  // create: what an earlier backup in the same store holds may be left out
    bool wait = true;
    Renames renames;            // restore
    bool overwrite = false;     // restore: what exists may be replaced
    bool switch_alias = false;  // restore: aliases of what is renamed move to the new name once it is proven
    std::optional<Milliseconds> retention;  // create: how long it is wanted; for servers that keep retention themselves
    std::string description;                // create: what a person says about it
    std::string kept_at;                    // restore: the folder or URL of the kept files, for commands to be typed
    const Manifest* manifest = nullptr;     // restore, remove, download, cancel: of a managed backup; create: the draft
    const Found* found = nullptr;           // the same for one that only the server knows
    std::vector<JobRef> jobs;               // restore, in `prove`: what the steps of its plan answered with
    const Inspection* inspection = nullptr;  // what `inspect` just said, so that it is not asked twice
};

// What was asked, as one JSON value: equal requests give equal text, so that a rerun is known from a new wish.
JsonText summary(const Request& request);
// The request that a summary tells of; its pointers are null. Error{corrupt} for anything else.
Request parse_summary(const JsonText& text);

// A finding of `prove`.
struct Finding {
    std::string what;  // "collection Article: 1000 objects, as in the backup"
    bool good = false;
};

struct Proof {
    std::vector<Finding> findings;
    bool good() const;  // at least one finding, and all good: an empty proof proves nothing
};

}  // namespace vbackup::model
