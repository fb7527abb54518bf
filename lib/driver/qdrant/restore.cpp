// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/restore.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/url.hpp"
#include "driver/qdrant/census.hpp"
#include "driver/qdrant/options.hpp"
#include "driver/qdrant/pieces.hpp"

namespace vbackup::driver::qdrant {

namespace {

using json = nlohmann::ordered_json;
using model::Step;
using model::StepKind;

// What is at the target now.
struct Now {
    std::vector<std::string> collections;
    std::vector<Alias> aliases;
    bool has(const std::string& name) const {
        return std::find(collections.begin(), collections.end(), name) != collections.end();
    }
    const Alias* alias(const std::string& name) const {
        const auto found =
            std::find_if(aliases.begin(), aliases.end(), [&](const auto& one) { return one.name == name; });
        return found == aliases.end() ? nullptr : &*found;
    }
};

// One collection on its way back.
struct Wish {
    const model::CollectionEntry& entry;
    std::string name;  // at the target
    std::vector<Piece> pieces;
    std::optional<Census> census;  // empty for a collection snapshot that vbackup did not make
    From from = From::upload;
    bool exists = false;             // at the target, and is to be replaced
    std::vector<std::string> keeps;  // aliases that it has at the target and would lose with it
    Unit unit() const { return pieces.front().place.unit; }
};

void require_version(const model::Manifest& manifest, const std::string& version, model::Plan& plan) {
    const auto made = parse_version(manifest.server_version);
    const auto now = parse_version(version);
    if (!made || manifest.server_version.empty()) {
        plan.notes.push_back(
            "which version made this snapshot is not known; Qdrant takes one of the same minor version only");
        return;
    }
    if (now && now->major == made->major && now->minor == made->minor && now->patch >= made->patch) return;
    throw Error(
        ErrorKind::refused,
        fmt::format("the backup was made by Qdrant {}, the target is {}", manifest.server_version, version),
        fmt::format("a snapshot may be restored to {}.{} from patch {} on", made->major, made->minor, made->patch));
}

// What the server itself would refuse with 422, said before anything is changed.
void require_name(const std::string& name) {
    const bool good = !name.empty() && name.size() <= 255 &&
                      name.find_first_of("<>:\"/\\|?*\x1f") == std::string::npos &&
                      name.find('\0') == std::string::npos;
    if (!good)
        throw Error(ErrorKind::usage, fmt::format("\"{}\" cannot be the name of a collection", one_line(name, 120)),
                    "1 to 255 characters, none of < > : \" / \\ | ? *");
}

void require_renames(const model::Request& request) {
    std::set<std::string> olds, news;
    for (const auto& [old, fresh] : request.renames) {
        require_name(fresh);
        const auto is_it = [&, &old = old](const auto& entry) { return entry.before.name == old; };
        const auto& entries = request.manifest->collections;
        if (std::none_of(entries.begin(), entries.end(), is_it))
            throw Error(ErrorKind::not_found,
                        fmt::format("there is no collection {} in the backup", one_line(old, 120)));
        if (!olds.insert(old).second || !news.insert(fresh).second)
            throw Error(ErrorKind::usage, fmt::format("--rename {} {} contradicts another --rename", old, fresh));
    }
}

// Every shard that was counted must have its snapshot: a backup of some shards is none.
void require_covered(const Wish& wish) {
    if (wish.pieces.empty())
        throw Error(ErrorKind::corrupt,
                    fmt::format("the backup has no snapshot of collection {}", wish.entry.before.name));
    if (wish.unit() != Unit::shard) return;
    for (const auto& shard : wish.census->shards) {
        const auto is_it = [&](const auto& piece) { return piece.place.shard == std::to_string(shard.id); };
        if (std::none_of(wish.pieces.begin(), wish.pieces.end(), is_it))
            throw Error(ErrorKind::corrupt, fmt::format("the backup has no snapshot of shard {} of collection {}",
                                                        shard.id, wish.entry.before.name));
    }
}

void require_room(const Wish& wish, const Now& now, bool overwrite) {
    if (const auto* alias = now.alias(wish.name))
        throw Error(ErrorKind::conflict,
                    fmt::format("{} is an alias of collection {}: restoring to it would replace that one", wish.name,
                                alias->collection),
                    fmt::format("choose another name with --rename {} NAME", wish.entry.before.name));
    if (wish.exists && !overwrite)
        throw Error(
            ErrorKind::conflict, fmt::format("collection {} exists already", wish.name),
            fmt::format("--overwrite replaces it, --rename {} NAME restores beside it", wish.entry.before.name));
}

// Nothing is deleted for bytes that only the server can reach: whether the URL leads to them shows too late.
void require_replaceable(const Wish& wish) {
    if (wish.from != From::url || !wish.exists) return;
    throw Error(ErrorKind::refused,
                fmt::format("collection {} would be deleted before the url could be checked", wish.name),
                "restore beside it with --rename, then delete the old one");
}

// The snapshots of a collection that is gone are not listed, though their files outlive it: that is good enough where
// nothing is deleted to make room.
void require_there(Call& call, const Client& client, const Wish& wish, const Now& now, model::Plan& plan) {
    const auto& made_by = wish.entry.before.name;
    if (now.has(made_by)) {
        for (const auto& piece : wish.pieces) require_listed(call, client, piece);
        return;
    }
    if (wish.exists)
        throw Error(ErrorKind::not_found,
                    fmt::format("the server lists no snapshots of collection {}, which is gone", made_by),
                    fmt::format("collection {} was left as it is; restore to a name that is free", wish.name));
    plan.notes.push_back(fmt::format(
        "collection {} is gone: whether the server still has its snapshots shows only when they are put back",
        made_by));
}

// Will that wish give itself the alias? Beside its original it leaves it there.
bool claims(const Wish& wish, const Alias& alias) {
    const auto& names = wish.entry.before.aliases;
    const bool beside = alias.collection == wish.entry.before.name && alias.collection != wish.name;
    return !beside && std::find(names.begin(), names.end(), alias.name) != names.end();
}

// Aliases go with their collection when it is deleted, those too that the backup does not know.
void keep_aliases(Wish& wish, const std::vector<Wish>& all, const Now& now, model::Plan& plan) {
    if (!wish.exists) return;
    for (const auto& alias : now.aliases) {
        if (alias.collection != wish.name || claims(wish, alias)) continue;
        const auto taker = std::find_if(all.begin(), all.end(), [&](const auto& one) { return claims(one, alias); });
        if (taker == all.end())
            wish.keeps.push_back(alias.name);
        else
            plan.notes.push_back(fmt::format("alias {} of collection {} goes to collection {}, as in the backup",
                                             alias.name, wish.name, taker->name));
    }
}

json without_nulls(json object) {
    for (auto it = object.begin(); it != object.end();) it = it->is_null() ? object.erase(it) : std::next(it);
    return object;
}

// The configuration as GET shows it, in the shape that PUT takes (lib/storage/…/collection_meta_ops.rs, CreateCollection).
// Strict mode comes last of all: its limits would refuse what the restore itself must do.
json creation_body(const json& config) {
    json body = without_nulls(config.at("params"));
    body.erase("read_fan_out_factor");
    body.erase("read_fan_out_delay_ms");
    const auto put = [&](const char* from, const char* to) {
        if (config.contains(from) && !config.at(from).is_null()) body[to] = config.at(from);
    };
    put("hnsw_config", "hnsw_config");
    put("optimizer_config", "optimizers_config");
    put("wal_config", "wal_config");
    put("quantization_config", "quantization_config");
    put("metadata", "metadata");
    return body;
}

json params_body(const json& config) {
    json params = json::object();
    for (const auto* name : {"read_fan_out_factor", "read_fan_out_delay_ms"}) {
        if (config.at("params").contains(name) && !config.at("params").at(name).is_null())
            params[name] = config.at("params").at(name);
    }
    return params;
}

json strict_body(const json& config) {
    const auto found = config.find("strict_mode_config");
    if (found == config.end() || !found->is_object()) return json::object();
    return without_nulls(*found);
}

json index_body(const std::string& field, const json& schema) {
    json body = {{"field_name", field}, {"field_schema", schema.at("data_type")}};
    if (schema.contains("params") && schema.at("params").is_object()) {
        body["field_schema"] = schema.at("params");
        if (!body["field_schema"].contains("type")) body["field_schema"]["type"] = schema.at("data_type");
    }
    return body;
}

// Adds the steps of one collection.
class Steps {
public:
    Steps(const Wish& wish, const model::Request& request, const Now& now, model::Plan& plan)
        : wish_(wish), request_(request), now_(now), plan_(plan) {}

