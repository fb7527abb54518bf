// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/snapshots.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include <fmt/format.h>

#include "base/url.hpp"

namespace vbackup::driver::qdrant {

namespace {

using model::Phase;
using model::Step;

std::vector<std::string> names_of(const std::vector<Snapshot>& snapshots) {
    std::vector<std::string> names;
    for (const auto& snapshot : snapshots) names.push_back(snapshot.name);
    return names;
}

// The name that a tidying or deleting step is about; empty when it cannot be told which file is ours.
std::string name_to_forget(const Memory& memory, const Step& step) {
    const auto note = parse_note(step.details);
    if (!note.name.empty()) return note.name;
    std::optional<Note> made;
    if (step.job) made = parse_note(step.job->details);
    if (!made || made->name.empty()) made = memory.made(note.place);
    return made && !made->several ? made->name : std::string{};
}

using Asked = std::vector<Memory::Asked>;

// Those that have no file yet.
Asked unlisted(Call& call, const Client& client, Asked all) {
    std::erase_if(all, [&](const auto& one) {
        const auto listed = list_of(call, client, one.note.place, Repeat::yes);
        return listed && !new_ones(one.note, *listed).empty();
    });
    return all;
}

// Is the snapshot being made whose answer was lost? Telemetry counts by collection and tells no shard: it is what is counted beyond
// those of ours. One of ours that ends between the questions, or that is just being asked for, would stand for it: then it is
// looked at again.
bool more_than_ours(Call& call, const Client& client, const Memory& memory, const Place& place) {
    constexpr int looks = 20;
    constexpr Milliseconds pause{100};
    for (int look = 0; look < looks; ++look) {
        const auto before = memory.under_way_beside(place);
        const auto ours = unlisted(call, client, before);
        const auto creating = client.working(call).creating(place.collection);
        if (creating == 0) return false;
        // None of ours began, was accepted or ended in between.
        const bool certain = memory.under_way_beside(place) == before && unlisted(call, client, before) == ours &&
                             std::all_of(ours.begin(), ours.end(), [](const auto& one) { return one.accepted; });
        if (certain) return creating > ours.size();
        call.clock.sleep(pause, call.stop);
        call.require_time();
    }
    return false;
}

// An earlier run may have left the snapshot of this shard under way, and telemetry tells no shard: whatever the node makes of this
// collection is waited for, since it is listed once it has ended. Made a second time, the first would stay with the server.
void wait_for_earlier(Call& call, const Client& client, const Place& place, const std::function<bool()>& is_listed) {
    constexpr Milliseconds pause{1000}, longest = std::chrono::minutes(30);
    const auto begun = call.clock.now();
    while (!is_listed() && client.working(call).creating(place.collection) > 0) {
        if (call.clock.now() - begun >= longest)
            throw Error(ErrorKind::busy,
                        fmt::format("a snapshot that may be the one of {} is still being made", place.text()),
                        "run it again once the server has made it");
        call.clock.sleep(pause, call.stop);
        call.require_time();
    }
}

// Names tell the second they were begun in and nothing finer. A second snapshot within that second gets the name of the
// first and takes its place; a storage snapshot even carries the collections' own ones of that second away (seen on 1.19.0).
void require_new_second(Call& call, const Client& client, const Place& place, std::vector<Snapshot> listed) {
    if (place.unit == Unit::storage) {
        for (const auto& name : client.collections(call)) {
            const auto more = list_of(call, client, {Unit::collection, name}, Repeat::yes);
            if (more) listed.insert(listed.end(), more->begin(), more->end());
        }
    }
    const auto now = client.root(call).now;
    const bool taken = now && std::any_of(listed.begin(), listed.end(),
                                          [&](const auto& one) { return one.created && *one.created >= *now; });
    if (taken)
        throw Error(ErrorKind::busy,
                    fmt::format("a snapshot that {} would replace was made within this very second", place.text()),
                    "run it again");
}

net::Response ask_for(Call& call, const Client& client, Memory& memory, const Place& place) {
    try {
        return client.http().send(call, {.method = "POST", .path = place.path() + "?wait=false"});
    } catch (const Error&) {
        memory.ended(place);
        throw;
    }
}

}  // namespace

std::string what_is_missing(Call& call, const Client& client, const Place& place) {
    if (place.node.empty() || place.unit == Unit::storage) return {};
    const auto shards = client.shards(call, place.collection);
    if (shards.peer != place.node)
        return fmt::format("{} answered as node {} instead of {}", client.address(), shards.peer, place.node);
    std::size_t active = 0;
    for (const auto& shard : shards.all) {
        if (place.unit == Unit::shard && std::to_string(shard.id) != place.shard) continue;
        for (const auto& replica : shard.replicas) {
            if (replica.peer != place.node) continue;
            if (replica.state != "Active") return fmt::format("shard {} is {}", shard.id, one_line(replica.state, 40));
            ++active;
        }
    }
    return active > 0 ? std::string{} : fmt::format("node {} has no replica of {}", place.node, place.text());
}

std::vector<Snapshot> new_ones(const Note& note, std::vector<Snapshot> listed) {
    std::erase_if(listed, [&](const auto& one) {
        return !note.place.owns(one.name) ||
               std::find(note.before.begin(), note.before.end(), one.name) != note.before.end();
    });
    std::sort(listed.begin(), listed.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return listed;
}

model::JobRef job_of(const Note& note) {
    return {.name = note.name, .part = note.place.part(), .details = render(note)};
}

std::string step_name(std::string_view action, const Place& place) {
    return fmt::format("{}:{}{}{}", action, place.unit == Unit::storage ? "storage" : place.collection,
                       place.shard.empty() ? "" : ":", place.shard) +
           (place.unit == Unit::shard || place.node.empty() ? "" : ":node-" + place.node);
}

std::optional<std::vector<Snapshot>> list_of(Call& call, const Client& client, const Place& place, Repeat repeat) {
    try {
        return client.snapshots(call, place, repeat);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        return std::nullopt;
    }
}

std::string path_of(const Place& place, const std::string& name) {
    return place.path() + "/" + percent_encode(name);
}

model::Outcome make_snapshot(Call& call, Nodes& nodes, Memory& memory, const Note& planned) {
    auto note = planned;
    const auto& client = nodes.at(call, note.place.node);
    if (const auto missing = what_is_missing(call, client, note.place); !missing.empty())
        throw Error(ErrorKind::refused, fmt::format("no snapshot of {} was made: {}", note.place.text(), missing),
                    "run it again once `vbackup check` is content");
    // Listed again right before: whatever another tool made since the plan is not ours.
    const auto listed = client.snapshots(call, note.place);
    require_new_second(call, client, note.place, listed);
    note.before = names_of(listed);
    memory.asked(note, false);
    const auto response = ask_for(call, client, memory, note.place);
    if (is_accepted(response)) {
        memory.asked(note, true);
        return {.job = job_of(note), .secret = {}};
    }
    memory.ended(note.place);
    // A server that knows no wait=false has made it by now.
    const auto made = made_snapshot(response);
    if (!made)
        throw Error(ErrorKind::not_understood,
                    fmt::format("the server did not say that it makes a snapshot of {}", note.place.text()));
    if (const auto missing = what_is_missing(call, client, note.place); !missing.empty())
        throw Error(ErrorKind::job_failed, fmt::format("snapshot {} is not whole: {}", made->name, missing),
                    "run it again once `vbackup check` is content");
    note.name = made->name;
    return {.job = job_of(note), .secret = {}};
}

std::optional<model::Outcome> snapshot_taken(Call& call, Nodes& nodes, Memory& memory, const Note& note) {
    const auto& client = nodes.at(call, note.place.node);
    const auto is_listed = [&] {
        const auto listed = list_of(call, client, note.place, Repeat::yes);
        return listed && !new_ones(note, *listed).empty();
    };
    // The packing of a storage snapshot shows nowhere. Of a shard it tells something only where all that this run asked for is known:
    // what an earlier run left under way would be taken for it. What ended between the questions is listed by now.
    const bool asked = memory.was_asked(note.place);
    if (note.place.unit == Unit::shard && !asked) wait_for_earlier(call, client, note.place, is_listed);
    const bool counted = note.place.unit == Unit::collection || (note.place.unit == Unit::shard && asked);
    const bool taken = is_listed() || (counted && (more_than_ours(call, client, memory, note.place) || is_listed()));
    if (!taken) return std::nullopt;
    memory.asked(note, true);
    return model::Outcome{.job = job_of(note), .secret = {}};
}

model::Outcome forget(Call& call, Nodes& nodes, const Memory& memory, const Step& step) {
    const auto place = parse_note(step.details).place;
    const auto name = name_to_forget(memory, step);
    if (name.empty())
        throw Error(
            ErrorKind::refused,
            fmt::format("a snapshot of {} was left with the server: it is not certain which one is ours", place.text()),
            "`vbackup list` shows it; delete it by its name");
    const auto response =
        nodes.at(call, place.node).http().send(call, {.method = "DELETE", .path = path_of(place, name)});
    // Gone is what was wanted.
    if (says_missing(response)) return {};
    if (response.status == 404)
        throw Error(ErrorKind::not_understood,
                    fmt::format("cannot delete snapshot {}: the answer is none of Qdrant's (HTTP 404)", name),
                    "is there a proxy in between, or another server at this address?");
    require_done(response, fmt::format("delete snapshot {}", name));
    return {};
}

bool is_forgotten(Call& call, Nodes& nodes, const Memory& memory, const Step& step) {
    const auto name = name_to_forget(memory, step);
    const auto place = parse_note(step.details).place;
    const auto listed = list_of(call, nodes.at(call, place.node), place, Repeat::yes);
    return !name.empty() &&
           (!listed || std::none_of(listed->begin(), listed->end(), [&](const auto& one) { return one.name == name; }));
}

namespace {

model::Seen look_for_named(const Note& note, const std::vector<Snapshot>& listed) {
    const bool there =
        std::any_of(listed.begin(), listed.end(), [&](const auto& one) { return one.name == note.name; });
    return {.phase = there ? Phase::succeeded : Phase::gone,
            .said = there ? "stored" : "not listed",
            .why = {},
            .done = {},
            .total = {},
            .mark = {},
            .next = {},
            .where = {}};
}

}  // namespace

namespace {

model::Seen look_at_snapshot(Call& call, Nodes& nodes, Memory& memory, const Note& note) {
    const auto& client = nodes.at(call, note.place.node);
    // What is at work is asked first: a snapshot that ends between the two questions is then in the list.
    const auto working = note.name.empty() ? client.working(call) : Working{};
    const auto listed = list_of(call, client, note.place, Repeat::no);
    model::Seen seen{.phase = Phase::running, .said = "making the snapshot"};
    if (!listed) {
        seen.phase = Phase::failed;
        seen.said = "failed";
        seen.why = fmt::format("{} is gone", note.place.text());
        return seen;
    }
    if (!note.name.empty()) return look_for_named(note, *listed);
    const auto made = new_ones(note, *listed);
    const auto job = note.place.on_node();
    if (!made.empty()) {
        auto named = note;
        named.name = made.front().name;
        named.several = made.size() > 1;
        seen.why = what_is_missing(call, client, note.place);
        if (!seen.why.empty()) {
            seen.phase = Phase::failed;
            seen.said = "not whole";
            return seen;
        }
        seen.phase = Phase::succeeded;
        seen.said = "stored";
        seen.next = job_of(named);
        memory.busy(job);
        return seen;
    }
    const bool storage = note.place.unit == Unit::storage;
    const auto running = storage ? working.creating() : working.creating(note.place.collection);
    if (running > 0 || !(storage ? working.known : working.knows(note.place.collection))) {
        memory.busy(job);
    } else if (storage) {
        // A storage snapshot is packed after its collections' were made, and nothing shows that part: the stall limit ends it.
        seen.said = "packing the snapshot";
    } else if (memory.idle_too_long(call, job)) {
        seen.phase = Phase::failed;
        seen.said = "failed";
        seen.why =
            fmt::format("the server neither makes nor has a snapshot of {}; its log has the reason", note.place.text());
    }
    if (storage && working.known) seen.mark = fmt::format("{} made, {} at work", working.made, running);
    return seen;
}

}  // namespace

model::Seen observe_snapshot(Call& call, Nodes& nodes, Memory& memory, const Note& note) {
    auto seen = look_at_snapshot(call, nodes, memory, note);
    if (model::is_final(seen.phase)) memory.ended(note.place);
    return seen;
}

}  // namespace vbackup::driver::qdrant
