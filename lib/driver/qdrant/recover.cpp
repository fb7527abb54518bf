// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/url.hpp"
#include "driver/qdrant/agreed.hpp"
#include "driver/qdrant/points.hpp"
#include "driver/qdrant/restore.hpp"

namespace vbackup::driver::qdrant {

namespace {

using model::Outcome;
using model::Phase;
using model::Seen;

std::string below(const Note& note, std::string_view rest = {}) {
    return fmt::format("/collections/{}{}", percent_encode(note.place.collection), rest);
}

// Changes that go through consensus may take a while; Qdrant gives up on them after 10 s unless told otherwise.
constexpr std::string_view patient = "timeout=20";
constexpr Seconds change_silence{90};

void change(Call& call, Nodes& nodes, net::Request request, const std::string& what) {
    request.silence = change_silence;
    require_done(nodes.any().http().send(call, request), what);
}

void make_index(Call& call, Nodes& nodes, const Note& note) {
    net::Request request{
        .method = "PUT", .path = fmt::format("{}?wait=true&{}", below(note, "/index"), patient), .body = note.body};
    request.silence = change_silence;
    const auto response = nodes.any().http().send(call, request);
    // It answers with an operation's number instead of a plain true.
    if (response.ok())
        require_good(response, "make the index on " + note.name);
    else
        require_done(response, "make the index on " + note.name);
}

// Passes a file on and knows whether all of it went out.
class Watched : public io::Source {
public:
    explicit Watched(io::Source& source) : source_(source) {}
    std::size_t read(std::span<std::byte> into) override {
        const auto count = source_.read(into);
        seen_ += count;
        ended_ = ended_ || count == 0 || (source_.size() && seen_ >= *source_.size());
        return count;
    }
    std::optional<std::uint64_t> size() const override { return source_.size(); }
    std::uint64_t offset() const override { return source_.offset(); }
    bool ended() const { return ended_; }

private:
    io::Source& source_;
    std::uint64_t seen_ = 0;
    bool ended_ = false;
};

// Where a step puts its snapshot; in a cluster shards get their node only now, as the server placed them.
Place resolve(Call& call, Nodes& nodes, const Note& note) {
    auto place = note.place;
    if (place.unit != Unit::shard) return place;
    const auto holder = holder_of(call, nodes, note);
    place.shard = std::to_string(holder.shard);
    place.node = holder.peer;
    return place;
}

// A gateway that lost patience while the server goes on.
bool gave_up(const net::Response& response) {
    return response.status == 502 || response.status == 504;
}

// Upload and recovery answer when all is done, and only that answer says why something failed; with wait=false the reason
// would be in the server's log alone. So the answer is waited for as long as it may come soon, and then the server is
// observed, where it shows what it is at work on. Qdrant goes on when its client is gone.
Outcome send_recovery(Call& call, const Client& client, const Note& note, net::Request request, const Watched* sent) {
    const bool observable = client.working(call).known;
    request.silence = observable ? Milliseconds(Seconds(20)) : Milliseconds(std::chrono::hours(24));
    const auto goes_on = [&] {
        return observable && (!sent || sent->ended()) && client.working(call).recovering(note.place.collection) > 0;
    };
    const auto what = fmt::format("put back {}", note.place.text());
    Outcome under_way{
        .job = model::JobRef{.name = note.place.collection, .part = note.place.part(), .details = render(note)}};
    net::Response response;
    try {
        response = client.http().send(call, request);
    } catch (const Error& error) {
        const bool lost = error.kind() == ErrorKind::unreachable || error.kind() == ErrorKind::stalled;
        if (!lost || !goes_on()) throw;
        return under_way;
    }
    if (is_accepted(response) || (gave_up(response) && goes_on())) return under_way;
    require_done(response, what);
    return {};
}

Outcome upload(Call& call, Nodes& nodes, const Note& note, io::Source& source) {
    Watched watched(source);
    auto placed = note;
    placed.place = resolve(call, nodes, note);
    const auto& client = nodes.at(call, placed.place.node);
    net::Request request{.method = "POST", .path = placed.place.path() + "/upload?wait=true&priority=snapshot"};
    if (!note.sha256.empty()) request.path += "&checksum=" + note.sha256;
    request.upload = &watched;
    request.upload_name = note.name;
    request.upload_size = source.size();
    return send_recovery(call, client, placed, std::move(request), &watched);
}

Outcome recover(Call& call, Nodes& nodes, const Secret& key, const Note& note) {
    auto placed = note;
    placed.place = resolve(call, nodes, note);
    const auto& client = nodes.at(call, placed.place.node);
    // A path stands for a snapshot that the server reads from itself, which needs the key again.
    const bool itself = note.name.starts_with('/');
    const auto from = itself ? nodes.at(call, note.source).address() + note.name : note.name;
    nlohmann::json body = {{"location", from}, {"priority", "snapshot"}};
    if (!note.sha256.empty()) body["checksum"] = note.sha256;
    if (itself && !key.empty()) body["api_key"] = std::string(key.reveal());
    net::Request request{.method = "PUT", .path = placed.place.path() + "/recover?wait=true", .body = body.dump()};
    return send_recovery(call, client, placed, std::move(request), nullptr);
}

// Every non-null value of `wanted` is in `there` too. The server may know more.
bool is_within(const nlohmann::json& wanted, const nlohmann::json& there) {
    if (wanted.is_null()) return true;
    if (!wanted.is_object() || !there.is_object()) return wanted == there;
    return std::all_of(wanted.items().begin(), wanted.items().end(), [&](const auto& one) {
        return one.value().is_null() || (there.contains(one.key()) && is_within(one.value(), there.at(one.key())));
    });
}

bool aliases_are_set(Call& call, const Client& client, const Note& note) {
    const auto there = client.aliases(call);
    const auto wanted = nlohmann::json::parse(note.body);
    for (const auto& one : wanted.at("actions")) {
        if (!one.contains("create_alias")) continue;
        const auto& alias = one.at("create_alias");
        if (std::none_of(there.begin(), there.end(), [&](const auto& now) {
                return alias.at("alias_name") == now.name && alias.at("collection_name") == now.collection;
            }))
            return false;
    }
    return true;
}

bool has_key(Call& call, const Client& client, const Note& note) {
    const auto shards = client.shards(call, note.place.collection).all;
    return std::any_of(shards.begin(), shards.end(), [&](const auto& shard) { return shard.key == note.key; });
}

bool is_done(Call& call, const Client& client, const Note& note) {
    const auto info = client.collection(call, note.place.collection);
    if (note.action == action::drop) return !info;
    if (!info) return false;
    if (note.action == action::collection) return true;
    if (note.action == action::key) return has_key(call, client, note);
    if (note.action == action::aliases) return aliases_are_set(call, client, note);
    if (note.action == action::index) return nlohmann::json::parse(info->payload_schema).contains(note.name);
    if (note.action == action::params)
        return is_within(nlohmann::json::parse(note.body).at("params"),
                         nlohmann::json::parse(info->config).at("params"));
    if (note.action == action::strict)
        return is_within(nlohmann::json::parse(note.body).at("strict_mode_config"),
                         nlohmann::json::parse(info->config).value("strict_mode_config", nlohmann::json()));
    // What is not certain is put back again, which changes nothing that is good.
    return note.points && count(call, client, {note.place.collection, {}}) == *note.points;
}

// What one node shows was agreed on, and reaches the others; what is to be gone must be so everywhere.
bool is_done(Call& call, Nodes& nodes, const Note& note) {
    const bool puts = note.action == action::upload || note.action == action::recover;
    // Of a shard no count is told; and a node that swaps one answers 500 when asked for its collection.
    if (puts && note.place.unit == Unit::shard) return false;
    const auto clients = reachable(call, nodes);
    const auto done = [&](const Client* client) { return is_done(call, *client, note); };
    return note.action == action::drop ? std::all_of(clients.begin(), clients.end(), done)
                                       : std::any_of(clients.begin(), clients.end(), done);
}

Seen seen(Phase phase, std::string said, std::string why = {}) {
    Seen result{.phase = phase, .said = std::move(said), .why = std::move(why)};
    return result;
}

}  // namespace

Outcome run_restore_step(Call& call, Nodes& nodes, const Secret& key, const model::Step& step, io::Source* source) {
    const auto note = parse_note(step.details);
    const auto put = [&](std::string_view rest) {
        return net::Request{
            .method = "PUT", .path = fmt::format("{}?{}", below(note, rest), patient), .body = note.body};
    };
    if (note.action == action::upload) {
        if (!source) throw Error(ErrorKind::failed, fmt::format("{}: there are no bytes to send", step.what));
        return upload(call, nodes, note, *source);
    }
    if (note.action == action::recover) return recover(call, nodes, key, note);
    if (note.action == action::index)
        make_index(call, nodes, note);
    else if (note.action == action::collection)
        change(call, nodes, put(""), step.what);
    else if (note.action == action::key)
        change(call, nodes, put("/shards"), step.what);
    else if (note.action == action::params || note.action == action::strict) {
        auto request = put("");
        request.method = "PATCH";
        change(call, nodes, std::move(request), step.what);
    } else if (note.action == action::aliases) {
        change(call, nodes,
               {.method = "POST", .path = fmt::format("/collections/aliases?{}", patient), .body = note.body},
               step.what);
    } else if (note.action == action::drop) {
        const auto response = nodes.any().http().send(
            call, {.method = "DELETE", .path = fmt::format("{}?{}", below(note), patient), .silence = change_silence});
        // `false` says that there was none: what is wanted.
        if (!response.ok()) require_done(response, step.what);
        require_good(response, step.what);
    } else {
        throw Error(ErrorKind::failed, fmt::format("{}: a step of another version of vbackup", step.what));
    }
    return {};
}

std::optional<Outcome> restore_step_done(Call& call, Nodes& nodes, const model::Step& step) {
    const auto note = parse_note(step.details);
    const bool puts = note.action == action::upload || note.action == action::recover;
    if (puts && note.place.unit == Unit::collection &&
        nodes.at(call, note.place.node).working(call).recovering(note.place.collection) > 0)
        return Outcome{
            .job = model::JobRef{.name = note.place.collection, .part = note.place.part(), .details = render(note)}};
    if (is_done(call, nodes, note)) return Outcome{};
    return std::nullopt;
}

Seen observe_recovery(Call& call, Nodes& nodes, Memory& memory, const Note& note) {
    const auto job = note.place.on_node() + " recovery";
    const auto& client = nodes.at(call, note.place.node);
    const auto working = client.working(call);
    if (working.recovering(note.place.collection) > 0) {
        memory.busy(job);
        return seen(Phase::running, "recovering");
    }
    const auto there = client.collection(call, note.place.collection, Repeat::no);
    std::optional<std::uint64_t> points;
    if (there && note.points) points = count(call, client, {note.place.collection, {}});
    if (points && *points == *note.points) return seen(Phase::succeeded, "recovered");
    if (!working.known || !memory.idle_too_long(call, job)) return seen(Phase::running, "recovering");
    // Without a count to compare, the proof has the last word.
    if (there && !points) return seen(Phase::succeeded, "recovered");
    const auto has =
        there ? fmt::format("it has {} of {} points", points.value_or(0), note.points.value_or(0)) : "it is not there";
    return seen(Phase::failed, "failed",
                fmt::format("the server ended its work on {}, but {}; its log has the reason", note.place.text(), has));
}

}  // namespace vbackup::driver::qdrant
