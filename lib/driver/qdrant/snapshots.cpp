// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/snapshots.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/url.hpp"
#include "driver/qdrant/census.hpp"
#include "driver/qdrant/options.hpp"

namespace vbackup::driver::qdrant {

namespace {

using model::Phase;
using model::Step;
using model::StepKind;

std::vector<std::string> names_of(const std::vector<Snapshot>& snapshots) {
    std::vector<std::string> names;
    for (const auto& snapshot : snapshots) names.push_back(snapshot.name);
    return names;
}

// The snapshots of that place which were not there before, oldest first. Names end in the second they were begun.
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
                       place.shard.empty() ? "" : ":", place.shard);
}

std::vector<Place> places_of(const model::Collection& collection, Unit unit) {
    if (unit == Unit::collection) return {{unit, collection.name, ""}};
    std::vector<Place> places;
    for (const auto& shard : parse_census(collection).shards)
        places.push_back({unit, collection.name, std::to_string(shard.id)});
    return places;
}

void require_whole(const model::Inspection& now) {
    for (const auto& collection : now.collections) {
        const auto census = parse_census(collection);
        // Replicas elsewhere mean other nodes, whatever /cluster was allowed to say.
        if (census.remote > 0) require_one_node({.known = true, .enabled = true, .peers = 2});
        if (census.shards.empty() && !census.custom_sharding)
            throw Error(ErrorKind::refused, fmt::format("collection {} has no shard on this node", collection.name));
    }
}

void require_healthy(const model::Inspection& now) {
    if (now.obstacles.empty()) return;
    throw Error(ErrorKind::refused, now.obstacles.front(), "`vbackup check` shows the whole state of the target");
}

// The steps that make one snapshot, bring it home and free the server of it.
void add_snapshot(Call& call, const Client& client, const model::Request& request, const Place& place,
                  model::Plan& plan) {
    Note note{.action = std::string(action::snapshot), .place = place};
    note.before = names_of(client.snapshots(call, place));
    Step make{.id = step_name("snapshot", place),
              .part = place.part(),
              .what = fmt::format("make a snapshot of {}", place.text())};
    make.details = render(note);
    plan.steps.push_back(make);
    if (!request.keep) return;
    Step fetch{.id = step_name("fetch", place),
               .kind = StepKind::fetch,
               .part = place.part(),
               .what = fmt::format("bring home the snapshot of {}", place.text()),
               .after = {make.id},
               .of = make.id};
    plan.steps.push_back(fetch);
    if (keeps_on_server(request.options)) return;
    auto forget = forget_step(place, "");
    forget.after = {fetch.id};
    forget.of = make.id;
    forget.destroys = false;
    forget.tidy = true;
    plan.steps.push_back(std::move(forget));
}

// The list of a place that may have gone away meanwhile.
std::optional<std::vector<Snapshot>> list_of(Call& call, const Client& client, const Place& place, Repeat repeat) {
    try {
        return client.snapshots(call, place, repeat);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        return std::nullopt;
    }
}

model::Found found_of(const Place& place, const Snapshot& snapshot) {
    Note note{.action = std::string(action::snapshot), .place = place, .name = snapshot.name};
    note.sha256 = snapshot.checksum;
    model::Found found{.name = snapshot.name,
                       .phase = Phase::succeeded,
                       .said = "stored",
                       .completed = snapshot.created,
                       .size = snapshot.size,
                       .where = "the server",
                       .driver = "qdrant",
                       .job = job_of(note)};
    if (!place.collection.empty()) found.collections = {place.collection};
    return found;
}

// Uploaded and hand-copied files are shown as well, but not the same file twice where S3 lists shards with their collection.
void add_found(Call& call, const Client& client, const Place& place, std::vector<model::Found>& all) {
    const auto listed = list_of(call, client, place, Repeat::yes);
    if (!listed) return;
    for (const auto& snapshot : *listed) {
        const bool shown =
            std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.name == snapshot.name; });
        if (!shown || place.owns(snapshot.name)) all.push_back(found_of(place, snapshot));
    }
}

const model::JobRef& only_job(const model::Request& request) {
    return request.found->job;
}

model::File file_of(const Place& place, const Snapshot& snapshot) {
    Note note{.action = std::string(action::snapshot), .place = place, .name = snapshot.name};
    return {.name = file_name(place),
            .part = place.part(),
            .server_name = snapshot.name,
            .size = snapshot.size,
            .sha256 = {},
            .server_sha256 = snapshot.checksum,
            .format = model::Format::tar,
            .base = {},
            .kept = false,
            .details = render(note)};
}

std::string path_of(const Place& place, const std::string& name) {
    return place.path() + "/" + percent_encode(name);
}

constexpr std::string_view elsewhere =
    "it was deleted, or it lies on another node: snapshots belong to the node that made them, so name that node and no "
    "load balancer";

[[noreturn]] void throw_gone(const Place& place, const std::string& name) {
    throw Error(ErrorKind::not_found, fmt::format("the server has no snapshot {} of {}", name, place.text()),
                std::string(elsewhere));
}

