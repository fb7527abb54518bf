// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/manifest.hpp"
#include "store/catalog.hpp"

namespace vbackup::backup {

// What export, import and copy ask of a backup before they pass it on.

struct Transferable {
    std::string text;  // the manifest as it is written, which is passed on unchanged
    model::Manifest manifest;
};

// Error{not_found} for none, Error{refused} when it is not finished or its bytes are not in the store.
Transferable require_transferable(store::Catalog& from, const std::string& id);
// Error{refused} when its bytes, or those of one of its files, are left with a server; `where` is for people.
void require_kept(const model::Manifest& manifest, const std::string& where);
// Error{conflict} when `to` has a backup of that id, or something unfinished that is not of this verb.
void require_free_id(store::Catalog& to, const std::string& id, std::string_view verb);
// Ids of what it cannot be restored without, each once.
std::vector<std::string> bases_of(const model::Manifest& manifest);

}  // namespace vbackup::backup
