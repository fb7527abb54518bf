// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/steps.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/url.hpp"
#include "driver/qdrant/bodies.hpp"
#include "driver/qdrant/restore.hpp"

namespace vbackup::driver::qdrant {

namespace {

using json = nlohmann::ordered_json;
using model::Step;
using model::StepKind;

class Steps {
public:
    Steps(Call& call, Nodes& nodes, const Wish& wish, const model::Request& request, const Now& now, model::Plan& plan)
        : call_(call), nodes_(nodes), wish_(wish), request_(request), now_(now), plan_(plan) {}

    void add() {
        const bool whole = wish_.unit() == Unit::collection;
        const bool custom = wish_.census && wish_.census->custom_sharding;
        if (wish_.exists) add_drop();
        // A collection snapshot makes its collection itself, but with shard keys it would answer true and hold nothing.
        if (!whole || custom) add_collection();
        if (!whole) add_indexes();
        if (whole)
            add_one_after_another();
        else
            add_side_by_side();
        add_settle("settle:" + wish_.name, true);
        const auto actions = alias_actions();
        if (!actions.empty()) add_check();
        if (!whole || custom) add_strict();
        if (!actions.empty()) add_aliases(actions);
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
        if (now_.peers.size() <= 1) return;
        Step gone{.id = "gone:" + wish_.name,
                  .kind = StepKind::settle,
                  .what = fmt::format("wait until collection {} is gone from every node", wish_.name)};
        last_ = {push(gone, note(action::gone)).id};
    }

    void add_collection() {
        auto made = note(action::collection);
        made.body = creation_body(wish_.config);
        last_ = {
            push({.id = "collection:" + wish_.name, .what = fmt::format("make collection {}", wish_.name)}, made).id};
        if (const auto body = params_body(wish_.config); !body.empty()) {
            auto set = note(action::params);
            set.body = body;
            last_ = {
                push({.id = "params:" + wish_.name, .what = fmt::format("set how collection {} is read", wish_.name)},
                     set)
                    .id};
        }
        if (wish_.census->custom_sharding) add_keys();
    }

    // One after another: the order decides the shards' ids.
    void add_keys() {
        for (const auto& group : key_groups(*wish_.census)) {
            auto made = note(action::key);
            made.key = group.key;
            made.body = key_body(wish_.config, group);
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
            made.body = index_body(field, one.dump());
            Step step{.id = fmt::format("index:{}:{}", wish_.name, field),
                      .what = fmt::format("make the index on {} of collection {}", field, wish_.name),
                      .after = before};
            all.push_back(push(step, made).id);
        }
        last_ = all;
    }

    void add_side_by_side() {
        std::vector<std::string> put;
        for (const auto& piece : wish_.pieces)
            put.push_back(add_piece(piece, {Unit::shard, wish_.name, piece.place.shard},
                                    "put:" + wish_.name + ":" + piece.place.shard));
        last_ = put;
    }

    // Each to a node of its own as far as they go round; what a server reads itself, to the node that has it.
    void add_one_after_another() {
        const bool several = wish_.pieces.size() > 1;
        for (std::size_t i = 0; i < wish_.pieces.size(); ++i) {
            const auto& piece = wish_.pieces[i];
            const auto& peers = now_.peers;
            const bool at_home = std::find(peers.begin(), peers.end(), piece.place.node) != peers.end();
            const Place place{Unit::collection, wish_.name, "", at_home ? piece.place.node : peers[i % peers.size()]};
            const auto end = several ? fmt::format("{}:{}", wish_.name, i + 1) : wish_.name;
            last_ = {add_piece(piece, place, "put:" + end)};
            if (several && i + 1 < wish_.pieces.size()) add_settle("settle:" + end, false);
        }
    }

