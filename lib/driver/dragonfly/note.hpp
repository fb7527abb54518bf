// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/dragonfly/server.hpp"
#include "io/key_records.hpp"
#include "model/json.hpp"
#include "model/manifest.hpp"

namespace vbackup::driver::dragonfly {

// A file of a snapshot that stays with the server, as this machine saw it.
struct FileLeft {
    std::uint64_t size = 0;
    std::int64_t written = 0;  // s since 1970
    bool operator==(const FileLeft&) const = default;
};

// The driver's own facts, carried in the `details` of steps, jobs and files. Which are set depends on `action`.
struct Note {
    std::string action;                                   // see the constants below
    std::string node;                                     // the master's address
    std::string match;                                    // pattern of keys
    std::string text;                                     // the layout of a cluster; a path or URL of a snapshot
    std::string words;                                    // of a BGSAVE: format, location and name, one a line
    std::string file;                                     // whose counts these are
    std::vector<std::uint32_t> databases;                 // those to be read or cleared
    std::map<std::uint32_t, std::uint32_t> destinations;  // restore: which database goes where
    KeySpaces spaces;                                     // before the backup
    std::uint64_t files = 0;                              // how many there are of this kind
    bool compress = true;
    bool everything = false;  // clear: all databases; scan: those too that get their first keys meanwhile
    bool overwrite = false;
    bool acl = false;
    std::map<std::string, std::string> before;    // of INFO, before a save or a scan
    std::optional<io::KeySummary> counted;        // what a file holds
    std::map<std::uint32_t, std::uint64_t> sent;  // keys put back
    std::map<std::string, FileLeft> files_left;   // of a snapshot that stays with the server, by name; none: not seen
    std::string machine;                          // that saw them
};

namespace action {
inline constexpr std::string_view scan = "scan", definitions = "definitions", count = "count", settle = "slots",
                                  save = "save", clear = "clear", keys = "keys", define = "define", load = "load";
}

model::JsonText render(const Note& note);
// Throws Error{corrupt} for text that no driver of ours wrote.
Note parse_note(const model::JsonText& text);

// What goes into the manifest: names of what is put back besides keys.
struct About {
    std::vector<std::string> indexes, functions, users;
    std::string match;
    bool whole = false;  // all databases and all keys are in it: only then may a restore clear what it does not know
};
model::JsonText render(const About& about);
About parse_about(const model::JsonText& text);

}  // namespace vbackup::driver::dragonfly
