// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/increment.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/url.hpp"
#include "driver/qdrant/layers.hpp"
#include "driver/qdrant/restore.hpp"
#include "model/shallow.hpp"

namespace vbackup::driver::qdrant {

namespace {

using model::StepKind;

// A shard's partial snapshots: "/collections/docs/shards/0/snapshot/partial/create".
std::string partial_path(const Place& place, std::string_view what) {
    return fmt::format("/collections/{}/shards/{}/snapshot/partial/{}", percent_encode(place.collection), place.shard,
                       what);
}

// Before it answers the server brings all writes it has taken into the segments.
constexpr Seconds partial_silence{300};

// Looks for what may be left out of a shard's backup.
class Finder {
public:
    Finder(Call& call, Nodes& nodes, const Base& base) : call_(call), nodes_(nodes), base_(base) {}

    // What base and server both have. Empty, with a reason, where that is nothing or not certain.
    Inventory shared(const Place& place, std::string& why) {
        const auto* file = file_of(place);
        if (!file) {
            why = fmt::format("{} does not have it", base_.manifest.id);
            return {};
        }
        const auto now = now_there(place, why);
        if (!now) return {};
        try {
            auto both = common(inventory_in(call_, [&](auto offset) { return base_.open(*file, offset); }), *now);
            if (both.empty()) why = fmt::format("it has no segment in common with {}", base_.manifest.id);
            return both;
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::not_found &&
                error.kind() != ErrorKind::not_understood)
                throw;
            why = fmt::format("{} in {} cannot be built on: {}", file->name, base_.manifest.id, error.message());
            return {};
        }
    }

private:
    const model::File* file_of(const Place& place) const {
        for (const auto& file : base_.manifest.files) {
            const auto of = parse_note(file.details).place;
            if (file.name == file_name(place) && of.unit == Unit::shard && of.collection == place.collection &&
                of.shard == place.shard)
                return &file;
        }
        return nullptr;
    }

    std::optional<Inventory> now_there(const Place& place, std::string& why) {
        const auto response =
            nodes_.at(call_, place.node).http().send(call_, {.path = partial_path(place, "manifest")});
        // A route that is not known is answered without a body.
        if (response.status == 404 && response.body.empty()) {
            why = "this Qdrant makes no partial snapshots, which 1.13 brought";
            return std::nullopt;
        }
        if (response.status == 403) {
            why = "the key may not see what the server has: that takes one that may read everything";
            return std::nullopt;
        }
        require_good(response, fmt::format("list the segments of {}", place.text()));
        const auto answer = nlohmann::json::parse(model::shallow(response.body), nullptr, false);
        if (!answer.is_object() || !answer.contains("result"))
            throw Error(ErrorKind::not_understood,
                        fmt::format("the server did not say which segments {} has", place.text()));
        return fixed_of(answer.at("result").dump());
    }

    Call& call_;
    Nodes& nodes_;
    const Base& base_;
};

// The fetch of a partial snapshot takes the place of the steps that make, fetch and remove a whole one.
void replace_steps(model::Plan& plan, const Place& place, const Note& note, const std::string& base) {
    const auto make = step_name("snapshot", place), fetch = step_name("fetch", place);
    std::erase_if(plan.steps, [&](const auto& step) { return step.id == make || step.of == make; });
    plan.steps.push_back({.id = fetch,
                          .kind = StepKind::fetch,
                          .part = place.part(),
                          .what = fmt::format("bring home what {} does not have of {}", base, place.text()),
                          .job = model::JobRef{.name = {}, .part = place.part(), .details = render(note)}});
}

// One note for all that is backed up whole for the same reason.
void note_whole(const std::map<std::string, std::vector<Place>>& whole, model::Plan& plan) {
    for (const auto& [why, places] : whole) {
        const auto more = places.size() - 1;
        plan.notes.push_back(fmt::format("{}{} backed up whole: {}", places.front().text(),
                                         more == 0 ? std::string(" is") : fmt::format(" and {} more are", more), why));
    }
}

// The snapshots of shards that a plan makes.
std::vector<Place> places_in(const model::Plan& plan) {
    std::vector<Place> places;
    for (const auto& step : plan.steps) {
        const auto note = step.details.empty() ? Note{} : parse_note(step.details);
        if (note.action == action::snapshot) places.push_back(note.place);
    }
    return places;
}

class Sized : public io::Source {
public:
    Sized(io::Source& source, std::uint64_t size) : source_(source), size_(size) {}
    std::size_t read(std::span<std::byte> into) override { return source_.read(into); }
    std::optional<std::uint64_t> size() const override { return size_; }

private:
    io::Source& source_;
    std::uint64_t size_;
};

}  // namespace

