// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "model/plan.hpp"
#include "model/topology.hpp"

namespace vbackup::model {

// What is inside a file, as far as `verify` can open it to its end.
enum class Format : std::uint8_t { unknown, tar, weaviate_chunk, json, keys };
std::string_view word(Format format);
std::optional<Format> parse_format(std::string_view word);  // empty for a word that nobody knows

// One file of a backup. While it is only known to the server, `name` is where it will lie and `sha256` is the server's
// word, if it gave one.
struct File {
    std::string name;  // below STORE/<id>/: "data/Article/shard-0.snapshot"
    Part part;
    std::string server_name;            // as the server calls it
    std::optional<std::uint64_t> size;  // bytes; always known once kept
    std::string sha256;                 // lower-case hex; always known once kept
    std::string server_sha256;          // what the server said, empty when it said nothing
    Format format = Format::unknown;
    std::string packing;  // how the bytes lie in our store: empty for as they are, "zstd" for frames (io/frames.hpp)
    std::optional<std::uint64_t> stored_size;  // bytes that a packed one takes there
    std::string stored_sha256;                 // of these
    std::string base;                          // id of the backup this file builds on, for increments
    bool kept = false;                         // true: the bytes lie in our store
    JsonText details;                          // the driver's own
};

struct CollectionEntry {
    Collection before;  // as it was right before the backup; `count` is exact when present
    std::optional<std::uint64_t> count_after;
    JsonText details_after;  // what `before.details` said right after the backup, where that differed; else empty
    // Equal counts before and after are proven at restore by equality; otherwise by bounds.
    bool quiet() const { return before.count && count_after && *before.count == *count_after; }
};

// A backup at rest: format version 1, its JSON Schema is lib/model/manifest.schema.json. Written last, deleted first.
struct Manifest {
    std::string id;
    Moment created{};    // when the create began
    Moment completed{};  // when it was proven
    std::string vbackup_version;
    std::string driver;      // "qdrant"
    std::string target;      // the configuration's name of it, or empty
    std::string target_url;  // without secrets
    std::string product;
    std::string server_version;
    std::string unit;  // Qdrant's shard, collection, storage; otherwise empty
    std::vector<Node> nodes;
    std::vector<CollectionEntry> collections;
    std::vector<File> files;
    std::vector<std::string> bases;         // ids of earlier backups that it cannot be restored without
    std::vector<JobRef> jobs;               // of the create, so that what stays with the server can be found
    std::string location;                   // where the server keeps it, for people; empty when only we do
    bool kept = false;                      // the bytes lie in this store
    std::string state = "complete";         // "complete"; "unproven" for one that vbackup took over without counts
    std::vector<std::string> notes;         // what it does not cover: skipped tenants, writes that went on
    std::optional<Milliseconds> retention;  // how long after `created` it is wanted; empty: not said
    std::string description;                // what a person said about it
    JsonText driver_data;                   // the driver's own

    std::uint64_t size() const;  // sum of the known sizes in bytes; stays at the largest number, never overflows
};

// True for a name that stays below the folder it is put into and is no file of vbackup's own there: relative, each part
// between slashes neither empty nor "." nor "..", without control characters and backslashes, not manifest.json or intent.json.
bool is_safe_file_name(std::string_view name);

// Times are kept in whole seconds. `parse_manifest` throws Error{corrupt} for text that is cut short or no manifest (a
// wrong type, a missing field, an unsafe or repeated file name, a kept file without size or SHA-256), naming the field;
// Error{refused} for a newer format than this program reads. Unknown fields are not kept. `render` throws
// Error{not_understood} when a text is not UTF-8 or a JsonText is no JSON.
std::string render(const Manifest& manifest);
Manifest parse_manifest(std::string_view text);

// A change that has begun: written before the first request that changes anything, so that another run can find what a
// lost answer or a kill left behind. Removed when the manifest is committed or the change was proven.
struct StepRecord {
    std::string step;
    bool sent = false;  // the request went out; its answer may be lost
    bool done = false;
    std::string failed;  // how it ended, when it ended badly; it is sent anew in a rerun
    std::optional<JobRef> job;
};

struct Intent {
    std::string id;
    std::string verb;  // "create", "download", "restore"
    Moment begun{};
    Plan plan;
    std::vector<StepRecord> records;
    Manifest draft;          // create: all that is known before; restore: a copy of the backup's manifest
    JsonText request;        // what was asked (model::summary), to tell a rerun from a new wish
    std::string target_url;  // of the target that is changed, which need not be the backup's own
};

std::string render(const Intent& intent);
Intent parse_intent(std::string_view text);

}  // namespace vbackup::model
