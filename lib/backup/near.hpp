// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backup/story.hpp"

namespace vbackup::backup {

// Help for a person who was told that there is no backup of that id. None of these throws, nor asks for more than one list
// of one store: the error that they stand in is what counts.

// The hint: "did you mean X?" where one of `known` is near enough to be meant, else `otherwise`.
std::string hint_near(const std::string& id, std::span<const std::string> known, std::string otherwise);
// The same by what lies in a store.
std::string hint_near(store::Catalog& store, const std::string& id, std::string otherwise);
// The one that may be meant among `known` and what lies in the stage's store or, without one, what the journal has of this
// target.
std::optional<std::string> near_at_home(const Stage& stage, const std::string& id,
                                        const std::vector<std::string>& known);

}  // namespace vbackup::backup
