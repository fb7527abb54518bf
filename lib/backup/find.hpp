// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "backup/story.hpp"

namespace vbackup::backup {

// What is known of one id, looked for in the store, then the journal, then at the server.
struct Known {
    store::Catalog* home = nullptr;  // where manifest or intent lies; null for one that only the server knows
    std::optional<model::Manifest> manifest;
    std::optional<model::Intent> intent;
    std::optional<model::Found> found;  // from the server
};

// Looks in store and journal only. A manifest of another target is found in a store (a backup may be restored anywhere), not
// in the journal.
Known find_at_home(const Stage& stage, const std::string& id);
// Also asks the server, for backups that vbackup did not make. Throws Error{not_found}, naming what was searched.
Known require_known(Call& call, const Stage& stage, const std::string& id, const model::Options& options);

// Our id for a backup that only has the server's name: what is not allowed in an id becomes a hyphen.
std::string id_from_name(const std::string& name);
// The name under which an unfinished restore of a backup lies in the journal.
std::string restore_key(const std::string& id);
// Has nothing of it been sent yet?
bool is_untouched(const model::Intent& intent);
// Did the server take something that it has not been seen to end?
bool is_at_work(const model::Intent& intent);
// Is the rest of it still to be sent, should the same wish come again?
bool is_young(const Call& call, const model::Intent& intent);
// Is it gone on with: young, or nothing left but to wait for what the server took?
bool is_resumable(const Call& call, const Stage& stage, const model::Intent& intent);
// The same target as the one the manifest was made from?
bool is_of(const model::Manifest& manifest, const Target& target);
bool is_of(const model::Intent& intent, const Target& target);

// How the note of a step begins whose job the server shows as cancelled.
inline constexpr std::string_view was_cancelled = "the job was cancelled";
model::Found describe(const model::Manifest& manifest, const std::string& where);
// What an intent looks like without asking the server: running, or failed when a step ended badly.
model::Found describe(const model::Intent& intent, const std::string& where);

// What is left to do once all steps of a create have ended well: counts after, proof, commit, tidy. The executor's errors
// pass through.
Result finish_create(Call& call, const Stage& stage, store::Catalog& home, model::Intent& intent, bool wait);
// The same for a restore: proof, then the intent goes.
Result finish_restore(Call& call, const Stage& stage, model::Intent& intent, bool wait);

// Held while something is changed at the target: two runs at once end with Error{busy}.
std::shared_ptr<void> lock_target(const Stage& stage);
// The same for all other addresses at which a cluster can be reached, held besides: a run through another of its nodes is
// busy too.
using Locks = std::vector<std::shared_ptr<void>>;
Locks lock_nodes(const Stage& stage, const std::vector<model::Node>& nodes);
// The same for what goes on already: while the target is away, its nodes are not known, and none is locked.
Locks lock_nodes_as_seen(Call& call, const Stage& stage);
// The backup that a restore is made from, so that nobody removes it meanwhile; nothing for one that is not kept here.
std::shared_ptr<void> lock_source(const Stage& stage, const model::Intent& restore);
// Where the target stands: all of it, nothing counted.
model::Inspection look_around(Call& call, const Stage& stage);
// The steps that have not ended yet.
model::Plan rest_of(const model::Intent& intent);
// Throws Error{refused} when a step destroys data and the person did not agree.
void require_consent(const Confirm& confirm, const model::Plan& plan);
// Exactly the collections that a manifest names, for the counts after.
model::Scope scope_of(const model::Manifest& manifest);

}  // namespace vbackup::backup
