// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "io/digest.hpp"
#include "support/scripted_qdrant_node.hpp"
#include "support/scripted_qdrant_pack.hpp"

namespace vbackup::test::played {

namespace {

using json = nlohmann::ordered_json;
using namespace wire;

// Refusals of uploads, downloads and streams are plain text.
template <typename Check>
void in_plain_text(Check check) {
    try {
        check();
    } catch (const Refusal& refusal) {
        const auto body = json::parse(refusal.answer.body, nullptr, false);
        if (body.is_discarded()) throw;
        throw Refusal{as_text(refusal.answer.status, body.at("status").at("error").get<std::string>())};
    }
}

// One list of snapshots on a node.
struct Shelf {
    std::string owner;   // key in Node::stored
    std::string prefix;  // of the names that are given
    std::size_t depth;   // of a name in the path
    std::function<std::string()> pack;
};

// "docs-shard-0-2026-11-21-08-01-07.snapshot"
std::string name_now(const State& state, const std::string& prefix) {
    auto stamp = moment(state);
    std::replace_if(
        stamp.begin(), stamp.end(), [](char c) { return c == 'T' || c == ':'; }, '-');
    return prefix + stamp + ".snapshot";
}

Answer make(const Asked& asked, const Shelf& shelf) {
    const bool later = query(asked.request, "wait") == "false";
    if (asked.here().disk_full) {
        if (later) return accepted();
        return error(500, "Service internal error: No space left on device (os error 28)");
    }
    Stored one{.name = name_now(asked.state, shelf.prefix), .bytes = shelf.pack(), .checksum = {}};
    one.created = moment(asked.state);
    if (asked.state.second_lasts == 0) ++asked.state.second;
    if (!asked.state.s3) one.checksum = io::sha256(one.bytes);
    if (later) one.looks = asked.state.looks_until_made;
    auto& stored = asked.here().stored[shelf.owner];
    // Two snapshots begun in one second have one name, and are one file.
    std::erase_if(stored, [&](const auto& other) { return other.name == one.name; });
    stored.push_back(one);
    return later ? accepted() : good(described(one));
}

Answer give(const Asked& asked, const Stored& one) {
    auto answer = download(one, asked.request, asked.state.s3);
    auto& node = asked.here();
    if (node.dies_in_download) {
        answer.fault = Fault::cut_reset;
        answer.fault_at = std::min(*std::exchange(node.dies_in_download, std::nullopt), answer.body.size());
        node.alive = false;
    }
    return answer;
}

Answer one_of(const Asked& asked, const Shelf& shelf) {
    auto& stored = asked.here().stored[shelf.owner];
    const auto wanted = asked.at(shelf.depth);
    const auto found = std::find_if(stored.begin(), stored.end(), [&](const auto& one) { return one.name == wanted; });
    const auto none = fmt::format("Not found: Snapshot {} not found", wanted);
    if (asked.is("GET")) return found == stored.end() ? as_text(404, none) : give(asked, *found);
    if (!asked.is("DELETE")) return {.status = 404};
    if (found == stored.end()) return error(404, none);
    stored.erase(found);
    return good("true");
}

// Without waiting the rights are looked at, and the shard is, when the answer has gone: what is refused then is told nobody.
template <typename Check>
Answer list_or_make(const Asked& asked, const Shelf& shelf, Check check) {
    const bool waits = !asked.is("POST") || query(asked.request, "wait") != "false";
    try {
        check();
    } catch (const Refusal&) {
        if (waits) throw;
        return accepted();
    }
    if (asked.parts.size() > shelf.depth) return one_of(asked, shelf);
    if (asked.is("GET")) return good(listed(asked.here().stored[shelf.owner]));
    return asked.is("POST") ? make(asked, shelf) : Answer{.status = 404};
}

Stored take_upload(const Asked& asked) {
    in_plain_text([&] { asked.require_manage(); });
    if (asked.here().dies_in_upload) {
        asked.here().alive = false;
        throw Refusal{{.fault = Fault::reset}};
    }
    return uploaded(asked.request);
}

const Stored* find_file(Node& node, const std::string& shelf, const std::string& name) {
    auto& stored = node.stored[shelf];
    const auto found = std::find_if(stored.begin(), stored.end(), [&](const auto& one) { return one.name == name; });
    return found == stored.end() ? nullptr : &*found;
}

// Whatever it is a snapshot of.
const Stored* find_anywhere(Node& node, const std::string& name) {
    for (auto& [shelf, _] : node.stored) {
        if (const auto* file = find_file(node, shelf, name)) return file;
    }
    return nullptr;
}

// The bytes behind a location that a node is to recover from; any node of this cluster may be named by URL.
std::string fetched(const Asked& asked, const std::string& location, const std::string& owner) {
    const auto name = location.substr(location.rfind('/') + 1);
    const Stored* file = nullptr;
    if (location.starts_with("http")) {
        for (auto& node : asked.state.nodes) {
            if (node.alive && location.starts_with(node.rest + "/")) file = find_anywhere(node, name);
        }
        if (file == nullptr)
            throw Refusal{
                error(500, fmt::format("Service internal error: error sending request for url ({})", location))};
    } else if (location.starts_with("file://")) {
        const auto& folder = asked.state.snapshots_directory;
        if (!location.substr(7).starts_with(folder + "/"))
            throw Refusal{error(
                403,
                fmt::format("Forbidden: Snapshot file path must be inside the snapshots directory \"{}\"", folder))};
        file = find_anywhere(asked.here(), name);
    } else {
        file = find_file(asked.here(), owner, name);
    }
    if (file == nullptr) throw Refusal{error(404, fmt::format("Not found: Snapshot {} not found", name))};
    return file->bytes;
}

std::string recovered_from(const Asked& asked, const std::string& owner) {
    asked.require_manage();
    const auto body = json::parse(asked.request.body);
    const auto bytes = fetched(asked, body.at("location"), owner), has = io::sha256(bytes);
    if (body.contains("checksum") && body.at("checksum") != has)
        throw Refusal{error(400, fmt::format("Wrong input: Snapshot checksum mismatch: expected {}, got {}",
                                             body.at("checksum").get<std::string>(), has))};
    return bytes;
}

std::string priority(const Asked& asked) {
    auto word = query(asked.request, "priority");
    if (word.empty() && asked.is("PUT")) word = json::parse(asked.request.body).value("priority", "");
    return word.empty() ? "snapshot" : word;
}

Unpacked opened(const std::string& bytes) {
    auto found = unpack(bytes);
    if (!found)
        throw Refusal{
            error(500, "Service internal error: File IO error: Malformed tar archive, reached unknown entry")};
    return *found;
}

// A node of its own must find data of every shard.
void require_all_shards(const Asked& asked, const Unpacked& found) {
    if (asked.state.enabled || found.shards.size() >= found.listed) return;
    std::uint32_t missing = 0;
    while (found.shards.contains(missing)) ++missing;
    throw Refusal{
        error(500, fmt::format("Service internal error: Can't restore snapshot in local mode with missing data "
                               "at shard: /srv/test/qd1/node0/storage/tmp/col-{}-recovery-NcJyHh/{}",
                               asked.at(1), missing))};
}

// The collection that a snapshot is recovered into; one that is not there is made, with shards placed anew, and of a
// collection with shard keys without any.
void require_collection(const Asked& asked, const Unpacked& found) {
    auto config = json::parse(found.config);
    config.erase("shards");
    if (asked.exists()) {
        if (asked.state.at_once && asked.state.uploaded_new.contains(asked.name()))
            throw Refusal{error(409, fmt::format("Wrong input: Collection `{}` already exists!", asked.at(1)))};
        const auto params = json::parse(asked.collection().config).at("params");
        for (const auto* part : {"vectors", "shard_number"}) {
            if (params.value(part, json()) != config.at("params").value(part, json()))
                throw Refusal{error(400, "Wrong input: Snapshot is not compatible with existing collection")};
        }
        return;
    }
    const auto made = agreed(asked, [&](State& state) {
        create_collection(state, asked.name(), config.at("params").dump());
        state.collections[asked.name()].config = config.dump();
        state.collections[asked.name()].schema = found.schema;
        state.uploaded_new.insert(asked.name());
    });
    if (made.status != 200) throw Refusal{made};
}

void put_back_collection(const Asked& asked, const std::string& bytes) {
    const auto found = opened(bytes);
    if (found.config.empty())
        throw Refusal{
            error(500, fmt::format("Service internal error: File IO error: failed to open file "
                                   "`/srv/test/storage/tmp/col-{}-recovery-HQRpev/config.json`: No such file or "
                                   "directory (os error 2)",
                                   asked.at(1)))};
    require_all_shards(asked, found);
    // It takes longer than consensus does to agree on what came before.
    catch_up(asked.state);
    require_collection(asked, found);
    recover_collection(asked.state, asked.name(), asked.node, found.shards, priority(asked));
}

void put_back_shard(const Asked& asked, const Shard& shard, const std::string& bytes) {
    const auto found = opened(bytes);
    if (!found.config.empty() || found.shards.empty())
        throw Refusal{error(500, "Service internal error: Can't restore snapshot in local mode with missing data")};
    if (found.partial)
        throw Refusal{error(400,
                            "Wrong input: invalid shard snapshot: segment x contains segment manifest; ensure you are "
                            "not recovering partial snapshot on shard snapshot endpoint")};
    if (found.torn)
        throw Refusal{error(500, "Service internal error: Failed to open mmap vector storage: path not found")};
    const auto id = shard.id;
    recover_shard(asked.state, asked.name(), id, asked.node, found.shards.begin()->second, priority(asked));
    for (auto& one : asked.state.collections.at(asked.name()).shards) {
        // Segments keep their ids.
        if (one.id == id && found.built.contains(0)) one.replicas[asked.node].built = found.built.at(0);
    }
}

Answer done_or_accepted(const Asked& asked, const std::string& result) {
    return query(asked.request, "wait") == "false" ? accepted() : good(result);
}

const Shard& shard_of(const Asked& asked) {
    const auto& shards = asked.collection().shards;
    const auto found = std::find_if(shards.begin(), shards.end(),
                                    [&](const auto& shard) { return std::to_string(shard.id) == asked.at(3); });
    if (found == shards.end()) throw Refusal{error(404, fmt::format("Not found: shard {} not found", asked.at(3)))};
    return *found;
}

void require_local(const Asked& asked, const Shard& shard) {
    if (shard.replicas.contains(asked.node)) return;
    const bool lists = asked.is("GET") && asked.parts.size() == 5 && asked.at(4) == "snapshots";
    throw Refusal{error(
        400, fmt::format("Wrong input: Shard {} is not a local {}shard", shard.id, lists ? "" : "or queue proxy "))};
}

// The manifest takes a key that reads everything, and errors of the stream are plain text (seen).
Answer partial_manifest(const Asked& asked) {
    asked.require_global_read();
    require_local(asked, shard_of(asked));
    return good(manifest_of(shard_of(asked).replicas.at(asked.node)));
}

Answer stream(const Asked& asked) {
    in_plain_text([&] {
        asked.require(asked.at(1), true);
        require_local(asked, shard_of(asked));
    });
    const auto& replica = shard_of(asked).replicas.at(asked.node);
    auto bytes = asked.at(5) == "partial" ? pack_partial(replica, asked.request.body) : pack_shard(replica);
    if (asked.state.truncates_streams) bytes.resize(bytes.size() / 2);
    return {.body = bytes, .headers = {{"Content-Type", "application/octet-stream"}}, .chunked = true};
}

}  // namespace

Answer collection_snapshots(const Asked& asked) {
    if (asked.at(3) == "upload" && asked.is("POST")) {
        const auto file = take_upload(asked);
        put_back_collection(asked, file.bytes);
        asked.here().stored[asked.name()].push_back(file);
        return done_or_accepted(asked, "true");
    }
    if (asked.at(3) == "recover" && asked.is("PUT")) {
        put_back_collection(asked, recovered_from(asked, asked.name()));
        return done_or_accepted(asked, "true");
    }
    const auto name = asked.name();
    const Shelf shelf{.owner = name, .prefix = fmt::format("{}-{}-", name, asked.here().peer), .depth = 3, .pack = [&] {
                          return pack_collection(asked.collection(), asked.node);
                      }};
    const auto check = [&] {
        asked.require(asked.at(1), !asked.is("GET"));
        asked.collection();
    };
    if (asked.is("GET") && asked.parts.size() == 4) in_plain_text(check);
    return list_or_make(asked, shelf, check);
}

Answer shard_snapshots(const Asked& asked) {
    const bool partial = asked.at(4) == "snapshot" && asked.at(5) == "partial";
    if (partial && !asked.state.knows_partial) return {.status = 404};
    if (partial && asked.is("GET") && asked.at(6) == "manifest") return partial_manifest(asked);
    if (partial && !(asked.is("POST") && asked.at(6) == "create")) return {.status = 404};
    if (asked.at(4) == "snapshot") return stream(asked);
    if (asked.at(5) == "upload" && asked.is("POST")) {
        const auto& shard = shard_of(asked);
        put_back_shard(asked, shard, take_upload(asked).bytes);
        return done_or_accepted(asked, "null");
    }
    const auto owner = asked.name() + "/" + asked.at(3);
    if (asked.at(5) == "recover" && asked.is("PUT")) {
        const auto& shard = shard_of(asked);
        put_back_shard(asked, shard, recovered_from(asked, owner));
        return done_or_accepted(asked, "true");
    }
    const Shelf shelf{
        .owner = owner, .prefix = fmt::format("{}-shard-{}-", asked.name(), asked.at(3)), .depth = 5, .pack = [&] {
            return pack_shard(shard_of(asked).replicas.at(asked.node));
        }};
    const auto check = [&] {
        asked.require(asked.at(1), !asked.is("GET"));
        require_local(asked, shard_of(asked));
    };
    if (asked.is("GET") && asked.parts.size() == 6) in_plain_text(check);
    return list_or_make(asked, shelf, check);
}

Answer storage_snapshots(const Asked& asked) {
    const Shelf shelf{
        .owner = "", .prefix = "full-snapshot-", .depth = 1, .pack = [&] { return pack_shard(Points{}); }};
    return list_or_make(asked, shelf, [&] {
        if (asked.is("GET"))
            asked.require_global_read();
        else
            asked.require_manage();
    });
}

}  // namespace vbackup::test::played
