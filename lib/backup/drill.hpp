// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "backup/story.hpp"

namespace vbackup::backup {

// Throws Error{unsupported} where the stage's driver cannot restore a collection beside everything else, with its reason.
void require_drills(const Stage& stage);

// Does a backup that is kept in stage.store come back? Each of its collections is restored into the stage's target under a scratch
// name, proven as a restore is, and removed again, also when that went wrong or was ended: one after another, so that there
// must be room for the largest. No alias is set, nothing that was there before is touched: a scratch name that is taken is
// Error{conflict} before anything is done, unless a killed drill of this backup left it within a day, which is removed first.
// What differs is a finding of the proof; what kept it from being seen is thrown as `restore` does, as is a scratch collection
// that could not be removed, which is then named.
model::Proof drill(Call& call, const Stage& stage, const std::string& id, const model::Options& options);

}  // namespace vbackup::backup
