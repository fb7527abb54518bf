// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "driver/increments.hpp"
#include "driver/qdrant/fixed.hpp"

namespace vbackup::driver::qdrant {

// Opens a file's bytes from an offset on.
using OpenAt = std::function<std::unique_ptr<io::Source>(std::uint64_t offset)>;

// What a kept snapshot of a shard has that cannot change: a stored one (segments as tars of their own in it) or a partial one, which
// tells also of what it left out. Reads headers and manifests, and steps over the rest. Error{corrupt} for no such snapshot.
Inventory inventory_in(Call& call, const OpenAt& open);

// Passes a partial snapshot on byte for byte and checks what it is: at its end throws Error{corrupt} unless every file that its
// manifests list is in it or in `left_out`, in that version; Error{unreachable} when it ends before its end, as the server's stream
// may without saying so (contracts.md Q.9 no. 5). `at_end` is called once all is well, before the last read returns.
std::unique_ptr<io::Source> checked_partial(std::unique_ptr<io::Source> source, Inventory left_out,
                                            std::function<void()> at_end);

// A whole snapshot of a shard out of a partial one and those below it, as Increments::whole: the partial one without its
// manifests, then what it left out, from the nearest layer that has it. Error{corrupt} when something is in none.
std::unique_ptr<io::Source> merged(const std::vector<Layer>& layers);

}  // namespace vbackup::driver::qdrant
