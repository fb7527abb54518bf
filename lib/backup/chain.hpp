// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "backup/find.hpp"
#include "driver/increments.hpp"

namespace vbackup::backup {

// Increments build on earlier backups of the same store: File::base names one, where the file of the same name is meant.

// The backup that the next increment builds on: the newest good one of that target and of some of those collections in
// `home`. Empty where there is none, or where `most` increments in a row stand on the last whole one. A backup that cannot be
// read, or whose own base is gone, is passed over with a warning.
std::optional<model::Manifest> next_base(Call& call, store::Catalog& home, const Target& target,
                                         const std::vector<model::Collection>& collections, std::size_t most);

// Throws Error{unsupported} when the database makes no increments, Error{usage} when there is no store for them.
driver::Increments& require_increments(const Stage& stage, bool keep);

// The file and all that it builds on, the nearest first; the last one is whole. Error{corrupt} when a part of the chain is not
// in `home`. `home` outlives the layers.
std::vector<driver::Layer> layers_of(store::Catalog& home, const std::string& id, const model::File& file);

// Throws Error{refused} when a backup that this one builds on is gone from `home`.
void require_bases(store::Catalog& home, const model::Manifest& manifest);
// Keeps them from being removed as long as it is held; those that somebody else holds are left to him.
Locks lock_bases(store::Catalog& home, const model::Manifest& manifest);

}  // namespace vbackup::backup
