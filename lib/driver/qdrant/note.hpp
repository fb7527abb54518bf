// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/json.hpp"
#include "model/plan.hpp"

namespace vbackup::driver::qdrant {

// What one snapshot holds: -o unit.
enum class Unit : std::uint8_t { shard, collection, storage };
std::string_view word(Unit unit);
std::optional<Unit> parse_unit(std::string_view word);

// Where a node keeps snapshots of one thing: a shard, a collection, or the whole storage.
struct Place {
    Unit unit = Unit::shard;
    std::string collection = {};  // empty for storage
    std::string shard = {};       // for shards: the id as digits
    std::string node = {};  // the peer that keeps them; empty for a Qdrant without consensus, or where any will do

    // "/collections/docs/shards/0/snapshots", names percent-encoded; the same on every node.
    std::string path() const;
    // The same with the node before it, to tell places apart.
    std::string on_node() const { return node + path(); }
    // "shard 0 of collection docs"
    std::string text() const;
    model::Part part() const;
    // Is that the name the server gives to a snapshot of this place? Uploaded and hand-copied files have other names; with
    // S3 the list of a collection shows the snapshots of its shards too.
    bool owns(std::string_view name) const;
    bool operator==(const Place&) const = default;
};

// The driver's own facts, carried in the `details` of steps, jobs and files. Which are set depends on `action`.
struct Note {
    std::string action;               // of a step or job: see the constants below
    Place place;                      // of the snapshot, or of the shard or collection it is put back into
    std::string name;                 // snapshot, payload field, or name of an uploaded file
    std::vector<std::string> before;  // snapshots listed before the server was asked for a new one
    bool several = false;             // more than one new snapshot appeared: not certain whose they are
    model::JsonText body;             // request body, prepared by the plan
    model::JsonText key;              // shard key as JSON: "\"eu\"" or "7"; empty without one
    std::uint32_t rank = 0;           // which of the shards of that key, counted by id
    std::uint32_t shards = 0;         // how many shards the collection must have once settled
    std::uint32_t replicas = 0;       // how many replicas each of them must have then; 0: whatever it has
    std::string sha256;               // of the file that is sent
    std::string base;                 // of a partial snapshot: the backup that has what it leaves out
    std::string source;               // the node whose own snapshot is read; empty: none, or the one it is put back on
    std::optional<std::uint64_t> points;  // exact count that must be there afterwards
    bool operator==(const Note&) const = default;
};

namespace action {
inline constexpr std::string_view snapshot = "snapshot", partial = "partial", forget = "forget", drop = "drop",
                                  collection = "collection", params = "params", key = "key", index = "index",
                                  upload = "upload", recover = "recover", settle = "settle", gone = "gone",
                                  check = "check", aliases = "aliases", strict = "strict";
}

model::JsonText render(const Note& note);
// Throws Error{corrupt} for text that no driver of ours wrote.
Note parse_note(const model::JsonText& text);

// A collection's name as one part of a file's name: never a path. What file systems do not take is the store's to encode.
std::string safe_name(const std::string& collection);
// "data/docs/shard-0.snapshot", "data/docs.snapshot", with nodes "data/docs/node-12.snapshot"
std::string file_name(const Place& place);

}  // namespace vbackup::driver::qdrant
