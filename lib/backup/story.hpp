// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backup/keep.hpp"
#include "base/call.hpp"
#include "base/secret.hpp"
#include "driver/driver.hpp"
#include "job/wait.hpp"
#include "model/found.hpp"
#include "model/manifest.hpp"
#include "model/request.hpp"
#include "store/catalog.hpp"

namespace vbackup::backup {

// The one database a story is about. The driver is already open.
struct Target {
    std::string name;  // of the configuration, or empty
    std::string url;   // without secrets: tells targets apart in journal and stores
    std::string driver_name;
    driver::Driver& driver;
};

// Asked once, before the first request that changes anything, when a step destroys data. False ends the story with
// Error{refused}.
using Confirm = std::function<bool(const model::Plan& plan)>;

// Where a secret goes that a server tells once. Both may throw Error{storage, conflict}.
struct SecretKeeper {
    std::function<void()> prepare;  // called before the request that brings it: can it be kept at all?
    std::function<void(const std::string& what, const Secret& secret)> keep;
};

// What every story is given. All references outlive it.
struct Stage {
    Target target;
    store::Catalog& journal;          // backups left with the server, and what is under way
    store::Catalog* store = nullptr;  // --to, --from or the target's configured store
    // Opens what lies at a location the server named, null when this machine does not reach it.
    std::function<std::unique_ptr<store::Store>(const std::string& url)> open_location;
    job::Limits limits;
    std::size_t parallel = 0;  // how many parts side by side; 0: as many as the nodes of the plan keep busy
    std::string vbackup_version;
    Confirm confirm;
    SecretKeeper secrets = {};  // empty functions: there is no place
    int compression = 0;        // zstd's level for files that are brought to the store; 0: as they are
};

// The driver's view of a location's small files, through the stage, which must outlive it.
driver::Peek peek_through(const Stage& stage);

// What a story did. Exactly one of the members says how it ended, besides `plan`.
struct Result {
    model::Plan plan;  // what was or (dry run) would be done
    bool dry_run = false;
    std::optional<model::Manifest> manifest;  // the backup it was about, proven
    std::optional<model::Found> under_way;    // --no-wait: taken by the server and read back
    model::Proof proof;
};

struct CreateOptions {
    std::string id;  // empty: made from target and time
    model::Scope scope;
    model::Options options;
    std::optional<Milliseconds>
        retention;  // for how long it is wanted; goes into the manifest, and to servers that prune
    std::string description;
    bool keep = false;            // bring the files to stage.store
    bool keep_on_server = false;  // do not tidy the server's copies afterwards
    // Leave out what the newest backup of the same target in the same store holds, as far as that is certain. After
    // `max_increments` of them in a row the next one is whole. Needs `keep`.
    bool incremental = false;
    std::size_t max_increments = 6;
    bool wait_settled = false;  // first wait until nothing is in the way of a backup
    bool wait = true;
    bool dry_run = false;
};

// look → refuse early → write the intent → make → wait → fetch each file with its digest → prove → commit → tidy.
// With the id of an unfinished create it finishes that one, when it asks for the same; Error{conflict} when a backup of
// that id exists. Without `wait` it returns once the server has taken the jobs and that was read back.
Result create(Call& call, const Stage& stage, const CreateOptions& options);

// Goes on with a create that was left under way, from this machine or another: waits, fetches, proves, commits.
// Error{not_found} when there is neither an intent nor a manifest of that id; a finished one is returned at once.
Result wait(Call& call, const Stage& stage, const std::string& id);

// Brings the files of a backup home to stage.store. `id` is ours or the server's own name. A rerun carries on.
Result download(Call& call, const Stage& stage, const std::string& id, const model::Options& options, bool dry_run);

struct RestoreOptions {
    std::string id;
    model::Scope scope;
    model::Options options;
    model::Renames renames;
    bool overwrite = false;
    bool switch_alias = false;
    bool wait = true;
    bool dry_run = false;
};

// find → refuse early → verify digests → plan's steps → settle → prove. A rerun after a kill goes on.
Result restore(Call& call, const Stage& stage, const RestoreOptions& options);

// Removes backups: manifest first, then the bytes wherever vbackup reaches them. Error{unsupported} before anything is
// changed when the bytes cannot be reached, Error{refused} for a pinned one unless `pinned_too`.
Result remove(Call& call, const Stage& stage, const std::string& id, const model::Options& options, bool dry_run,
              bool pinned_too = false);

// The same for a store alone, without a target: also what an unfinished create or download left there.
Result remove(store::Catalog& store, const std::string& id, const Confirm& confirm, bool dry_run,
              bool pinned_too = false);

struct PruneOptions {
    KeepRules rules;
    bool unmanaged = false;  // also what vbackup did not make
    bool unseen = false;     // also what was left with a server that does not show any more whether it is there
    model::Options options;
    std::set<std::string> needed = {};  // ids that a restore which has not ended needs: see needed_by_restores
    bool dry_run = false;
};

// The backups from which a restore noted in this journal, onto whatever target, has not ended.
std::set<std::string> needed_by_restores(const Call& call, store::Catalog& journal);

// What became of each backup, newest first.
struct Pruned {
    struct Item {
        model::Found found;
        Decision decision;
        std::optional<Error> error;  // it was to be removed, and that failed
    };
    std::vector<Item> items;
    bool dry_run = false;
};

// Lists, decides (backup/keep.hpp), asks once, and removes each as `remove` does. One that cannot be removed does not keep
// the others from it.
Pruned prune(Call& call, const Stage& stage, const PruneOptions& options);
// The same for a store alone, without a target.
Pruned prune(Call& call, store::Catalog& store, const Confirm& confirm, const PruneOptions& options);

// Ends a job under way and waits until the server shows it as cancelled.
Result cancel(Call& call, const Stage& stage, const std::string& id, const model::Options& options, bool dry_run);

// Which of a backup's files a verify reads: in the order of their names each `of`-th one, the `number`-th of such slices.
// The slices 1 to `of` together hold every file once.
struct Slice {
    std::size_t number = 1;
    std::size_t of = 1;
};

struct FileCheck {
    std::string name;
    std::string problem;  // empty: good
    std::uint64_t size = 0;
    bool read = true;  // false: not in the slice, so that it is there in its size is all that is known
};

struct Verification {
    model::Manifest manifest;
    std::vector<FileCheck> files;
    Slice slice = {};
    std::optional<model::Proof> structure = {};  // empty: it was not asked for
    bool good() const;  // at least one file, and all good, with its structure where that was asked for
};

// Size and SHA-256 of every file, read from the store or, for a backup left with the server, from there; archives are opened to
// their end. With `structure` also what the driver knows of how its backups are laid out (driver/structures.hpp): Error{unsupported}
// where it knows nothing. Never changes anything. Does not throw for a bad file: it is in the list.
Verification verify(Call& call, const Stage& stage, const std::string& id, const Slice& slice = {},
                    bool structure = false);
// The same for a store alone, without a target.
Verification verify(Call& call, store::Catalog& store, const std::string& id, std::size_t parallel,
                    const Slice& slice = {}, bool structure = false);

// All backups and jobs of the target: from the store, the journal and the server, each once, newest first.
std::vector<model::Found> list(Call& call, const Stage& stage, const model::Options& options);
// All backups and unfinished ones of a store.
std::vector<model::Found> list(Call& call, store::Catalog& store);

// What a list says it could not ask: Error{partial}. Empty when it is whole.
std::optional<Error> left_out(const std::vector<model::Found>& all);

// One backup or job, looked at now. A create under way whose jobs have all ended well is finished by it (as `wait` does)
// when nothing has to be fetched. Error{not_found} for none.
model::Found status(Call& call, const Stage& stage, const std::string& id, const model::Options& options);

// The schedules that the server keeps, by name. Error{unsupported} when it keeps none.
std::vector<model::Schedule> schedules(Call& call, const Stage& stage, const model::Options& options);

struct ScheduleResult {
    model::Plan plan;
    bool dry_run = false;
    std::vector<model::Schedule> schedules;  // what the server holds now
};

// Has the server hold this schedule, or forget the one of that name, and reads it back: Error{not_understood} when the
// server does not show what it took.
ScheduleResult set_schedule(Call& call, const Stage& stage, const model::Schedule& wish, const model::Options& options,
                            bool dry_run);
ScheduleResult remove_schedule(Call& call, const Stage& stage, const std::string& name, const model::Options& options,
                               bool dry_run);

// Names a new backup: "<target or product>-20261121t074700z"; lower case, [a-z0-9-]+.
std::string make_id(const Target& target, Moment now);
// Throws Error{usage} unless it is [a-z0-9-]+, at most 100 characters, and begins with a letter or digit.
void require_id(std::string_view id);

}  // namespace vbackup::backup
