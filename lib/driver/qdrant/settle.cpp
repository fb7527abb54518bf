// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "driver/qdrant/agreed.hpp"
#include "driver/qdrant/points.hpp"
#include "driver/qdrant/restore.hpp"

namespace vbackup::driver::qdrant {

namespace {

using model::Phase;
using model::Seen;

// Two looks that found the same must be so far apart: on a real cluster it took 0.6 s until replicas were marked dead that
// all nodes had called Active after the last upload.
constexpr Seconds steady{2};
// When nothing moves, nothing brings missing points or replicas any more: the word that other replicas are to fetch the
// data is not awaited by the server, and is lost when the leader changes just then (seen on a busy machine). Sending the
// snapshot again mends it.
constexpr Seconds hopeless{60};
constexpr Seconds hopeless_check{10};

Seen seen(Phase phase, std::string said, std::string why = {}) {
    Seen result{.phase = phase, .said = std::move(said), .why = std::move(why)};
    return result;
}

// The states of a replica on its way to Active; others are words that nobody here knows.
bool is_known_state(std::string_view state) {
    constexpr std::string_view known[] = {"Active",       "Dead",          "Partial",
                                          "Initializing", "Listener",      "PartialSnapshot",
                                          "Recovery",     "Resharding",    "ReshardingScaleDown",
                                          "ActiveRead",   "ManualRecovery"};
    return std::find(std::begin(known), std::end(known), state) != std::end(known);
}

// How many replicas each shard must have; 0 where nobody says. There are never two on one node.
std::size_t wanted_replicas(const View& view, const Note& note, std::size_t nodes) {
    if (note.replicas > 0 || view.peer.empty()) return note.replicas;
    return std::min<std::size_t>(view.info->replicas, nodes);
}

// What still keeps a collection from being settled, as one node sees it; empty when nothing does.
std::optional<Seen> unsettled(const View& view, const Note& note, std::size_t nodes) {
    const auto& shards = view.shards;
    if (view.info->status == "red")
        return seen(Phase::failed, "red", "the collection's optimizer failed; the server's log has the reason");
    if (shards.all.size() < note.shards)
        return seen(Phase::running, fmt::format("{} of {} shards", shards.all.size(), note.shards));
    const auto wanted = wanted_replicas(view, note, nodes);
    for (const auto& shard : shards.all) {
        for (const auto& replica : shard.replicas) {
            if (replica.state == "Active") continue;
            return seen(is_known_state(replica.state) ? Phase::running : Phase::unknown,
                        fmt::format("shard {} is {} on node {}", shard.id, replica.state, replica.peer));
        }
        if (wanted > 0 && shard.replicas.size() != wanted)
            return seen(Phase::running,
                        fmt::format("shard {} has {} of {} replicas", shard.id, shard.replicas.size(), wanted));
    }
    if (!shards.moves.empty()) return seen(Phase::running, "moving " + shards.moves.front());
    return std::nullopt;
}

// Which replica lies where. Nodes that have not heard the last word yet place them elsewhere.
std::set<std::string> placement(const View& view) {
    std::set<std::string> all;
    for (const auto& shard : view.shards.all) {
        for (const auto& replica : shard.replicas) all.insert(fmt::format("{} {}", shard.id, replica.peer));
    }
    return all;
}

std::optional<Seen> unsettled(const std::vector<View>& views, const Note& note) {
    const auto missing = std::count_if(views.begin(), views.end(), [](const auto& view) { return !view.info; });
    if (missing == static_cast<std::ptrdiff_t>(views.size())) return seen(Phase::gone, "missing");
    for (const auto& view : views) {
        if (!view.info) return seen(Phase::running, fmt::format("node {} does not know it yet", view.peer));
        if (auto left = unsettled(view, note, views.size())) return left;
        if (placement(view) != placement(views.front()))
            return seen(Phase::running,
                        fmt::format("nodes {} and {} know other replicas", view.peer, views.front().peer));
    }
    return std::nullopt;
}

// What is wrong with the exact counts, each node answering from replicas of its own where it has them. Empty when nothing
// is, or where strict mode refuses to count.
std::string miscounted(Call& call, Nodes& nodes, const std::vector<View>& views, const Note& note) {
    std::vector<std::uint64_t> counts;
    for (const auto& view : views) {
        const auto now = count(call, nodes.at(call, view.peer), {note.place.collection, {}});
        if (!now) return {};
        counts.push_back(*now);
    }
    const auto wanted = note.points.value_or(counts.front());
    if (std::all_of(counts.begin(), counts.end(), [&](auto one) { return one == wanted; })) return {};
    const auto found = counts.size() == 1 ? fmt::format("{} points", counts.front())
                                          : fmt::format("{} points on the nodes", fmt::join(counts, ", "));
    return note.points ? fmt::format("{} instead of {}", found, *note.points) : found;
}

// Where the same has kept it from being settled for too long, failed; before that as it is.
Seen unless_stuck(Call& call, Memory& memory, const std::string& step, Seen left, bool moves) {
    const auto lasts = memory.lasting(call, step, left.said);
    if (left.phase != Phase::running || moves || lasts < hopeless) return left;
    memory.lasting(call, step, {});
    left.phase = Phase::failed;
    left.why = "(nothing moves any more; the server's log may say more)";
    left.again = true;
    return left;
}

// While a node is away nothing lasts: it may go on once that is back.
std::vector<View> views_of(Call& call, Nodes& nodes, Memory& memory, const std::string& step, const Note& note) {
    try {
        return views_of(call, nodes, note.place.collection);
    } catch (const Error&) {
        memory.lasting(call, step, {});
        throw;
    }
}

Seen look_settled(Call& call, Nodes& nodes, Memory& memory, const std::string& step, const Note& note) {
    const auto views = views_of(call, nodes, memory, step, note);
    const bool moves =
        std::any_of(views.begin(), views.end(), [](const auto& view) { return !view.shards.moves.empty(); });
    if (const auto left = unsettled(views, note)) return unless_stuck(call, memory, step, *left, moves);
    const auto wrong = miscounted(call, nodes, views, note);
    if (!wrong.empty()) return unless_stuck(call, memory, step, seen(Phase::running, wrong), false);
    const auto lasts = memory.lasting(call, step, "settled");
    if (lasts < steady && !views.front().peer.empty())
        return seen(Phase::running, "settled, as it seems; looking again");
    memory.lasting(call, step, {});
    return seen(Phase::succeeded, "settled");
}

Seen look_gone(Call& call, Nodes& nodes, const Note& note) {
    for (const auto& view : views_of(call, nodes, note.place.collection)) {
        if (view.info) return seen(Phase::running, fmt::format("node {} still has it", view.peer));
    }
    return seen(Phase::succeeded, "gone");
}

// All that a proof compares of points, before anybody is led to them by an alias.
Seen look_compared(Call& call, Nodes& nodes, Memory& memory, const std::string& step, const Note& note) {
    const auto entry = parse_entry(note.body);
    std::string bad;
    for (const auto& view : views_of(call, nodes, note.place.collection)) {
        if (!view.info) return seen(Phase::running, "it is not there");
        for (const auto& finding : compare(call, nodes.at(call, view.peer), entry, note.place.collection, view.peer)) {
            if (!finding.good) bad += (bad.empty() ? "" : "; ") + finding.what;
        }
    }
    if (memory.lasting(call, step, bad) >= hopeless_check && !bad.empty())
        throw Error(ErrorKind::corrupt, fmt::format("the restore differs from the backup, no alias was set: {}", bad),
                    "do not use what was restored; restore again with --overwrite, or from another backup");
    return bad.empty() ? seen(Phase::succeeded, "as in the backup") : seen(Phase::running, bad);
}

}  // namespace

Seen settled(Call& call, Nodes& nodes, Memory& memory, const model::Step& step) {
    const auto note = parse_note(step.details);
    if (note.action == action::gone) return look_gone(call, nodes, note);
    if (note.action == action::check) return look_compared(call, nodes, memory, step.id, note);
    return look_settled(call, nodes, memory, step.id, note);
}

}  // namespace vbackup::driver::qdrant
