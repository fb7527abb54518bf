// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/save.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"
#include "base/text.hpp"
#include "driver/dragonfly/server.hpp"
#include "driver/dragonfly/snapshot_files.hpp"

namespace vbackup::driver::dragonfly {

namespace {

using model::Phase;

constexpr std::array fields{"last_success_save",
                            "last_success_save_duration_sec",
                            "last_failed_save",
                            "last_saved_file",
                            "rdb_saves",
                            "rdb_last_save_time",
                            "run_id",
                            "rdb_last_bgsave_status",
                            "uptime_in_seconds"};

std::string of(const std::map<std::string, std::string>& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
}

std::uint64_t number(const std::map<std::string, std::string>& values, const std::string& name) {
    Facts facts;
    facts.info = values;
    return facts.number(name);
}

// "/data/b1-summary.dfs" is b1.
std::string name_of_file(std::string path) {
    // Who may not ask for the name gets the usual one.
    if (path.empty()) return "dump";
    path.erase(0, path.rfind('/') + 1);
    for (const std::string_view end : {"-summary.dfs", ".rdb"})
        if (path.ends_with(end) && path.size() > end.size()) path.erase(path.size() - end.size());
    return path;
}

bool is_saving(const Facts& facts) {
    return facts.number("saving") != 0 || facts.number("rdb_bgsave_in_progress") != 0;
}

// Of a Dragonfly: did a save end well since, whoever asked for it?
bool is_newer(const std::map<std::string, std::string>& before, const Facts& now) {
    return now.number("last_success_save") > number(before, "last_success_save") ||
           (!now.value("last_saved_file").empty() && now.value("last_saved_file") != of(before, "last_saved_file"));
}

// `name` is what the file was to be called; empty where the server has one file, which any new save makes anew.
bool has_new_success(const std::map<std::string, std::string>& before, const Facts& now, const std::string& name) {
    if (now.is_dragonfly())
        return is_newer(before, now) && (name.empty() || name_of_file(now.value("last_saved_file")) == name);
    const bool counted = now.has("rdb_saves") && now.number("rdb_saves") > number(before, "rdb_saves");
    return (counted || now.number("rdb_last_save_time") > number(before, "rdb_last_save_time")) &&
           now.value("rdb_last_bgsave_status") == "ok";
}

bool has_new_failure(const std::map<std::string, std::string>& before, const Facts& now) {
    if (now.is_dragonfly() && now.number("last_failed_save") > number(before, "last_failed_save")) return true;
    return now.value("rdb_last_bgsave_status") == "err";
}

std::vector<std::string_view> lines_of(const std::string& text) {
    std::vector<std::string_view> lines;
    for (std::string_view rest = text; !rest.empty();) {
        lines.push_back(rest.substr(0, rest.find('\n')));
        rest.remove_prefix(std::min(rest.size(), lines.back().size() + 1));
    }
    return lines;
}

// The name that a save was given; empty for none.
std::string name_of(const Note& note) {
    const auto words = lines_of(note.words);
    return words.empty() ? std::string() : std::string(words.back());
}

// Where Redis puts its file, if it says so.
std::string path_of(Call& call, net::Resp& wire, const Facts& facts) {
    if (facts.is_dragonfly()) return facts.value("last_saved_file");
    std::string path;
    for (const auto* name : {"dir", "dbfilename"}) {
        const auto reply = wire.ask(call, {"CONFIG", "GET", name});
        if (reply.items.size() != 2) return {};
        path += (path.empty() ? "" : "/") + reply.items[1].text;
    }
    return path;
}

std::optional<Moment> moment_of(std::uint64_t seconds) {
    constexpr std::uint64_t most = 1'000'000'000'000;  // what milliseconds hold with room to spare
    if (seconds == 0 || seconds > most) return std::nullopt;
    return moment_at(Seconds(seconds));
}

// A server that has one file only makes it anew with each save: the time tells which one it was.
std::string name_of_save(const Facts& now, const std::string& path) {
    auto name = name_of_file(path);
    const auto when = moment_of(now.number("rdb_last_save_time"));
    if (now.is_dragonfly() || !when) return name;
    return fmt::format("{}-{}", name, compact_time(*when));
}

// A snapshot that is there: what `observe_save` looks at from then on.
model::JobRef kept_job(const net::RespServer& server, const Note& note, const Facts& now, const std::string& path) {
    Note kept{.action = std::string(action::save), .node = note.node, .text = path};
    kept.file = "kept";
    kept.before = saves_of(now);
    note_files(server, kept);
    return {.name = name_of_save(now, path), .part = {.node = note.node}, .details = render(kept)};
}

model::Seen seen_as(Phase phase, const Note& note, std::string said) {
    return {.phase = phase, .said = std::move(said), .where = note.text};
}

// Of a server that has one file: each save makes it anew.
model::Seen look_at_one_file(const Note& note, const Facts& now) {
    const bool restarted = was_restarted(note.before, now);
    const bool saved = restarted ? now.number("rdb_saves") > 0
                                 : now.value("rdb_last_save_time") != of(note.before, "rdb_last_save_time") ||
                                       now.value("rdb_saves") != of(note.before, "rdb_saves");
    if (saved) return seen_as(Phase::gone, note, "a later save took its place");
    if (!restarted) return seen_as(Phase::succeeded, note, "saved");
    return seen_as(Phase::unknown, note,
                   "the server was started anew since; whether its file is still that one it does not say");
}

// The files themselves say most, where they are seen. Else the server does, of its last save alone.
model::Seen look_at_kept(const net::RespServer& server, const Note& note, const Facts& now) {
    if (const auto sight = look_again(server, note)) {
        if (sight->all_there) return seen_as(Phase::succeeded, note, "saved; its files are there");
        if (!now.is_dragonfly()) return seen_as(Phase::gone, note, "a later save took its place");
        return seen_as(Phase::gone, note, fmt::format("{} is not there as it was", sight->missing));
    }
    if (!now.is_dragonfly()) return look_at_one_file(note, now);
    if (now.value("last_saved_file") == note.text) return seen_as(Phase::succeeded, note, "saved");
    return seen_as(
        Phase::unknown, note,
        now.value("last_saved_file").empty()
            ? "the server was started anew since and shows no save; whether this file is still there it does "
              "not say"
            : "the server shows its last save only; whether this file is still there it does not say");
}

model::Found found_of(const net::RespServer& server, Phase phase, std::string said, std::string name) {
    model::Found found;
    found.name = std::move(name);
    found.phase = phase;
    found.said = std::move(said);
    found.where = server.address();
    found.driver = "dragonfly";
    found.job = {.name = found.name, .part = {.node = server.address()}};
    return found;
}

}  // namespace

std::map<std::string, std::string> saves_of(const Facts& facts) {
    std::map<std::string, std::string> values;
    for (const auto* field : fields)
        if (facts.has(field)) values[field] = facts.value(field);
    return values;
}

model::Outcome begin_save(Call& call, const net::RespServer& server, Note note) {
    net::Resp wire(call, server);
    note.before = saves_of(ask_facts(call, wire));
    auto words = lines_of(note.words);
    words.insert(words.begin(), "BGSAVE");
    wire.queue(call, words);
    const auto reply = wire.read(call);
    if (reply.is_error()) {
        const auto error = net::to_error(reply, server, "BGSAVE");
        const bool other = reply.text.find("SAVING") != std::string::npos ||
                           reply.text.find("LOADING") != std::string::npos ||
                           reply.text.find("in progress") != std::string::npos ||
                           reply.text.find("child process is active") != std::string::npos;
        if (other)
            throw Error(ErrorKind::busy, error.message(), "another save is under way there: `vbackup status` shows it");
        throw error;
    }
    const auto name = name_of(note);
    return {.job = model::JobRef{
                .name = name.empty() ? "save" : name, .part = {.node = note.node}, .details = render(note)}};
}

std::optional<model::Outcome> save_taken(Call& call, const net::RespServer& server, const Note& note) {
    net::Resp wire(call, server);
    const auto now = ask_facts(call, wire);
    const bool taken = is_saving(now) || has_new_success(note.before, now, name_of(note));
    if (!taken || was_restarted(note.before, now)) return std::nullopt;
    const auto name = name_of(note);
    return model::Outcome{
        .job =
            model::JobRef{.name = name.empty() ? "save" : name, .part = {.node = note.node}, .details = render(note)}};
}

model::Seen observe_save(Call& call, const net::RespServer& server, const Note& note) {
    net::Resp wire(call, server);
    const auto now = ask_facts(call, wire);
    if (note.file == "kept") return look_at_kept(server, note, now);
    model::Seen seen{.phase = Phase::running, .said = "saving"};
    if (was_restarted(note.before, now)) {
        seen.phase = Phase::failed;
        seen.said = "gone with a restart";
        seen.why = "the server was started anew while it saved";
    } else if (is_saving(now)) {
        seen.done = now.number("current_save_keys_processed");
        if (const auto total = now.number("current_save_keys_total"); total > 0) seen.total = total;
        seen.mark = fmt::format("{} {} {}", now.value("current_save_keys_processed"),
                                now.value("current_snapshot_perc"), now.value("current_save_keys_total"));
    } else if (has_new_success(note.before, now, name_of(note))) {
        seen.phase = Phase::succeeded;
        seen.said = "saved";
        const auto path = path_of(call, wire, now);
        seen.where = path;
        seen.next = kept_job(server, note, now, path);
    } else if (has_new_failure(note.before, now)) {
        seen.phase = Phase::failed;
        seen.said = "failed";
        seen.why = one_line(now.value("last_error"));
    } else if (now.is_dragonfly() && is_newer(note.before, now)) {
        seen.phase = Phase::failed;
        seen.said = "not to be seen";
        seen.why = fmt::format("another save ended since, as {}; how this one ended the server does not say any more",
                               one_line(now.value("last_saved_file"), 200));
    } else {
        seen.said = "not begun";
    }
    return seen;
}

std::vector<model::Found> list_saves(Call& call, const net::RespServer& server) {
    net::Resp wire(call, server);
    const auto now = ask_facts(call, wire);
    std::vector<model::Found> all;
    const auto note = Note{.action = std::string(action::save), .node = server.address()};
    if (is_saving(now)) {
        auto found = found_of(server, Phase::running, "saving", "save");
        auto running = note;
        running.before = saves_of(now);
        found.job.details = render(running);
        all.push_back(std::move(found));
    }
    const auto path = path_of(call, wire, now);
    // Before any save both kinds of server give the time of their start.
    const bool saved = now.is_dragonfly() ? !path.empty() : now.number("rdb_saves") > 0;
    if (saved) {
        const auto when = now.number(now.is_dragonfly() ? "last_success_save" : "rdb_last_save_time");
        auto found = found_of(server, Phase::succeeded, "saved", name_of_save(now, path));
        found.started = found.completed = moment_of(when);
        found.where = fmt::format("{}{}{}", server.address(), path.empty() ? "" : ":", path);
        found.job = kept_job(server, note, now, path);
        all.push_back(std::move(found));
    }
    if (now.number("last_failed_save") > now.number("last_success_save")) {
        auto found = found_of(server, Phase::failed, "failed", "failed save");
        found.started = moment_of(now.number("last_failed_save"));
        found.why = one_line(now.value("last_error"));
        found.job.details = render(note);
        all.push_back(std::move(found));
    }
    return all;
}

}  // namespace vbackup::driver::dragonfly
