// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "driver/increments.hpp"
#include "driver/qdrant/snapshots.hpp"

namespace vbackup::driver::qdrant {

// Backups of shards by the server's partial snapshots. What is left out of one are files that cannot change (fixed.hpp), so
// that an increment is right whatever happened to server, replica or collection since its base.

model::Plan plan_increment(Call& call, Nodes& nodes, const model::Request& request, const Base& base);

// What a partial snapshot of that note will be. Nothing of it lies with the server: it is made while it is read.
Driver::Files partial_files(const Note& note);
// Has it made, anew with each call: it always begins at 0.
std::unique_ptr<io::Source> open_partial(Call& call, Nodes& nodes, const model::File& file, bool zstd);

// Increments::run.
model::Outcome send_merged(Call& call, Nodes& nodes, const Secret& key, const model::Step& step, io::Source& source,
                           const io::Copied& measured);

}  // namespace vbackup::driver::qdrant
