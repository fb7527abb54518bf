// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "model/json.hpp"

namespace vbackup::driver::qdrant {

// Files of segments that can never change. The optimizer builds a segment as a whole under a random id, and writes its dense
// vectors, their quantized form and the links of their graph once (source of 1.19.0: SegmentBuilder; immutable_files of the dense
// vector storage and of the graph). So an id and a path tell what is in the file, on whatever node, after whatever restart,
// transfer or restore. Nothing else is certain: versions in the server's manifest are numbers of one replica's log, which a
// restore winds back, and a snapshot made while points are deleted may claim a version whose deletes it does not hold yet
// (seen). A sparse vector's index may be made anew in its place (create_sparse_vector); files of payload indexes may change
// without a new version (the manifest calls their deleted.bin immutable).

// Paths below a segment's folder, with the version at which the segment was built: what the server calls their version.
using Fixed = std::map<std::string, std::uint64_t>;
// By the segment's id.
using Inventory = std::map<std::string, Fixed>;

// The name of a file in a snapshot: "segments/ID/files/PATH". Empty parts for anything else.
struct SegmentFile {
    std::string segment, path;
};
SegmentFile segment_file(std::string_view name);

// Is it that kind of file? True only of those that have the vectors themselves beside them, as `files` tells; those that take
// inserts have not.
bool is_fixed(const std::string& path, const std::map<std::string, std::uint64_t>& files);

// What a manifest of segments lists, as partial snapshots have it and `…/snapshot/partial/manifest` answers in `result`: what
// cannot change, of segments that an optimizer built. Throws Error{not_understood} for what is no such manifest.
Inventory fixed_of(const model::JsonText& manifest);
// The same of one segment's own file. `files`, if given, gets all paths that it lists.
Fixed fixed_of_segment(const model::JsonText& manifest, std::map<std::string, std::uint64_t>* files = nullptr);
// What both have, in the same version.
Inventory common(const Inventory& a, const Inventory& b);

// The manifest that makes the server leave out just these files: what it does not list is sent (updated_files in the server's
// segment/snapshot.rs), and so is what has another version by then. And back.
model::JsonText render_inventory(const Inventory& inventory);
Inventory parse_inventory(const model::JsonText& text);

inline constexpr std::string_view segment_manifest_name = "segment_manifest.json";

}  // namespace vbackup::driver::qdrant