// The end of a file that is complete already: nothing more to read.
class Complete : public io::Source {
public:
    explicit Complete(std::uint64_t size) : size_(size) {}
    std::size_t read(std::span<std::byte>) override { return 0; }
    std::optional<std::uint64_t> size() const override { return size_; }
    std::uint64_t offset() const override { return size_; }

private:
    std::uint64_t size_;
};

// "bytes */130048"
std::optional<std::uint64_t> size_in(std::string_view content_range) {
    constexpr std::string_view front = "bytes */";
    if (!content_range.starts_with(front) || content_range.size() > front.size() + 19) return std::nullopt;
    std::uint64_t size = 0;
    for (const char c : content_range.substr(front.size())) {
        if (c < '0' || c > '9') return std::nullopt;
        size = size * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return size;
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

}  // namespace

void Memory::etag(const std::string& path, std::string value) {
    const std::scoped_lock lock(mutex_);
    etags_[path] = std::move(value);
}

std::string Memory::etag(const std::string& path) const {
    const std::scoped_lock lock(mutex_);
    const auto found = etags_.find(path);
    return found == etags_.end() ? std::string{} : found->second;
}

bool Memory::idle_too_long(const Call& call, const std::string& job) {
    constexpr int looks = 4;
    constexpr Seconds length{5};
    const std::scoped_lock lock(mutex_);
    auto& idle = idle_[job];
    if (idle.looks++ == 0) idle.since = call.clock.now();
    return idle.looks >= looks && call.clock.now() - idle.since >= length;
}

void Memory::busy(const std::string& job) {
    const std::scoped_lock lock(mutex_);
    idle_.erase(job);
}

void Memory::made(const Place& place, const Note& note) {
    const std::scoped_lock lock(mutex_);
    made_[place.path()] = note;
}

std::optional<Note> Memory::made(const Place& place) const {
    const std::scoped_lock lock(mutex_);
    const auto found = made_.find(place.path());
    return found == made_.end() ? std::nullopt : std::optional(found->second);
}

model::Plan plan_create(Call& call, const Client& client, const model::Request& request) {
    require_one_node(client.cluster(call));
    const auto unit = unit_of(request.options);
    if (unit == Unit::storage && !request.scope.all())
        throw Error(ErrorKind::usage, "a storage snapshot holds every collection",
                    "leave out --collection and --exclude, or use -o unit=shard");
    const auto now = request.inspection ? *request.inspection : inspect(call, client, request.scope);
    require_healthy(now);
    require_whole(now);
    if (now.collections.empty()) throw Error(ErrorKind::refused, "there is no collection to back up");
    for (const auto& collection : now.collections) {
        if (unit == Unit::collection) require_same_ring(collection.name, parse_census(collection), unit);
    }
    for (const auto& collection : now.collections) client.require_may_snapshot(call, collection.name);

    model::Plan plan;
    plan.details = render(Note{.action = "create", .place = {unit, "", ""}});
    if (unit == Unit::storage) add_snapshot(call, client, request, {unit, "", ""}, plan);
    for (const auto& collection : now.collections) {
        if (unit == Unit::storage) break;
        for (const auto& place : places_of(collection, unit)) add_snapshot(call, client, request, place, plan);
    }
    return plan;
}

model::Plan plan_download(const model::Request& request) {
    std::vector<model::JobRef> jobs;
    if (request.manifest)
        jobs = request.manifest->jobs;
    else
        jobs.push_back(only_job(request));
    model::Plan plan;
    for (const auto& job : jobs) {
        const auto note = parse_note(job.details);
        plan.steps.push_back({.id = step_name("fetch", note.place),
                              .kind = StepKind::fetch,
                              .part = note.place.part(),
                              .what = fmt::format("bring home the snapshot of {}", note.place.text()),
                              .job = job});
    }
    if (plan.steps.empty()) throw Error(ErrorKind::corrupt, "the backup names no snapshot");
    plan.details = render(Note{.action = "create", .place = {parse_note(jobs.front().details).place.unit, "", ""}});
    return plan;
}

Step forget_step(const Place& place, const std::string& name) {
    Step step{.id = step_name("forget", place),
              .part = place.part(),
              .what = name.empty() ? fmt::format("delete the server's copy of the snapshot of {}", place.text())
                                   : fmt::format("delete snapshot {} of {} from the server", name, place.text())};
    step.destroys = true;
    step.details = render(Note{.action = std::string(action::forget), .place = place, .name = name});
    return step;
}

model::Plan plan_remove(const model::Request& request) {
    model::Plan plan;
    if (request.manifest) {
        for (const auto& file : request.manifest->files)
            if (!file.kept) plan.steps.push_back(forget_step(parse_note(file.details).place, file.server_name));
    } else {
        plan.steps.push_back(forget_step(parse_note(only_job(request).details).place, only_job(request).name));
    }
    return plan;
}

std::vector<model::Found> list(Call& call, const Client& client) {
    std::vector<model::Found> all;
    for (const auto& name : client.collections(call)) {
        call.require_time();
        for (const auto& shard : client.shards(call, name).local)
            add_found(call, client, {Unit::shard, name, std::to_string(shard.id)}, all);
        add_found(call, client, {Unit::collection, name, ""}, all);
    }
    add_found(call, client, {Unit::storage, "", ""}, all);
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return b.completed < a.completed; });
    return all;
}

