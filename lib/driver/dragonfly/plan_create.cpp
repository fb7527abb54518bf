// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "driver/dragonfly/definitions.hpp"
#include "driver/dragonfly/fit.hpp"
#include "driver/dragonfly/note.hpp"
#include "driver/dragonfly/options.hpp"
#include "driver/dragonfly/plans.hpp"
#include "driver/dragonfly/save.hpp"

namespace vbackup::driver::dragonfly {

namespace {

using model::Step;
using model::StepKind;

std::string file_of(const Layout& layout, const Master& master) {
    if (!layout.cluster) return "data/keys";
    auto name = "data/keys-" + master.name;
    std::replace(name.begin(), name.end(), ':', '-');
    return name;
}

std::vector<std::uint32_t> databases_in(const Census& census, const model::Scope& scope) {
    std::vector<std::uint32_t> all;
    auto spaces = census.databases();
    if (spaces.empty()) spaces[0] = {};
    for (const auto& [database, space] : spaces)
        if (scope.matches(name_of(database))) all.push_back(database);
    return all;
}

Step fetch_keys(const Census& census, const Master& master, const model::Request& request,
                const std::vector<std::uint32_t>& databases) {
    Note note{.action = std::string(action::scan), .node = master.name, .match = option(request.options, "match")};
    note.file = file_of(census.layout, master);
    note.databases = databases;
    note.everything = request.scope.all();
    note.files = census.layout.masters.size();
    note.compress = option(request.options, "compress") != "none";
    std::uint64_t keys = 0;
    if (const auto facts = census.nodes.find(master.name); facts != census.nodes.end())
        for (const auto database : databases)
            if (const auto space = facts->second.databases.find(database); space != facts->second.databases.end())
                keys += space->second.keys;
    Step step{.id = "keys:" + master.name, .kind = StepKind::fetch};
    step.part.node = master.name;
    step.what = fmt::format("read {} keys{} from {}", keys,
                            note.match.empty() ? "" : " at most, those like " + note.match, master.name);
    step.job = model::JobRef{.name = {}, .part = step.part, .details = render(note)};
    return step;
}

// After the file came home: what it holds is noted in the manifest, and held against what the server had.
Step count_keys(const Census& census, const Master& master, const Step& fetch,
                const std::vector<std::uint32_t>& databases, const std::string& match) {
    Note note{.action = std::string(action::count), .node = master.name, .match = match};
    note.file = file_of(census.layout, master);
    note.databases = databases;
    if (const auto facts = census.nodes.find(master.name); facts != census.nodes.end()) {
        note.before = life_of(facts->second);
        note.spaces = facts->second.databases;
    }
    Step step{.id = "count:" + master.name, .kind = StepKind::send};
    step.part.node = master.name;
    step.what = fmt::format("count the keys that came from {}", master.name);
    step.after = {fetch.id};
    step.file = note.file;
    step.details = render(note);
    return step;
}

void add_definitions(Call& call, const Census& census, const model::Request& request,
                     const std::vector<std::string>& fetched, model::Plan& plan) {
    const bool acl = option(request.options, "acl") == "true";
    net::Resp wire(call, census.layout.masters.front().server);
    const auto found = ask_definitions(call, wire, acl);
    for (const auto& note : found.notes) plan.notes.push_back(note);
    About about{.match = option(request.options, "match")};
    about.whole = request.scope.all() && about.match.empty();
    for (const auto& one : found.all) {
        if (one.kind == kind::index) about.indexes.push_back(one.name);
        if (one.kind == kind::user) about.users.push_back(one.name);
    }
    about.functions = ask_functions(call, wire);
    plan.details = render(about);
    if (found.all.empty()) return;
    Note note{.action = std::string(action::definitions), .node = census.layout.masters.front().name};
    note.file = "data/definitions";
    note.acl = acl;
    Step step{.id = "definitions", .kind = StepKind::fetch};
    step.what = fmt::format("read {} search indexes, {} libraries of functions, {} users", about.indexes.size(),
                            about.functions.size(), about.users.size());
    step.job = model::JobRef{.name = {}, .part = {}, .details = render(note)};
    step.after = fetched;
    plan.steps.push_back(std::move(step));
}

void require_rights(Call& call, const Master& master) {
    net::Resp wire(call, master.server);
    require_right(call, wire, {"SCAN", "0", "COUNT", "1"});
    require_right(call, wire, {"DUMP", "vbackup:none"});
    require_right(call, wire, {"PTTL", "vbackup:none"});
}

model::Plan plan_home(Call& call, const Census& census, const model::Request& request) {
    model::Plan plan;
    const auto databases = databases_in(census, request.scope);
    const auto match = option(request.options, "match");
    std::vector<std::string> fetched;
    for (const auto& master : census.layout.masters) {
        require_rights(call, master);
        plan.steps.push_back(fetch_keys(census, master, request, databases));
        fetched.push_back(plan.steps.back().id);
    }
    for (std::size_t n = 0; n < fetched.size(); ++n)
        plan.steps.push_back(count_keys(census, census.layout.masters[n], Step(plan.steps[n]), databases, match));
    if (census.layout.cluster) {
        // A key that changed its master meanwhile may have been missed by both.
        Note note{.action = std::string(action::settle), .text = census.layout.text()};
        Step step{
            .id = "slots", .kind = StepKind::settle, .what = "see that no slot of the cluster was moved meanwhile"};
        step.after = fetched;
        step.details = render(note);
        plan.steps.push_back(std::move(step));
    }
    add_definitions(call, census, request, fetched, plan);
    if (!match.empty()) plan.notes.push_back(fmt::format("only keys like {} are in this backup", match));
    return plan;
}

std::string words_of_save(const Census& census, const model::Request& request, const std::string& name) {
    const auto format = option(request.options, "format");
    const auto location = option(request.options, "location");
    if (!census.facts.is_dragonfly()) {
        if (format == "df" || !location.empty())
            throw Error(ErrorKind::unsupported, fmt::format("{} saves to its own file only", census.facts.product),
                        "leave out -o format and -o location, or bring all keys home with --to");
        return {};
    }
    auto words = std::string(format == "rdb" ? "RDB" : "DF");
    if (!location.empty()) words += "\n" + location;
    return words + "\n" + name;
}

model::Plan plan_left(const Census& census, const model::Request& request) {
    if (!request.scope.all() || !option(request.options, "match").empty())
        throw Error(ErrorKind::unsupported, "a server saves all it has: a backup that is left with it has no parts",
                    "bring the chosen ones home with --to STORE");
    model::Plan plan;
    std::size_t number = 0;
    for (const auto& master : census.layout.masters) {
        const auto name = census.layout.cluster ? fmt::format("{}-{}", request.id, ++number) : request.id;
        Note note{.action = std::string(action::save), .node = master.name};
        note.words = words_of_save(census, request, name);
        if (const auto facts = census.nodes.find(master.name); facts != census.nodes.end())
            note.before = saves_of(facts->second);
        Step step{.id = "save:" + master.name, .kind = StepKind::change};
        step.part.node = master.name;
        step.what = note.words.empty() ? fmt::format("have {} save its data", master.name)
                                       : fmt::format("have {} save its data as {}", master.name, name);
        step.details = render(note);
        plan.steps.push_back(std::move(step));
    }
    if (!census.facts.is_dragonfly())
        plan.notes.push_back(fmt::format(
            "{} keeps one file: this save takes the place of the one before, so a backup that was left with it earlier "
            "is "
            "gone then, and its next save takes the place of this one; only a restart of the server loads it; "
            "`create --to STORE` makes a backup that vbackup can restore",
            census.facts.product));
    return plan;
}

}  // namespace

model::Plan plan_create(Call& call, const net::RespServer& seed, const model::Request& request) {
    const auto census = look(call, seed);
    require_databases(request.scope, census.databases());
    if (!request.keep) return plan_left(census, request);
    for (const auto* name : {"format", "location"})
        if (!option(request.options, name).empty())
            throw Error(ErrorKind::usage, fmt::format("-o {} is about a backup that is left with the server", name),
                        "leave it out, or leave out --to");
    return plan_home(call, census, request);
}

}  // namespace vbackup::driver::dragonfly