    void add(const std::string& snapshots_directory) {
        const bool whole = wish_.unit() == Unit::collection;
        const bool custom = wish_.census && wish_.census->custom_sharding;
        if (wish_.exists) add_drop();
        // A collection snapshot makes its collection itself, but with shard keys it would answer true and hold nothing.
        if (!whole || custom) add_collection();
        if (!whole) add_indexes();
        const auto ready = last_;
        std::vector<std::string> put;
        for (const auto& piece : wish_.pieces) put.push_back(add_piece(piece, ready, snapshots_directory));
        last_ = put;
        add_settle();
        if (!whole || custom) add_strict();
        add_aliases();
    }

private:
    Step& push(Step step, Note note) {
        step.part.collection = wish_.name;
        if (step.after.empty()) step.after = last_;
        note.place.collection = wish_.name;
        step.details = render(note);
        plan_.steps.push_back(std::move(step));
        return plan_.steps.back();
    }

    Note note(std::string_view action) const {
        return {.action = std::string(action), .place = {Unit::collection, wish_.name, ""}};
    }

    void add_drop() {
        Step step{.id = "drop:" + wish_.name,
                  .what = fmt::format("delete collection {} to make room", wish_.name),
                  .destroys = true};
        last_ = {push(step, note(action::drop)).id};
    }