namespace {

// Names tell the second they were begun in and nothing finer. A second snapshot within that second gets the name of the
// first and takes its place; a storage snapshot even carries the collections' own ones of that second away (seen on 1.19.0).
void require_new_second(Call& call, const Client& client, const Place& place, std::vector<Snapshot> listed) {
    if (place.unit == Unit::storage) {
        for (const auto& name : client.collections(call)) {
            const auto more = list_of(call, client, {Unit::collection, name, ""}, Repeat::yes);
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

}  // namespace

model::Outcome make_snapshot(Call& call, const Client& client, const Note& planned) {
    auto note = planned;
    // Listed again right before: whatever another tool made since the plan is not ours.
    const auto listed = client.snapshots(call, note.place);
    require_new_second(call, client, note.place, listed);
    note.before = names_of(listed);
    net::Request request{.method = "POST", .path = note.place.path() + "?wait=false"};
    const auto response = client.http().send(call, request);
    if (is_accepted(response)) return {.job = job_of(note), .secret = {}};
    // A server that knows no wait=false has made it by now.
    const auto made = made_snapshot(response);
    if (!made)
        throw Error(ErrorKind::not_understood,
                    fmt::format("the server did not say that it makes a snapshot of {}", note.place.text()));
    note.name = made->name;
    return {.job = job_of(note), .secret = {}};
}

std::optional<model::Outcome> snapshot_taken(Call& call, const Client& client, const Note& note) {
    const auto listed = list_of(call, client, note.place, Repeat::yes);
    if (listed && !new_ones(note, *listed).empty()) return model::Outcome{.job = job_of(note), .secret = {}};
    // Telemetry counts by collection: only where that is one snapshot does it tell that ours is being made.
    if (note.place.unit == Unit::collection && client.working(call).creating(note.place.collection) > 0)
        return model::Outcome{.job = job_of(note), .secret = {}};
    return std::nullopt;
}

model::Outcome forget(Call& call, const Client& client, const Memory& memory, const Step& step) {
    const auto place = parse_note(step.details).place;
    const auto name = name_to_forget(memory, step);
    if (name.empty())
        throw Error(
            ErrorKind::refused,
            fmt::format("a snapshot of {} was left with the server: it is not certain which one is ours", place.text()),
            "`vbackup list` shows it; delete it by its name");
    const auto response = client.http().send(call, {.method = "DELETE", .path = path_of(place, name)});
    // Gone is what was wanted.
    if (response.status != 404) require_done(response, fmt::format("delete snapshot {}", name));
    return {};
}

bool is_forgotten(Call& call, const Client& client, const Memory& memory, const Step& step) {
    const auto name = name_to_forget(memory, step);
    const auto listed = list_of(call, client, parse_note(step.details).place, Repeat::yes);
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

model::Seen observe_snapshot(Call& call, const Client& client, Memory& memory, const Note& note) {
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
    const auto job = note.place.path();
    if (!made.empty()) {
        auto named = note;
        named.name = made.front().name;
        named.several = made.size() > 1;
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

Driver::Files files(Call& call, const Client& client, Memory& memory, const Note& note) {
    const auto listed = list_of(call, client, note.place, Repeat::yes);
    if (!listed) throw_gone(note.place, note.name);
    auto ours = *listed;
    if (note.name.empty())
        ours = new_ones(note, ours);
    else
        std::erase_if(ours, [&](const auto& one) { return one.name != note.name; });
    if (ours.empty()) throw_gone(note.place, note.name.empty() ? "of that time" : note.name);
    auto named = note;
    named.name = ours.front().name;
    named.several = note.several || ours.size() > 1;
    memory.made(note.place, named);
    return {.files = {file_of(note.place, ours.front())}, .location = {}};
}

std::unique_ptr<io::Source> open(Call& call, const Client& client, Memory& memory, const model::File& file,
                                 std::uint64_t offset) {
    const auto place = parse_note(file.details).place;
    const auto path = path_of(place, file.server_name);
    net::Request request;
    request.path = path;
    net::Response head;
    auto source = client.http().open(call, request, head, offset, offset > 0 ? memory.etag(path) : std::string{});
    // 412: the file was made anew under the same name. 416: the end was reached, or it became shorter.
    const auto whole = head.status == 416 ? size_in(head.header("content-range")) : std::nullopt;
    if (whole && *whole == offset) return std::make_unique<Complete>(*whole);
    if (offset > 0 && (head.status == 412 || head.status == 416)) source = client.http().open(call, request, head, 0);
    if (source) {
        memory.etag(path, std::string(head.header("etag")));
        return source;
    }
    if (head.status == 404) throw_gone(place, file.server_name);
    require_good(head, fmt::format("download snapshot {}", file.server_name));
    throw Error(ErrorKind::not_understood, fmt::format("the server sent no bytes of snapshot {}", file.server_name));
}

}  // namespace vbackup::driver::qdrant
