// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/call.hpp"
#include "io/stream.hpp"
#include "model/manifest.hpp"
#include "store/catalog.hpp"

namespace vbackup::backup {

// Backups on their way from one place of ours to another. None of these asks a server anything.

// Writes one backup to `sink` as an archive: a tar of "<id>/<file>" for each file of the manifest and at last "<id>/manifest.json",
// compressed with zstd on a thread for each core, 16 at most, and sealed (io/sealed_zstd.hpp). Finishes the sink. What it builds on is not in it, which is a
// warning. Digests are compared while reading. Error{not_found} for none, Error{refused} for one left with a server,
// Error{corrupt} for a file that is not what the manifest says; the sink is not finished then.
model::Manifest export_backup(Call& call, store::Catalog& from, const std::string& id, io::Sink& sink);

// Reads such an archive to its end and commits its backup: the manifest last, and only when every file had the size and
// the digest that it says, nothing was missing and nothing else was in it. With `dry_run` it only reads. Error{conflict} when the
// store has a backup of that id or something unfinished that is no import, Error{corrupt} for any other archive, Error{refused} when the store
// lacks what the backup builds on. What an import left that was killed or failed is removed.
model::Manifest import_backup(Call& call, store::Catalog& to, io::Source& archive, bool dry_run);

// One backup of a copy.
struct Copied {
    std::string id;
    model::Manifest manifest;
    bool there = false;  // the same backup was there already
};

// Copies a backup and, before it, what it builds on, so far as that is not there. Each file's digest is compared, the manifest
// comes last; what a killed run brought is carried on. In the order of copying. Error{not_found, refused, corrupt} as
// export_backup; Error{conflict} when another backup has its id.
std::vector<Copied> copy_backup(Call& call, store::Catalog& from, store::Catalog& to, const std::string& id,
                                std::size_t parallel, bool dry_run);

}  // namespace vbackup::backup