    void add_collection() {
        const auto config = json::parse(wish_.entry.before.config);
        auto made = note(action::collection);
        made.body = creation_body(config).dump();
        last_ = {
            push({.id = "collection:" + wish_.name, .what = fmt::format("make collection {}", wish_.name)}, made).id};
        if (const auto params = params_body(config); !params.empty()) {
            auto set = note(action::params);
            set.body = json({{"params", params}}).dump();
            last_ = {
                push({.id = "params:" + wish_.name, .what = fmt::format("set how collection {} is read", wish_.name)},
                     set)
                    .id};
        }
        if (wish_.census->custom_sharding) add_keys(config);
    }

    // One after another: the order decides the shards' ids.
    void add_keys(const json& config) {
        for (const auto& group : key_groups(*wish_.census)) {
            auto made = note(action::key);
            made.key = group.key;
            made.body = json({{"shard_key", json::parse(group.key)},
                              {"shards_number", group.ids.size()},
                              {"replication_factor", config.at("params").value("replication_factor", 1U)}})
                            .dump();
            last_ = {push({.id = fmt::format("key:{}:{}", wish_.name, group.key),
                           .what = fmt::format("make shard key {} of collection {}", group.key, wish_.name)},
                          made)
                         .id};
        }
    }

    // Before the data: segments bring their indexes along, but the collection would not know of them.
    void add_indexes() {
        const auto schema = json::parse(wish_.census->payload_schema);
        auto before = last_;
        std::vector<std::string> all = before;
        for (const auto& [field, one] : schema.items()) {
            auto made = note(action::index);
            made.name = field;
            made.body = index_body(field, one).dump();
            Step step{.id = fmt::format("index:{}:{}", wish_.name, field),
                      .what = fmt::format("make the index on {} of collection {}", field, wish_.name),
                      .after = before};
            all.push_back(push(step, made).id);
        }
        last_ = all;
    }

    std::string add_piece(const Piece& piece, const std::vector<std::string>& ready,
                          const std::string& snapshots_directory) {
        auto put = note(wish_.from == From::upload ? action::upload : action::recover);
        put.place = {piece.place.unit, wish_.name, piece.place.shard};
        put.sha256 = piece.sha256;
        if (piece.place.unit == Unit::collection && wish_.entry.quiet()) put.points = wish_.entry.before.count;
        if (wish_.census) place_in_key(put);
        const auto target = Place{piece.place.unit, wish_.name, piece.place.shard};
        Step step{.id = piece.place.shard.empty() ? "put:" + wish_.name
                                                  : fmt::format("put:{}:{}", wish_.name, piece.place.shard),
                  .kind = wish_.from == From::upload ? StepKind::send : StepKind::change,
                  .what = fmt::format("put back {}", target.text()),
                  .after = ready};
        step.part = target.part();
        if (wish_.from == From::upload) {
            step.file = piece.file;
            put.name = fmt::format("vbackup-{}.snapshot", request_.id);
        } else {
            put.name = location_of(piece, snapshots_directory);
        }
        auto id = push(step, put).id;
        if (wish_.from == From::upload && piece.place.unit == Unit::collection) add_leftover(put.name, id);
        return id;
    }

