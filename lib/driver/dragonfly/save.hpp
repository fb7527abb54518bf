// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <vector>

#include "driver/dragonfly/note.hpp"
#include "driver/driver.hpp"

namespace vbackup::driver::dragonfly {

// Snapshots that a server writes itself. LASTSAVE and INFO tell seconds only, and an answer of BGSAVE is no proof, so a save
// is known by what INFO shows before it and after it (contracts.md B.2).

// Of a server as it is now: the fields of INFO that a save changes.
std::map<std::string, std::string> saves_of(const Facts& facts);

// BGSAVE; Error{busy} while another one runs. `note` has the words and what INFO showed when it was planned.
model::Outcome begin_save(Call& call, const net::RespServer& server, Note note);
// Was it taken although its answer was lost?
std::optional<model::Outcome> save_taken(Call& call, const net::RespServer& server, const Note& note);
model::Seen observe_save(Call& call, const net::RespServer& server, const Note& note);
// A save under way, the newest good one, and a newer one that failed.
std::vector<model::Found> list_saves(Call& call, const net::RespServer& server);

}  // namespace vbackup::driver::dragonfly
