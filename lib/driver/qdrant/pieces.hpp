// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "driver/qdrant/nodes.hpp"
#include "driver/qdrant/options.hpp"
#include "model/request.hpp"

namespace vbackup::driver::qdrant {

// One snapshot of the backup, kept or left with the server.
struct Piece {
    Place place;
    std::string file;  // in the backup, empty for a snapshot that only the server knows
    std::string server_name;
    std::string sha256;
    bool kept = false;
};

// All snapshots of a backup; of one that vbackup did not make, what its list told.
std::vector<Piece> pieces_of(const model::Manifest& manifest);

// Has that node's snapshot of a collection the shard in it? What is not Active on a node may be half of it.
bool holds(const Piece& piece, const Shard& shard);

// Where the server is to read the snapshots of one collection; `collections` is how many are restored at once.
// Error{usage} or Error{refused} for options that do not fit them.
From from_for(const model::Request& request, const std::vector<Piece>& pieces, std::size_t collections);

// Throws Error{usage} for a url that must not be written down, or that no Qdrant reads. Nothing is asked of a server, and no
// part of a refused URL is repeated.
void require_plain_url(const std::string& url);

// Throws Error{not_found} when the server does not list a snapshot that was left with it, Error{corrupt} when it lists
// another checksum than the backup has. The collection that made it must be there: without it nothing is listed.
void require_listed(Call& call, Nodes& nodes, const Piece& piece);

// Always throws: Qdrant reads a storage snapshot at its start only, with the command that the hint tells.
[[noreturn]] void throw_start_command(const model::Request& request, const Piece& piece);

}  // namespace vbackup::driver::qdrant