model::Plan plan_increment(Call& call, Nodes& nodes, const model::Request& request, const Base& base) {
    // Another replica may have put its segments together in another way: the one that the base is of has most in common.
    std::map<std::string, std::string> nodes_of_base;
    for (const auto& file : base.manifest.files) nodes_of_base[file.name] = parse_note(file.details).place.node;
    auto plan = plan_create(call, nodes, request, nodes_of_base);
    const auto version = nodes.any().root(call).version;
    if (version != base.manifest.server_version) {
        plan.notes.push_back(fmt::format("{} was made by Qdrant {}, which is {} now: everything is backed up whole",
                                         base.manifest.id, base.manifest.server_version, version));
        return plan;
    }
    Finder finder(call, nodes, base);
    std::map<std::string, std::vector<Place>> whole;
    for (const auto& place : places_in(plan)) {
        std::string why;
        const auto shared = finder.shared(place, why);
        if (shared.empty()) {
            whole[why].push_back(place);
            continue;
        }
        Note note{.action = std::string(action::partial), .place = place};
        note.body = render_inventory(shared);
        note.base = base.manifest.id;
        replace_steps(plan, place, note, base.manifest.id);
        plan.bases = {base.manifest.id};
    }
    note_whole(whole, plan);
    return plan;
}

Driver::Files partial_files(const Note& note) {
    model::File file{.name = file_name(note.place), .part = note.place.part(), .format = model::Format::tar};
    file.base = note.base;
    file.details = render(note);
    return {.files = {std::move(file)}, .location = {}};
}

std::unique_ptr<io::Source> open_partial(Call& call, Nodes& nodes, const model::File& file, bool zstd) {
    const auto note = parse_note(file.details);
    const auto& client = nodes.at(call, note.place.node);
    if (const auto missing = what_is_missing(call, client, note.place); !missing.empty())
        throw Error(ErrorKind::refused, fmt::format("no snapshot of {} was made: {}", note.place.text(), missing),
                    "run it again once `vbackup check` is content");
    net::Request request{.method = "POST", .path = partial_path(note.place, "create"), .body = note.body, .zstd = zstd};
    request.silence = partial_silence;
    net::Response head;
    auto source = client.http().open(call, request, head);
    if (!source) {
        require_good(head, fmt::format("make a partial snapshot of {}", note.place.text()));
        throw Error(ErrorKind::not_understood, fmt::format("the server sent no partial snapshot of {}: it answered {}",
                                                           note.place.text(), head.status));
    }
    const auto whole = [&call, &client, place = note.place] {
        if (const auto missing = what_is_missing(call, client, place); !missing.empty())
            throw Error(ErrorKind::job_failed,
                        fmt::format("the snapshot of {} is not whole: {}", place.text(), missing),
                        "run it again once `vbackup check` is content");
    };
    return checked_partial(std::move(source), parse_inventory(note.body), whole);
}

model::Outcome send_merged(Call& call, Nodes& nodes, const Secret& key, const model::Step& step, io::Source& source,
                           const io::Copied& measured) {
    auto note = parse_note(step.details);
    note.sha256 = measured.sha256;
    auto whole = step;
    whole.details = render(note);
    Sized sized(source, measured.size);
    return run_restore_step(call, nodes, key, whole, &sized);
}

}  // namespace vbackup::driver::qdrant
