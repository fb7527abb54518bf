// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/dragonfly/fit.hpp"
#include "driver/dragonfly/load.hpp"
#include "driver/dragonfly/note.hpp"
#include "driver/dragonfly/options.hpp"
#include "driver/dragonfly/plans.hpp"
#include "driver/dragonfly/prove.hpp"
#include "driver/dragonfly/snapshot_files.hpp"

namespace vbackup::driver::dragonfly {

namespace {

using model::Step;
using model::StepKind;

std::uint32_t require_database(const std::string& name) {
    if (const auto database = database_of(name)) return *database;
    throw Error(ErrorKind::usage, fmt::format("{} is no name of a database", one_line(name, 80)),
                "write db0, db1 and so on");
}

bool is_keys(const model::File& file) {
    return parse_note(file.details).action == action::scan;
}

// Those that were there before the backup, and those that got their first keys while it was made.
std::set<std::uint32_t> databases_of(const model::Manifest& manifest) {
    std::set<std::uint32_t> all;
    for (const auto& entry : manifest.collections) all.insert(require_database(entry.before.name));
    if (const auto read = counted(manifest))
        for (const auto& [database, counts] : read->databases)
            if (counts.keys > 0) all.insert(database);
    return all;
}

// Files of keys and the one of definitions, as they were made by this driver.
void require_files(const model::Manifest& manifest) {
    bool keys = false;
    for (const auto& file : manifest.files) keys = keys || is_keys(file);
    if (!keys) throw Error(ErrorKind::corrupt, fmt::format("the backup {} has no file of keys", manifest.id));
}

struct Restore {
    const Census& census;
    const model::Request& request;
    std::map<std::uint32_t, std::uint32_t> destinations;
    std::string match;
    About about;
    model::Plan plan;
    std::vector<std::string> cleared, sent;

    // All that the backup holds goes back to where it was.
    bool all_of_it() const {
        return request.scope.all() && request.renames.empty() && option(request.options, "match").empty();
    }
    // Everything, so that nothing which is not of the backup stays. A backup of a part says nothing of the rest.
    bool whole() const { return all_of_it() && about.whole; }

    // Of what is put back, all databases together; nothing is known of chosen keys, and nothing is cleared for them.
    io::KeyCounts counts() const {
        io::KeyCounts all;
        const auto read = counted(*request.manifest);
        if (!read || !match.empty()) return all;
        for (const auto& [from, to] : destinations)
            if (const auto found = read->databases.find(from); found != read->databases.end()) all.add(found->second);
        return all;
    }

    std::vector<std::string> occupied() const {
        std::vector<std::string> names;
        std::set<std::uint32_t> into;
        for (const auto& [from, to] : destinations) into.insert(to);
        for (const auto& [database, space] : census.databases())
            if (whole() || into.contains(database))
                names.push_back(fmt::format("{} ({} keys)", name_of(database), space.keys));
        return names;
    }

    void add_clearing() {
        const auto names = occupied();
        if (!match.empty() || names.empty()) return;
        std::string all;
        for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
        if (!request.overwrite)
            throw Error(
                ErrorKind::conflict, fmt::format("there are keys already: {}", all),
                "--overwrite clears what is there first; -o match=PATTERN puts chosen keys back without clearing");
        for (const auto& master : census.layout.masters) {
            Note note{.action = std::string(action::clear), .node = master.name};
            note.everything = whole();
            std::set<std::uint32_t> into;
            for (const auto& [from, to] : destinations) into.insert(to);
            note.databases.assign(into.begin(), into.end());
            Step step{.id = "clear:" + master.name, .kind = StepKind::change, .destroys = true};
            step.part.node = master.name;
            step.what = fmt::format("delete every key of {} on {}",
                                    note.everything ? "all databases, which hold " + all : all, master.name);
            step.details = render(note);
            cleared.push_back(step.id);
            plan.steps.push_back(std::move(step));
        }
    }

    void add_keys(const model::File& file) {
        Note note{.action = std::string(action::keys), .match = match, .file = file.name};
        note.destinations = destinations;
        for (const auto& one : request.manifest->files)
            if (is_keys(one)) ++note.files;
        note.overwrite = request.overwrite || match.empty();
        Step step{.id = "keys:" + file.name, .kind = StepKind::send};
        step.what = fmt::format("put back the keys of {}{}", file.name, match.empty() ? "" : " that are like " + match);
        step.file = file.name;
        step.after = cleared;
        // Chosen keys take the place of those of the same name.
        step.destroys = !match.empty() && request.overwrite;
        if (step.destroys) step.what += ", in place of those of the same name";
        step.details = render(note);
        sent.push_back(step.id);
        plan.steps.push_back(std::move(step));
    }