    void place_in_key(Note& put) const {
        for (const auto& group : key_groups(*wish_.census)) {
            for (std::size_t rank = 0; rank < group.ids.size(); ++rank) {
                if (std::to_string(group.ids[rank]) != put.place.shard) continue;
                put.key = group.key;
                put.rank = static_cast<std::uint32_t>(rank);
            }
        }
    }

    // Where the server finds a snapshot of its own: by name among the shard's, as a file, or from itself by URL while the
    // collection that made it is still there.
    std::string location_of(const Piece& piece, const std::string& snapshots_directory) const {
        if (auto url = url_of(request_.options); !url.empty()) return url;
        const bool same = piece.place.collection == wish_.name;
        if (!same && now_.has(piece.place.collection))
            return piece.place.path() + "/" + percent_encode(piece.server_name);
        if (piece.place.unit == Unit::shard) {
            if (same) return piece.server_name;
            throw Error(ErrorKind::refused,
                        fmt::format("the server finds snapshots of shards of {} only while that collection exists",
                                    piece.place.collection),
                        "restore it under its own name, or bring the backup home first with `vbackup download`");
        }
        if (snapshots_directory.empty())
            throw Error(ErrorKind::refused, "the server does not say where it keeps its snapshots",
                        fmt::format("name the file: -o url=file:///…/{}/{}", safe_name(piece.place.collection),
                                    piece.server_name));
        return fmt::format("file://{}/{}/{}", snapshots_directory, percent_encode(piece.place.collection),
                           percent_encode(piece.server_name));
    }

    // An uploaded collection snapshot stays behind among the server's snapshots.
    void add_leftover(const std::string& name, const std::string& after) {
        auto step = forget_step({Unit::collection, wish_.name, ""}, name);
        step.after = {after};
        step.destroys = false;
        step.tidy = true;
        plan_.steps.push_back(std::move(step));
    }

    void add_settle() {
        auto wait = note(action::settle);
        if (wish_.census) wait.shards = static_cast<std::uint32_t>(wish_.census->shards.size());
        last_ = {push({.id = "settle:" + wish_.name,
                       .kind = StepKind::settle,
                       .what = fmt::format("wait until collection {} is settled", wish_.name)},
                      wait)
                     .id};
    }

    void add_strict() {
        const auto strict = strict_body(json::parse(wish_.entry.before.config));
        if (strict.empty()) return;
        auto set = note(action::strict);
        set.body = json({{"strict_mode_config", strict}}).dump();
        last_ = {push({.id = "strict:" + wish_.name,
                       .what = fmt::format("set the strict mode of collection {}", wish_.name)},
                      set)
                     .id};
    }

    void add_aliases() {
        auto actions = json::array();
        bool moves = false;
        for (const auto& name : wish_.entry.before.aliases) {
            if (now_.has(name))
                throw Error(ErrorKind::conflict,
                            fmt::format("alias {} of collection {} cannot be set: a collection has that name", name,
                                        wish_.entry.before.name));
            const auto* other = now_.alias(name);
            const bool away = other && other->collection != wish_.name;
            if (away && other->collection == wish_.entry.before.name) {
                plan_.notes.push_back(fmt::format("alias {} stays with collection {}", name, other->collection));
                continue;
            }
            if (away && !request_.overwrite)
                throw Error(ErrorKind::conflict,
                            fmt::format("alias {} belongs to collection {}", name, other->collection),
                            "--overwrite moves it");
            if (away) actions.push_back({{"delete_alias", {{"alias_name", name}}}});
            moves = moves || away;
            actions.push_back({{"create_alias", {{"collection_name", wish_.name}, {"alias_name", name}}}});
        }
        for (const auto& name : wish_.keeps)
            actions.push_back({{"create_alias", {{"collection_name", wish_.name}, {"alias_name", name}}}});
        if (actions.empty()) return;
        auto set = note(action::aliases);
        set.body = json({{"actions", actions}}).dump();
        push({.id = "aliases:" + wish_.name,
              .what = fmt::format("set the aliases of collection {}", wish_.name),
              .destroys = moves},
             set);
    }

