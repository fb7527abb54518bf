// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/dragonfly/census.hpp"
#include "driver/dragonfly/note.hpp"
#include "driver/driver.hpp"

namespace vbackup::driver::dragonfly {

// What the files of a kept backup hold, by the counts its create noted. Empty when it noted none.
std::optional<io::KeySummary> counted(const model::Manifest& manifest);

model::Proof prove(Call& call, const net::RespServer& seed, const model::Manifest& manifest,
                   const model::Request& request);

// Throws Error{corrupt} when a server that nobody wrote to gave fewer keys than it had. `note` is that of the count step.
void require_all_read(const Note& note, const Facts& now, const io::KeySummary& read);

}  // namespace vbackup::driver::dragonfly
