// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/dragonfly/census.hpp"
#include "driver/dragonfly/note.hpp"
#include "driver/driver.hpp"

namespace vbackup::driver::dragonfly {

// Of the keys of a database, how many had an expiry when a backup that is left with the server was made.
std::uint64_t expires_of(const model::CollectionEntry& entry);

// What the files of a kept backup hold, by the counts its create noted. Empty when it noted none.
std::optional<io::KeySummary> counted(const model::Manifest& manifest);

model::Proof prove(Call& call, const net::RespServer& seed, const model::Manifest& manifest,
                   const model::Request& request);

// Throws Error{corrupt} when a server gave fewer keys without expiry than it must have had all the time, by what it held before
// and after and by how many changes it counted; or when it was started anew and came back with less than half of its keys, or of
// those without expiry: else that is a warning. Where it counted its changes anew, less than half of many keys is an error, and the
// rest a warning. `note` is that of the count step.
void require_all_read(Call& call, const Note& note, const Facts& now, const io::KeySummary& read);

}  // namespace vbackup::driver::dragonfly