    void add_definitions(const model::File& file) {
        Note note{.action = std::string(action::define), .file = file.name};
        note.overwrite = request.overwrite;
        note.acl = option(request.options, "acl") == "true";
        Step step{.id = "definitions", .kind = StepKind::send};
        step.what = note.acl ? "put back search indexes, functions and users" : "put back search indexes and functions";
        step.file = file.name;
        step.after = sent;
        step.details = render(note);
        plan.steps.push_back(std::move(step));
    }
};

void require_target(const Census& census, const std::map<std::uint32_t, std::uint32_t>& destinations) {
    for (const auto& obstacle : census.layout.obstacles)
        throw Error(ErrorKind::refused, obstacle, "`vbackup check` shows the whole state of the target");
    for (const auto& [name, facts] : census.nodes) {
        require_loaded(name, facts);
        if (facts.is_replica())
            throw Error(ErrorKind::refused, fmt::format("{} is a replica and takes no writes", name),
                        "give the master's address");
    }
    for (const auto& [from, to] : destinations) {
        if (to == 0 || !census.layout.cluster) continue;
        throw Error(ErrorKind::refused, fmt::format("a cluster has no {}", name_of(to)),
                    "restore one database: --collection " + name_of(from) + " --rename " + name_of(from) + " db0");
    }
}

// What a snapshot holds, where it can be told to the key: nobody wrote while it was made, and nothing expires. Else empty.
KeySpaces known_exactly(const model::Manifest& manifest) {
    KeySpaces all;
    for (const auto& entry : manifest.collections) {
        const auto database = database_of(entry.before.name);
        if (!database || !entry.quiet() || expires_of(entry) > 0) return {};
        if (*entry.before.count > 0) all[*database] = {*entry.before.count, 0};
    }
    return all;
}

std::uint64_t keys_at(const Census& census, const std::string& node) {
    std::uint64_t keys = 0;
    if (const auto facts = census.nodes.find(node); facts != census.nodes.end())
        for (const auto& [database, space] : facts->second.databases) keys += space.keys;
    return keys;
}

model::Plan plan_load(const Census& census, const model::Request& request) {
    const auto& manifest = *request.manifest;
    if (!census.facts.is_dragonfly())
        throw Error(ErrorKind::unsupported,
                    fmt::format("{} loads a snapshot of its own at its start only", census.facts.product),
                    fmt::format("put the file back as its dbfilename and start it{}",
                                manifest.location.empty() ? "" : ": " + manifest.location));
    if (!request.scope.all() || !request.renames.empty() || !option(request.options, "match").empty())
        throw Error(ErrorKind::unsupported, "a snapshot that stays with the server is loaded whole",
                    "leave out what chooses");
    require_target(census, {});
    model::Plan plan;
    std::uint64_t keys = 0;
    for (const auto& [database, space] : census.databases()) keys += space.keys;
    if (keys > 0 && !request.overwrite)
        throw Error(ErrorKind::conflict, fmt::format("there are {} keys already", keys),
                    "--overwrite says that the load may clear them: the server does so before it loads");
    for (const auto& job : manifest.jobs) {
        auto note = parse_note(job.details);
        if (note.action != action::save || note.text.empty())
            throw Error(ErrorKind::not_found, "where the server put this snapshot is not known",
                        "`vbackup list` shows what there is");
        // It clears its keys first: not for files that are known to be gone.
        if (const auto sight = look_again(node_at(census.layout.masters.front().server, note.node), note);
            sight && !sight->all_there)
            throw Error(ErrorKind::not_found, fmt::format("{} is not there as it was", sight->missing),
                        "restore another backup: `vbackup list` shows them");
        note.action = action::load;
        note.before.clear();
        if (manifest.jobs.size() == 1) note.spaces = known_exactly(manifest);
        Step step{.id = "load:" + note.node, .kind = StepKind::change, .destroys = keys > 0};
        step.part.node = note.node;
        const auto here = keys_at(census, note.node);
        step.what = here == 0 ? fmt::format("have {} load {}", note.node, note.text)
                              : fmt::format("have {} delete its {} keys and load {}", note.node, here, note.text);
        step.details = render(note);
        plan.steps.push_back(std::move(step));
    }
    if (keys > 0)
        plan.notes.emplace_back(
            "the server deletes its keys before it looks for the snapshot: if its files are not there any more, "
            "nothing is left");
    return plan;
}

}  // namespace

std::map<std::uint32_t, std::uint32_t> destinations_of(const model::Manifest& manifest, const model::Request& request) {
    std::map<std::uint32_t, std::uint32_t> all;
    std::set<std::uint32_t> into;
    for (const auto from : databases_of(manifest)) {
        if (!request.scope.matches(name_of(from))) continue;
        auto to = from;
        for (const auto& [old_name, new_name] : request.renames)
            if (old_name == name_of(from)) to = require_database(new_name);
        if (!into.insert(to).second)
            throw Error(ErrorKind::usage, fmt::format("two databases would become {}", name_of(to)),
                        "choose other names");
        all[from] = to;
    }
    for (const auto& [old_name, new_name] : request.renames)
        if (!all.contains(require_database(old_name)))
            throw Error(ErrorKind::not_found, fmt::format("there is no {} to be renamed in the backup", old_name),
                        "`vbackup status` shows what is in it");
    return all;
}

std::string match_of(const model::Manifest& manifest, const model::Request& request) {
    auto asked = option(request.options, "match");
    return asked.empty() ? parse_about(manifest.driver_data).match : asked;
}

model::Plan plan_restore(Call& call, const net::RespServer& seed, const model::Request& request) {
    const auto& manifest = *request.manifest;
    const auto census = look(call, seed);
    if (!manifest.kept) return plan_load(census, request);
    require_files(manifest);
    Restore restore{.census = census,
                    .request = request,
                    .destinations = destinations_of(manifest, request),
                    .match = match_of(manifest, request),
                    .about = parse_about(manifest.driver_data)};
    require_target(census, restore.destinations);
    require_fit(call, census, restore.destinations, restore.counts());
    restore.add_clearing();
    for (const auto& file : manifest.files)
        if (is_keys(file)) restore.add_keys(file);
    for (const auto& file : manifest.files)
        if (!is_keys(file) && restore.all_of_it()) restore.add_definitions(file);
    if (!restore.about.users.empty() && option(request.options, "acl") != "true")
        restore.plan.notes.emplace_back(
            "users are in the backup and stay as they are here: -o acl=true puts them back");
    return std::move(restore.plan);
}

}  // namespace vbackup::driver::dragonfly