    const Wish& wish_;
    const model::Request& request_;
    const Now& now_;
    model::Plan& plan_;
    std::vector<std::string> last_;  // what the next step comes after
};

// The server's snapshots directory, told by its refusal to read a file outside of it ("must be inside the snapshots
// directory \"/qdrant/snapshots\""). Nothing is changed: the request names a directory, which no version restores from.
std::string snapshots_directory(Call& call, const Client& client, const std::string& collection) {
    net::Request request{.method = "PUT",
                         .path = fmt::format("/collections/{}/snapshots/recover?wait=true", percent_encode(collection)),
                         .body = R"({"location":"file:///","priority":"snapshot"})"};
    const auto said = words(client.http().send(call, request));
    const auto open = said.find('"'), close = said.rfind('"');
    if (said.find("inside the snapshots directory") == std::string::npos || close <= open) return {};
    return said.substr(open + 1, close - open - 1);
}

bool needs_directory(const Wish& wish, const model::Request& request, const Now& now) {
    const auto& piece = wish.pieces.front();
    const bool by_url = piece.place.collection != wish.name && now.has(piece.place.collection);
    return wish.from == From::server && piece.place.unit == Unit::collection && !by_url &&
           url_of(request.options).empty();
}

Wish wish_for(const model::CollectionEntry& entry, const model::Request& request, const std::vector<Piece>& all) {
    Wish wish{.entry = entry, .name = renamed(request.renames, entry.before.name)};
    for (const auto& piece : all) {
        if (piece.place.collection == entry.before.name) wish.pieces.push_back(piece);
    }
    const bool stranger = !wish.pieces.empty() && wish.unit() == Unit::collection && entry.before.details.empty();
    if (!stranger) wish.census = parse_census(entry.before);
    require_covered(wish);
    return wish;
}

}  // namespace

std::string renamed(const model::Renames& renames, const std::string& name) {
    const auto found = std::find_if(renames.begin(), renames.end(), [&](const auto& one) { return one.first == name; });
    return found == renames.end() ? name : found->second;
}

model::Plan plan_restore(Call& call, const Client& client, const model::Request& request) {
    require_plain_url(url_of(request.options));
    require_one_node(client.cluster(call));
    const auto& manifest = *request.manifest;
    const auto pieces = pieces_of(manifest);
    if (pieces.empty()) throw Error(ErrorKind::corrupt, "the backup has no files");

    model::Plan plan;
    require_version(manifest, client.root(call).version, plan);
    if (pieces.front().place.unit == Unit::storage) throw_start_command(request, pieces.front());
    require_renames(request);
    const Now now{client.collections(call), client.aliases(call)};

    std::vector<Wish> wishes;
    for (const auto& entry : manifest.collections) {
        if (request.scope.matches(entry.before.name)) wishes.push_back(wish_for(entry, request, pieces));
    }
    if (wishes.empty()) throw Error(ErrorKind::not_found, "no collection of the backup is asked for");
    std::set<std::string> names;
    for (auto& wish : wishes) {
        if (!names.insert(wish.name).second)
            throw Error(ErrorKind::usage, fmt::format("two collections would be called {}", wish.name),
                        "rename one of them");
        wish.exists = now.has(wish.name);
        wish.from = from_for(request, wish.pieces, wishes.size());
        require_room(wish, now, request.overwrite);
        require_replaceable(wish);
        if (wish.census) require_same_ring(wish.entry.before.name, *wish.census, wish.unit());
        if (wish.from == From::server) require_there(call, client, wish, now, plan);
    }
    for (auto& wish : wishes) keep_aliases(wish, wishes, now, plan);
    for (const auto& wish : wishes) {
        const auto directory =
            needs_directory(wish, request, now) ? snapshots_directory(call, client, wish.name) : std::string{};
        Steps(wish, request, now, plan).add(directory);
    }
    return plan;
}

}  // namespace vbackup::driver::qdrant