    std::string add_piece(const Piece& piece, const Place& target, const std::string& id) {
        const bool sends = wish_.from == From::upload, whole = target.unit == Unit::collection;
        auto put = note(sends ? action::upload : action::recover);
        put.place = target;
        put.sha256 = piece.sha256;
        put.replicas = wish_.replicas;
        if (whole && wish_.pieces.size() == 1 && wish_.entry.quiet()) put.points = wish_.entry.before.count;
        if (wish_.census) place_in_key(put);
        Step step{.id = id, .kind = sends ? StepKind::send : StepKind::change};
        step.what = fmt::format("put back {}", target.text());
        if (whole && wish_.pieces.size() > 1) step.what += fmt::format(" on node {}", target.node);
        step.part = target.part();
        if (sends) {
            step.file = piece.file;
            put.name = fmt::format("vbackup-{}.snapshot", request_.id);
        } else {
            put.name = location_of(piece, target.node);
            if (put.name.starts_with('/')) put.source = piece.place.node;
        }
        push(step, put);
        if (sends && whole) add_leftover(put.name, target, id);
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
    std::string location_of(const Piece& piece, const std::string& node) const {
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
        const auto directory = require_may_restore(call_, nodes_.at(call_, node), wish_.name);
        if (directory.empty())
            throw Error(ErrorKind::refused, "the server does not say where it keeps its snapshots",
                        fmt::format("name the file: -o url=file:///…/{}/{}", safe_name(piece.place.collection),
                                    piece.server_name));
        return fmt::format("file://{}/{}/{}", directory, percent_encode(piece.place.collection),
                           percent_encode(piece.server_name));
    }

    // An uploaded collection snapshot stays behind among the snapshots of the node that took it.
    void add_leftover(const std::string& name, const Place& target, const std::string& after) {
        auto step = forget_step(target, name);
        step.after = {after};
        step.destroys = false;
        step.tidy = true;
        plan_.steps.push_back(std::move(step));
    }

    // `all`: every piece is in, so that counts must be right.
    void add_settle(const std::string& id, bool all) {
        auto wait = note(action::settle);
        if (wish_.census) wait.shards = static_cast<std::uint32_t>(wish_.census->shards.size());
        wait.replicas = wish_.replicas;
        if (all && wish_.entry.quiet()) wait.points = wish_.entry.before.count;
        last_ = {push({.id = id,
                       .kind = StepKind::settle,
                       .what = fmt::format("wait until collection {} is settled", wish_.name)},
                      wait)
                     .id};
    }

    // Whoever reads through an alias must find everything there.
    void add_check() {
        auto prove = note(action::check);
        prove.body = render_entry(wish_.entry);
        last_ = {push({.id = "check:" + wish_.name,
                       .kind = StepKind::settle,
                       .what = fmt::format("prove collection {} before its aliases are set", wish_.name)},
                      prove)
                     .id};
    }

    void add_strict() {
        const auto body = strict_body(wish_.config);
        if (body.empty()) return;
        auto set = note(action::strict);
        set.body = body;
        last_ = {push({.id = "strict:" + wish_.name,
                       .what = fmt::format("set the strict mode of collection {}", wish_.name)},
                      set)
                     .id};
    }

    // All of them in one request, which the server carries out as one.
    json alias_actions() {
        auto actions = json::array();
        const auto& original = wish_.entry.before;
        auto names = original.aliases;
        for (const auto& name : wish_.keeps) names.push_back(name);
        const bool switching = switches(request_, original.name, wish_.name);
        const auto of_original = now_.aliases_of(original.name);
        if (switching) names.insert(names.end(), of_original.begin(), of_original.end());
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        for (const auto& name : names) add_alias(name, switching, actions);
        if (switching && of_original.empty())
            plan_.notes.push_back(fmt::format("no alias leads to collection {}: none is switched", original.name));
        return actions;
    }

    void add_alias(const std::string& name, bool switching, json& actions) {
        const auto& original = wish_.entry.before.name;
        if (now_.has(name))
            throw Error(ErrorKind::conflict, fmt::format("alias {} of collection {} cannot be set: a collection has "
                                                         "that name",
                                                         name, original));
        const auto* other = now_.alias(name);
        const bool away = other && other->collection != wish_.name;
        if (away && other->collection == original) {
            plan_.notes.push_back(switching ? fmt::format("alias {} is switched from collection {} to {} once that is "
                                                          "proven",
                                                          name, original, wish_.name)
                                            : fmt::format("alias {} stays with collection {}", name, original));
            if (!switching) return;
        } else if (away && !request_.overwrite) {
            throw Error(ErrorKind::conflict, fmt::format("alias {} belongs to collection {}", name, other->collection),
                        "--overwrite moves it");
        } else {
            takes_ = takes_ || away;
        }
        if (away) actions.push_back({{"delete_alias", {{"alias_name", name}}}});
        actions.push_back({{"create_alias", {{"collection_name", wish_.name}, {"alias_name", name}}}});
    }

    void add_aliases(const json& actions) {
        auto set = note(action::aliases);
        set.body = json({{"actions", actions}}).dump();
        push({.id = "aliases:" + wish_.name,
              .what = fmt::format("set the aliases of collection {}", wish_.name),
              .destroys = takes_},
             set);
    }

    Call& call_;
    Nodes& nodes_;
    const Wish& wish_;
    const model::Request& request_;
    const Now& now_;
    model::Plan& plan_;
    std::vector<std::string> last_;  // what the next step comes after
    bool takes_ = false;             // an alias is taken away from a third collection
};

}  // namespace

void add_steps(Call& call, Nodes& nodes, const Wish& wish, const model::Request& request, const Now& now,
               model::Plan& plan) {
    Steps(call, nodes, wish, request, now, plan).add();
}

}  // namespace vbackup::driver::qdrant
