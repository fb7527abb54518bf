// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "driver/driver.hpp"
#include "driver/qdrant/snapshots.hpp"

namespace vbackup::driver::qdrant {

// The steps that put a backup back (steps.hpp). Refuses everything that can be known before.
model::Plan plan_restore(Call& call, Nodes& nodes, const model::Request& request);

// The new name of a collection, or its old one.
std::string renamed(const model::Renames& renames, const std::string& name);

// Throws Error{denied} when the key may not restore. Changes nothing. Returns the directory that the node reads snapshots
// from, empty where it does not tell.
std::string require_may_restore(Call& call, const Client& client, const std::string& collection);

// Sends the one change of a restore step. `key` is the target's own, for a server that reads a snapshot from itself.
model::Outcome run_restore_step(Call& call, Nodes& nodes, const Secret& key, const model::Step& step,
                                io::Source* source);
// Asks every node that can be reached, as one may lag behind what was agreed on.
std::optional<model::Outcome> restore_step_done(Call& call, Nodes& nodes, const model::Step& step);
// A recovery that outlived its request.
model::Seen observe_recovery(Call& call, Nodes& nodes, Memory& memory, const Note& note);

// One look at what a step of kind `settle` waits for, by the word of every node. Right after an upload all nodes may say that
// all is well while other replicas are about to be marked dead (seen): in a cluster it succeeds only when two looks, two
// seconds apart, found the same.
model::Seen settled(Call& call, Nodes& nodes, Memory& memory, const model::Step& step);

model::Proof prove(Call& call, Nodes& nodes, const model::Manifest& manifest, const model::Request& request);

// The counts and points of a collection called `name` now, as one node gives them; `node` is its id for people, or empty.
std::vector<model::Finding> compare(Call& call, const Client& client, const model::CollectionEntry& entry,
                                    const std::string& name, const std::string& node);
// What `compare` needs of an entry, to be carried in a step.
model::JsonText render_entry(const model::CollectionEntry& entry);
model::CollectionEntry parse_entry(const model::JsonText& text);

}  // namespace vbackup::driver::qdrant
