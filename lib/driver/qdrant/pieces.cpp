// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/pieces.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/url.hpp"

namespace vbackup::driver::qdrant {

namespace {

// As a shell reads it back as one word.
std::string quoted(const std::string& path) {
    if (path.find_first_of(" \t'\"\\$`&;|<>()*?") == std::string::npos) return path;
    std::string text = "'";
    for (const char c : path) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

[[noreturn]] void throw_not_listed(const Piece& piece) {
    throw Error(
        ErrorKind::not_found,
        fmt::format("the server has no snapshot {} of {}", one_line(piece.server_name, 200), piece.place.text()),
        "it was deleted, or it lies on another node; nothing was changed");
}

}  // namespace

std::vector<Piece> pieces_of(const model::Manifest& manifest) {
    std::vector<Piece> pieces;
    for (const auto& file : manifest.files) {
        pieces.push_back({parse_note(file.details).place, file.name, file.server_name,
                          file.sha256.empty() ? file.server_sha256 : file.sha256, file.kept});
    }
    if (!pieces.empty()) return pieces;
    for (const auto& job : manifest.jobs) {
        const auto note = parse_note(job.details);
        pieces.push_back({note.place, "", note.name.empty() ? job.name : note.name, note.sha256, false});
    }
    return pieces;
}

bool holds(const Piece& piece, const Shard& shard) {
    const auto is_there = [&](const Replica& replica) {
        return replica.state == "Active" && replica.peer == piece.place.node;
    };
    return piece.place.node.empty() || std::any_of(shard.replicas.begin(), shard.replicas.end(), is_there);
}

From from_for(const model::Request& request, const std::vector<Piece>& pieces, std::size_t collections) {
    const bool kept = std::all_of(pieces.begin(), pieces.end(), [](const auto& piece) { return piece.kept; });
    const auto asked = from_of(request.options);
    const bool by_url = !url_of(request.options).empty();
    if (by_url && asked == From::upload)
        throw Error(ErrorKind::usage, "from=upload sends vbackup's own bytes, so it reads no url",
                    "leave out -o url, or -o from");
    const auto from = by_url ? From::url : asked.value_or(kept ? From::upload : From::server);
    const bool one_snapshot = pieces.size() == 1 && pieces.front().place.unit == Unit::collection && collections == 1;
    if (from == From::upload && !kept)
        throw Error(ErrorKind::refused, "the bytes of this backup lie with the server, not in a store",
                    "leave out -o from, or bring it home first with `vbackup download`");
    if (from == From::url && (!by_url || !one_snapshot))
        throw Error(
            ErrorKind::usage, "a url restores one collection from one collection snapshot",
            "give -o url=http(s)://… or file:///… and one --collection; a shard's snapshot goes in with from=upload");
    return from;
}

void require_plain_url(const std::string& url) {
    if (url.empty() || (url.starts_with("file:///") && url.size() > 8)) return;
    // The journal and the server's log keep the URL: what a query may hold, such as a signature, must not get there.
    if (url.find('?') != std::string::npos)
        throw Error(ErrorKind::usage, "-o url takes no query: a signature in it would be written down",
                    "restore it from its store instead: --from STORE");
    const auto parsed = parse_url(url);
    if (parsed.scheme != "http" && parsed.scheme != "https")
        throw Error(ErrorKind::usage, fmt::format("Qdrant reads no {} URL", one_line(parsed.scheme, 40)),
                    "give -o url=http(s)://… or file:///…, or restore from a store: --from STORE");
}

void require_listed(Call& call, Nodes& nodes, const Piece& piece) {
    std::vector<Snapshot> listed;
    try {
        listed = nodes.at(call, piece.place.node).snapshots(call, piece.place);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_found) throw_not_listed(piece);
        throw;
    }
    const auto found =
        std::find_if(listed.begin(), listed.end(), [&](const auto& one) { return one.name == piece.server_name; });
    if (found == listed.end()) throw_not_listed(piece);
    if (!found->checksum.empty() && !piece.sha256.empty() && found->checksum != piece.sha256)
        throw Error(ErrorKind::corrupt,
                    fmt::format("snapshot {} of {} has another checksum than the backup",
                                one_line(piece.server_name, 200), piece.place.text()),
                    "it was damaged or replaced at the server; nothing was changed");
}

[[noreturn]] void throw_start_command(const model::Request& request, const Piece& piece) {
    const auto file = piece.kept ? fmt::format("{}/{}", request.kept_at, piece.file)
                                 : fmt::format("SNAPSHOTS_DIRECTORY/{}", piece.server_name);
    throw Error(
        ErrorKind::unsupported, "Qdrant restores a storage snapshot at its start only",
        fmt::format(
            "stop the server, empty its storage directory and start it once with: qdrant --storage-snapshot {0} "
            "(add --force-snapshot to replace collections that exist); single collections out of it: tar -xf {0}, then "
            "qdrant --snapshot PATH:NAME for each",
            quoted(file)));
}

}  // namespace vbackup::driver::qdrant
