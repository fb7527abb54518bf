// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/driver.hpp"
#include "driver/qdrant/memory.hpp"
#include "driver/qdrant/nodes.hpp"
#include "driver/qdrant/note.hpp"
#include "model/found.hpp"
#include "model/request.hpp"

namespace vbackup::driver::qdrant {

// Making, finding, reading and deleting snapshots. A snapshot lies on the node that made it, which its Place names.

// Each shard once, from one Active replica, so that the nodes share the work; or of each collection one snapshot on each
// node that has shards of it; or the whole storage of a single node. `wanted` names a node for some of the files, taken where
// its replica is Active.
model::Plan plan_create(Call& call, Nodes& nodes, const model::Request& request,
                        const std::map<std::string, std::string>& wanted = {});
model::Plan plan_download(const model::Request& request);
model::Plan plan_remove(const model::Request& request);
// Those of all nodes; for one that is not reached an entry without a name.
std::vector<model::Found> list(Call& call, Nodes& nodes);

// Steps of the actions snapshot and forget.
model::Outcome make_snapshot(Call& call, Nodes& nodes, Memory& memory, const Note& note);
// Whether the server took a request for it whose answer was lost: its file is there, or more is being made than is known of.
std::optional<model::Outcome> snapshot_taken(Call& call, Nodes& nodes, Memory& memory, const Note& note);
model::Outcome forget(Call& call, Nodes& nodes, const Memory& memory, const model::Step& step);
bool is_forgotten(Call& call, Nodes& nodes, const Memory& memory, const model::Step& step);

model::Seen observe_snapshot(Call& call, Nodes& nodes, Memory& memory, const Note& note);
Driver::Files files(Call& call, Nodes& nodes, Memory& memory, const Note& note);
// `zstd`: the server may compress the bytes on the way.
std::unique_ptr<io::Source> open(Call& call, Nodes& nodes, Memory& memory, const model::File& file,
                                 std::uint64_t offset, bool zstd);

// A step that deletes one snapshot file of the server by its name.
model::Step forget_step(const Place& place, const std::string& name);

// Why a snapshot of that place would not be whole now; empty when it would. A replica that is still being filled is packed
// without a word (seen on 1.19.0: half of the points under a 200). A Qdrant without consensus has no such states.
std::string what_is_missing(Call& call, const Client& client, const Place& place);

// What the files of this room share.
std::string step_name(std::string_view action, const Place& place);
model::JobRef job_of(const Note& note);
std::string path_of(const Place& place, const std::string& name);
// The list of a place that may have gone away meanwhile.
std::optional<std::vector<Snapshot>> list_of(Call& call, const Client& client, const Place& place, Repeat repeat);
// The snapshots of that place which were not there before, oldest first. Names end in the second they were begun.
std::vector<Snapshot> new_ones(const Note& note, std::vector<Snapshot> listed);

}  // namespace vbackup::driver::qdrant
