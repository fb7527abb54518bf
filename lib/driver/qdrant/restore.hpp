// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/secret.hpp"
#include "driver/driver.hpp"
#include "driver/qdrant/snapshots.hpp"

namespace vbackup::driver::qdrant {

// The steps that put a backup back: make room, make the collection with its shard keys and payload indexes, put each
// snapshot in, wait until the shards are settled, set the aliases. Refuses everything that can be known before.
model::Plan plan_restore(Call& call, const Client& client, const model::Request& request);

// The new name of a collection, or its old one.
std::string renamed(const model::Renames& renames, const std::string& name);

// Sends the one change of a restore step. `key` is the target's own, for a server that reads a snapshot from itself.
model::Outcome run_restore_step(Call& call, const Client& client, const Secret& key, const model::Step& step,
                                io::Source* source);
std::optional<model::Outcome> restore_step_done(Call& call, const Client& client, const model::Step& step);
// A recovery that outlived its request.
model::Seen observe_recovery(Call& call, const Client& client, Memory& memory, const Note& note);
model::Seen settled(Call& call, const Client& client, const Note& note);

model::Proof prove(Call& call, const Client& client, const model::Manifest& manifest, const model::Request& request);

}  // namespace vbackup::driver::qdrant
