// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/prove.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "driver/dragonfly/definitions.hpp"
#include "driver/dragonfly/options.hpp"
#include "driver/dragonfly/plans.hpp"

namespace vbackup::driver::dragonfly {

namespace {

model::Finding finding(bool good, std::string what) {
    return {std::move(what), good};
}

struct Range {
    std::uint64_t least = 0, most = 0;
    bool holds(std::uint64_t count) const { return least <= count && count <= most; }
    std::string text() const { return least == most ? std::to_string(least) : fmt::format("{} to {}", least, most); }
};

std::uint64_t minus(std::uint64_t a, std::uint64_t b) {
    return a > b ? a - b : 0;
}

// Keys that never expire are proven by number. Those that do may have gone since, and only the others must be there.
model::Finding compare(std::uint32_t database, const io::KeyCounts& wanted, const KeySpace& here, std::uint64_t begun,
                       std::uint64_t now) {
    const auto lasting = wanted.keys - wanted.with_expiry;
    const auto [least, most] = wanted.alive(begun, now);
    // A key that SCAN named twice is in the file twice, and in the store once.
    const Range for_good{minus(lasting, wanted.perhaps_twice), lasting};
    const Range for_now{minus(least, wanted.perhaps_twice), wanted.with_expiry};
    const auto lasting_here = minus(here.keys, here.expires);
    const bool good = for_good.holds(lasting_here) && for_now.holds(here.expires);
    return finding(
        good, fmt::format("database {}: {} keys without expiry where the backup has {}, {} with one where it has {}",
                          name_of(database), lasting_here, for_good.text(), here.expires, for_now.text()));
}

void prove_databases(const io::KeySummary& summary, const std::map<std::uint32_t, std::uint32_t>& destinations,
                     const Census& census, std::uint64_t now, model::Proof& proof) {
    const auto here = census.databases();
    for (const auto& [from, to] : destinations) {
        const auto wanted = summary.databases.find(from);
        const auto found = here.find(to);
        proof.findings.push_back(compare(to, wanted == summary.databases.end() ? io::KeyCounts{} : wanted->second,
                                         found == here.end() ? KeySpace{} : found->second, summary.begun, now));
    }
}

// Whether each was taken was seen when it was sent.
void prove_chosen(const model::Request& request, model::Proof& proof) {
    std::uint64_t all = 0;
    for (const auto& job : request.jobs) {
        const auto note = parse_note(job.details);
        if (note.action != action::keys) continue;
        std::uint64_t sent = 0;
        for (const auto& [database, count] : note.sent) sent += count;
        all += sent;
        proof.findings.push_back(
            finding(true, fmt::format("{}: {} chosen keys were taken by the server", note.file, sent)));
    }
    if (all == 0) proof.findings.push_back(finding(false, "no key of the backup is like the pattern"));
}

void prove_names(std::vector<std::string> wanted, const std::vector<std::string>& here, std::string_view what,
                 model::Proof& proof) {
    for (auto& name : wanted) {
        const bool there = std::find(here.begin(), here.end(), name) != here.end();
        proof.findings.push_back(finding(there, fmt::format("{} {} is {}", what, name, there ? "there" : "missing")));
    }
}

// Of a snapshot that a server kept: it was counted before and after it was made.
void prove_loaded(const model::Manifest& manifest, const Census& census, model::Proof& proof) {
    const auto here = census.databases();
    for (const auto& entry : manifest.collections) {
        const auto database = database_of(entry.before.name);
        if (!database || !entry.before.count) continue;
        const auto found = here.find(*database);
        const auto space = found == here.end() ? KeySpace{} : found->second;
        const auto before = *entry.before.count, after = entry.count_after.value_or(before);
        const Range range{minus(std::min(before, after), expires_of(entry)), std::max(before, after)};
        proof.findings.push_back(finding(
            range.holds(space.keys),
            fmt::format("database {}: {} keys where the backup has {}", entry.before.name, space.keys, range.text())));
    }
    if (!proof.findings.empty()) return;
    // Nobody counted what is in a snapshot of somebody else's: the load ended well, which is all there is to say.
    std::uint64_t keys = 0;
    for (const auto& [database, space] : here) keys += space.keys;
    proof.findings.push_back(
        finding(keys > 0, fmt::format("{} keys were loaded; how many there were is not known", keys)));
}

}  // namespace

std::uint64_t expires_of(const model::CollectionEntry& entry) {
    std::uint64_t expires = 0;
    for (const auto& text : {entry.before.details, entry.details_after})
        if (const auto digits = text.find_first_of("0123456789"); digits != std::string::npos)
            expires = std::max<std::uint64_t>(expires, std::stoull(text.substr(digits)));
    return expires;
}

std::optional<io::KeySummary> counted(const model::Manifest& manifest) {
    std::optional<io::KeySummary> all;
    for (const auto& job : manifest.jobs) {
        const auto note = parse_note(job.details);
        if (!note.counted) continue;
        if (!all) all.emplace(io::KeySummary{.begun = note.counted->begun});
        // Nodes begin within moments of each other, by clocks that need not agree: the earliest is the careful one.
        all->begun = std::min(all->begun, note.counted->begun);
        for (const auto& [database, counts] : note.counted->databases) all->databases[database].add(counts);
    }
    return all;
}

model::Proof prove(Call& call, const net::RespServer& seed, const model::Manifest& manifest,
                   const model::Request& request) {
    model::Proof proof;
    const auto census = look(call, seed);
    if (!manifest.kept) {
        prove_loaded(manifest, census, proof);
        return proof;
    }
    if (!match_of(manifest, request).empty()) {
        prove_chosen(request, proof);
        return proof;
    }
    const auto summary = counted(manifest);
    if (!summary) {
        proof.findings.push_back(finding(false, "the backup does not say how many keys it holds"));
        return proof;
    }
    net::Resp wire(call, census.layout.masters.front().server);
    prove_databases(*summary, destinations_of(manifest, request), census, ask_time(call, wire), proof);
    if (!request.scope.all() || !request.renames.empty()) return proof;
    const auto about = parse_about(manifest.driver_data);
    prove_names(about.functions, ask_functions(call, wire), "library of functions", proof);
    prove_names(about.indexes, ask_indexes(call, wire), "search index", proof);
    return proof;
}

namespace {

KeySpace in(const KeySpaces& spaces, std::uint32_t database) {
    const auto found = spaces.find(database);
    return found == spaces.end() ? KeySpace{} : found->second;
}

std::uint64_t lasting(const KeySpace& space) {
    return minus(space.keys, space.expires);
}

KeySpace read_of(const io::KeySummary& read, std::uint32_t database) {
    const auto found = read.databases.find(database);
    return found == read.databases.end() ? KeySpace{} : KeySpace{found->second.keys, found->second.with_expiry};
}

[[noreturn]] void not_all_read(std::string what) {
    throw Error(ErrorKind::corrupt, std::move(what),
                "remove what came with `vbackup delete`, then make it anew; if it stays, look at the server's log");
}

bool most_lost(std::uint64_t here, std::uint64_t had) {
    return here < had / 2 || (here == 0 && had > 0);
}

// Read from its beginning after the line broke, a server that lost its data in between looks whole. Some fewer are no proof of that:
// keys expire meanwhile, and the last second before a crash is not in a log that is written once a second.
void compare_with_before(Call& call, const Note& note, const Facts& now, const io::KeySummary& read) {
    for (const auto database : note.databases) {
        const auto had = in(note.spaces, database);
        const auto here = note.match.empty() ? read_of(read, database) : in(now.databases, database);
        const auto what = fmt::format(
            "{} was started anew meanwhile: {} has {} keys, {} of them without expiry, where it had {} and {}",
            note.node, name_of(database), here.keys, lasting(here), had.keys, lasting(had));
        if (most_lost(here.keys, had.keys) || most_lost(lasting(here), lasting(had))) not_all_read(what);
        call.tally.warn(what);
    }
}

// Of fewer keys than this, a queue's come and go by more than half within one reading.
constexpr std::uint64_t many = 1000;

// A save had the server count its changes anew, so that only a guess is left. What vanished was named, so it was not missed.
void doubt(Call& call, const Note& note, std::uint32_t database, std::uint64_t had, const io::KeySummary& read) {
    const auto came = lasting(read_of(read, database));
    const auto found = read.databases.find(database);
    const auto vanished = found == read.databases.end() ? 0 : found->second.vanished;
    const auto what = fmt::format("{} gave {} keys without expiry of {}, where it had {} or more before and after",
                                  note.node, came, name_of(database), had);
    if (had >= many && came + vanished < had / 2) not_all_read(what);
    call.tally.warn(what + "; it was written to and saved meanwhile, so whether all were read cannot be told");
}

}  // namespace

void require_all_read(Call& call, const Note& note, const Facts& now, const io::KeySummary& read) {
    if (was_restarted(note.before, now)) return compare_with_before(call, note, now, read);
    if (!note.match.empty()) return;
    const auto changes = changes_since(note.before, now);
    for (const auto database : note.databases) {
        // What was there before and after was there all the time but for those that came and went. Each that came is a change.
        const auto both = std::min(lasting(in(note.spaces, database)), lasting(in(now.databases, database)));
        const auto came = lasting(read_of(read, database));
        if (came >= minus(both, changes.value_or(0))) continue;
        if (!changes) {
            doubt(call, note, database, both, read);
            continue;
        }
        not_all_read(
            fmt::format("{} gave {} keys without expiry of {} where it has {}, though {}", note.node, came,
                        name_of(database), lasting(in(now.databases, database)),
                        *changes == 0 ? "nobody wrote to it" : fmt::format("it counted {} changes only", *changes)));
    }
}

}  // namespace vbackup::driver::dragonfly
