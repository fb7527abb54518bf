// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "driver/dragonfly/note.hpp"
#include "net/resp.hpp"

namespace vbackup::driver::dragonfly {

// Files of a snapshot that a server wrote, where this machine sees them: the server runs here, so that its paths are ours. An
// address of this machine may lead elsewhere, to a container above all, where the same path is another file: so a file is
// believed only when it was written while the save ran, give or take a minute.

// Names of the files in the summary's folder, the summary first: "b1-summary.dfs" with "b1-0000.dfs" and so on, or "b1.rdb" alone. Empty
// when they are not seen, or were not written by the save that `note` tells of.
std::vector<std::string> files_seen(const net::RespServer& server, const Note& note);

// What `files_seen` shows, with sizes and times, into note.files_left, for `look_again` to be held against.
void note_files(const net::RespServer& server, Note& note);

// The files that were noted: all as they were; missing or others; or, empty, not to be told from here, since none were noted, this is
// another machine, or their folder is not there (it may be another container's, or not mounted).
struct Sight {
    bool all_there = false;
    std::string missing;  // what is not as it was, for people
};
std::optional<Sight> look_again(const net::RespServer& server, const Note& note);

}  // namespace vbackup::driver::dragonfly
