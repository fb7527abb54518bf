// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "backup/story.hpp"

namespace vbackup::backup {

// A pinned backup stays until it is unpinned: prune never removes it, nor what it builds on, and delete only when told so. The pin is a
// file of its own beside the manifest, "<id>/pinned", which holds the time; the manifest stays as it was proven.

bool is_pinned(store::Catalog& home, const std::string& id);
// Pins or unpins, holding the id's lock; false when it was so already. Error{not_found} when there is no backup of that id,
// Error{busy} while another run works on it.
bool set_pinned(store::Catalog& home, const std::string& id, bool pinned, Moment now, bool dry_run);
// The same wherever the stage knows the backup from: its store, or the journal for one left with the server.
bool set_pinned(Call& call, const Stage& stage, const std::string& id, bool pinned, bool dry_run);
// Error{refused} for a pinned one.
void require_unpinned(store::Catalog& home, const std::string& id);

}  // namespace vbackup::backup
