// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_dragonfly.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "io/crc64.hpp"
#include "io/key_records.hpp"

namespace vbackup::test {

namespace {

using namespace resp;

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_let_through(const std::string& name) {
    static const std::vector<std::string> all{"INFO",  "AUTH",    "CLIENT", "CONFIG", "DBSIZE",  "TIME",    "ROLE",
                                              "WATCH", "UNWATCH", "MULTI",  "EXEC",   "DISCARD", "CLUSTER", "LASTSAVE"};
    return contains(all, name);
}

}  // namespace

ScriptedDragonfly::ScriptedDragonfly()
    : server_(std::make_unique<RespServer>(
          [this](RespSession& session, const RespCommand& command) { return answer(session, command); })) {}

std::string ScriptedDragonfly::url() const {
    return "dragonfly://" + server_->address();
}

void ScriptedDragonfly::set(std::uint32_t database, const std::string& key, std::string text, std::uint64_t expiry) {
    with([&](State& state) {
        state.databases[database][key] = {std::move(text), expiry};
        ++state.changes;
    });
}

std::map<std::uint32_t, ScriptedDragonfly::Database> ScriptedDragonfly::databases() {
    return with([](State& state) {
        auto all = state.databases;
        std::erase_if(all, [](const auto& one) { return one.second.empty(); });
        return all;
    });
}

std::string ScriptedDragonfly::dump(std::string_view text, std::uint16_t format) {
    std::string payload{'\0', static_cast<char>(0x80)};
    for (int shift = 24; shift >= 0; shift -= 8) payload += static_cast<char>(text.size() >> shift & 0xFF);
    payload += text;
    payload += static_cast<char>(format & 0xFF);
    payload += static_cast<char>(format >> 8);
    io::Crc64 checksum;
    checksum.update(std::as_bytes(std::span(payload)));
    for (unsigned n = 0; n < 8; ++n) payload += static_cast<char>(checksum.value() >> (8 * n) & 0xFF);
    return payload;
}

std::optional<std::string> ScriptedDragonfly::undump(std::string_view payload) {
    if (payload.size() < 11) return std::nullopt;
    io::Crc64 checksum;
    checksum.update(std::as_bytes(std::span(payload.substr(0, payload.size() - 8))));
    for (unsigned n = 0; n < 8; ++n)
        if (payload[payload.size() - 8 + n] != static_cast<char>(checksum.value() >> (8 * n) & 0xFF))
            return std::nullopt;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(payload[at]); };
    if (byte(0) != 0) return std::nullopt;
    std::size_t at = 2, size = byte(1);
    if ((byte(1) & 0xC0) == 0x40) {
        size = static_cast<std::size_t>(byte(1) & 0x3F) << 8 | byte(2);
        at = 3;
    } else if (byte(1) == 0x80) {
        size = static_cast<std::size_t>(byte(2)) << 24 | static_cast<std::size_t>(byte(3)) << 16 |
               static_cast<std::size_t>(byte(4)) << 8 | byte(5);
        at = 6;
    }
    if (at + size + 10 != payload.size()) return std::nullopt;
    return std::string(payload.substr(at, size));
}

RespAnswer ScriptedDragonfly::answer(RespSession& session, const RespCommand& command) {
    const std::scoped_lock lock(mutex_);
    if (state_.before) state_.before(command);
    if (state_.fault)
        if (auto instead = state_.fault(command)) return *instead;
    const auto name = upper(command.front());
    if (session.in_transaction && name != "EXEC" && name != "DISCARD") {
        session.queued.push_back(command);
        return {status("QUEUED")};
    }
    if (name == "DFLY" && !state_.loading && may(session, name)) return load(command);
    return {work(session, command)};
}

bool ScriptedDragonfly::may(const RespSession& session, const std::string& name) const {
    return (state_.password.empty() || session.logged_in) && !contains(state_.unknown, name) &&
           !contains(state_.denied, name);
}

std::string ScriptedDragonfly::work(RespSession& session, const RespCommand& command) {
    const auto name = upper(command.front());
    if (name == "AUTH") {
        const bool good =
            command.back() == state_.password &&
            (state_.user.empty() ? command.size() == 2 : command.size() == 3 && command[1] == state_.user);
        if (!good) return error("WRONGPASS invalid username-password pair or user is disabled.");
        session.logged_in = true;
        return ok();
    }
    if (!state_.password.empty() && !session.logged_in) return error("NOAUTH Authentication required.");
    if (contains(state_.unknown, name)) return error("ERR unknown command `" + command.front() + "`");
    if (contains(state_.denied, name))
        return error("NOPERM this user has no permissions to run the '" + name + "' command");
    if (state_.loading && !is_let_through(name)) return error("LOADING Dragonfly is loading the dataset in memory");
    if (name == "INFO") return text(info());
    if (name == "TIME") return texts({std::to_string(state_.now / 1000), fmt::format("{}", state_.now % 1000 * 1000)});
    if (name == "SELECT") {
        const auto database = static_cast<std::uint32_t>(std::stoul(command[1]));
        if (database > state_.last_database) return error("ERR DB index is out of range");
        session.database = database;
        return ok();
    }
    if (name == "BGSAVE") return save(command);
    if (name == "CONFIG")
        return texts({command[2], command[2] == "dir"          ? "/data"
                                  : command[2] == "dbfilename" ? "dump.rdb"
                                                               : state_.most_at_once});
    if (name == "RANDOMKEY") {
        const auto& all = state_.databases[session.database];
        return all.empty() ? nil() : text(all.begin()->first);
    }
    if (name == "FLUSHALL" || name == "FLUSHDB") {
        if (name == "FLUSHALL")
            state_.databases.clear();
        else
            state_.databases.erase(session.database);
        ++state_.changes;
        return ok();
    }
    if (name == "CLUSTER") return text(state_.cluster_nodes);
    if (name == "ASKING") {
        session.asking = true;
        return ok();
    }
    if (name == "ACL" && upper(command[1]) == "LIST") return texts(state_.users);
    if (name == "ACL") {
        state_.users.push_back("user " + command[2]);
        return ok();
    }
    if (name.starts_with("FT.")) return search(name, command);
    if (name == "WATCH" || name == "UNWATCH" || name == "MULTI" || name == "EXEC")
        return transaction(session, name, command);
    return keys(session, name, command);
}

std::string ScriptedDragonfly::transaction(RespSession& session, const std::string& name, const RespCommand& command) {
    if (name == "WATCH") {
        const auto* value = find(session, command[1]);
        session.watched = {command[1], value ? value->text : "", value ? std::to_string(value->expiry) : ""};
        return ok();
    }
    if (name == "UNWATCH") {
        session.watched.clear();
        return ok();
    }
    if (name == "MULTI") {
        session.in_transaction = true;
        return ok();
    }
    session.in_transaction = false;
    const auto queued = std::move(session.queued);
    session.queued.clear();
    if (!session.watched.empty()) {
        const auto watched = std::move(session.watched);
        session.watched.clear();
        const auto* value = find(session, watched[0]);
        if (!value || value->text != watched[1] || std::to_string(value->expiry) != watched[2]) return "*-1\r\n";
    }
    std::vector<std::string> answers;
    for (const auto& one : queued) answers.push_back(work(session, one));
    return array(answers);
}

ScriptedDragonfly::Value* ScriptedDragonfly::find(const RespSession& session, const std::string& key) {
    auto& database = state_.databases[session.database];
    const auto found = database.find(key);
    if (found == database.end()) return nullptr;
    if (found->second.expiry != 0 && found->second.expiry <= state_.now) {
        database.erase(found);
        return nullptr;
    }
    return &found->second;
}

std::string ScriptedDragonfly::keys(RespSession& session, const std::string& name, const RespCommand& command) {
    if (name == "SCAN") return scan(session, command);
    const auto& key = name == "MEMORY" ? command[2] : command.size() > 1 ? command[1] : command[0];
    if (state_.owns && !session.asking && !state_.owns(key) && key != "vbackup:none") return error(state_.moved);
    session.asking = false;
    if (name == "RESTORE") return restore(session, command);
    const auto* value = find(session, key);
    if (name == "PEXPIRETIME")
        return integer(!value ? -2 : value->expiry == 0 ? -1 : static_cast<std::int64_t>(value->expiry));
    if (name == "PTTL")
        return integer(!value ? -2 : value->expiry == 0 ? -1 : static_cast<std::int64_t>(value->expiry - state_.now));
    if (name == "MEMORY") return value ? integer(static_cast<std::int64_t>(value->text.size() + 50)) : nil();
    if (name == "DUMP") return value ? text(dump(value->text, state_.gives)) : nil();
    if (name == "TYPE") return status(value ? "string" : "none");
    if (name == "STRLEN") return integer(value ? static_cast<std::int64_t>(value->text.size()) : 0);
    if (name == "GETRANGE") {
        const auto first = std::stoul(command[2]), last = std::stoul(command[3]);
        if (!value || first >= value->text.size()) return text("");
        return text(value->text.substr(first, last - first + 1));
    }
    return error("ERR unknown command `" + command.front() + "`, with args beginning with: ");
}

std::string ScriptedDragonfly::scan(const RespSession& session, const RespCommand& command) {
    std::string pattern = "*";
    for (std::size_t n = 2; n + 1 < command.size(); ++n)
        if (upper(command[n]) == "MATCH") pattern = command[n + 1];
    std::vector<std::string> all;
    for (const auto& [key, value] : state_.databases[session.database])
        if (value.expiry == 0 || value.expiry > state_.now) all.push_back(key);
    if (state_.scans_twice) {
        const auto once = all;
        all.insert(all.end(), once.begin(), once.end());
    }
    const auto from = std::min<std::size_t>(std::stoul(command[1]), all.size());
    const auto to = std::min(from + state_.page, all.size());
    std::vector<std::string> page;
    for (auto n = from; n < to; ++n)
        if (glob_match(pattern, all[n])) page.push_back(all[n]);
    return array({text(to == all.size() ? "0" : std::to_string(to)), texts(page)});
}

std::string ScriptedDragonfly::restore(const RespSession& session, const RespCommand& command) {
    bool replace = false, absolute = false;
    for (std::size_t n = 4; n < command.size(); ++n) {
        replace = replace || upper(command[n]) == "REPLACE";
        absolute = absolute || upper(command[n]) == "ABSTTL";
    }
    auto value = undump(command[3]);
    if (!value || io::payload_version(command[3]) > state_.takes)
        return error("ERR DUMP payload version or checksum are wrong");
    auto expiry = static_cast<std::uint64_t>(std::stoull(command[2]));
    if (expiry != 0 && !absolute) expiry += state_.now;
    if (!replace && find(session, command[1])) return error("BUSYKEY Target key name already exists.");
    auto& database = state_.databases[session.database];
    ++state_.changes;
    if (expiry != 0 && expiry <= state_.now)
        database.erase(command[1]);
    else
        database[command[1]] = {std::move(*value), expiry};
    return ok();
}

std::string ScriptedDragonfly::search(const std::string& name, const RespCommand& command) {
    if (name == "FT._LIST") {
        std::vector<std::string> names;
        for (const auto& [index, info] : state_.indexes) names.push_back(index);
        return texts(names);
    }
    const auto found = state_.indexes.find(command[1]);
    if (name == "FT.CREATE") {
        // What it is made with it cannot say as FT.INFO would; the test looks at the command.
        state_.indexes[command[1]] = array({text("index_name"), text(command[1])});
        return ok();
    }
    if (found == state_.indexes.end()) return error("ERR Index with name '" + command[1] + "' not found");
    if (name == "FT.INFO") return found->second;
    state_.indexes.erase(found);
    return ok();
}

void ScriptedDragonfly::end_save() {
    state_.saving = false;
    if (state_.save_fails) {
        state_.last_failed = state_.now / 1000;
        state_.last_error = "generic:28 No space left on device";
        return;
    }
    state_.last_success = state_.now / 1000;
    state_.last_file = state_.saving_as;
    state_.snapshots[state_.saving_as] = state_.databases;
}

std::string ScriptedDragonfly::info() {
    if (state_.saving && !state_.save_stalls && --state_.looks_left <= 0) end_save();
    if (state_.loading && state_.loads_left > 0 && --state_.loads_left == 0) end_load();
    const bool dragonfly = state_.product == "dragonfly";
    std::string all = "# Server\r\nredis_version:7.4.0\r\n";
    if (dragonfly) all += "dragonfly_version:df-v1.40.1\r\n";
    all += fmt::format("redis_mode:{}\r\nuptime_in_seconds:{}\r\n",
                       state_.cluster_nodes.empty() ? "standalone" : "cluster", state_.uptime);
    if (!dragonfly) all += "run_id:" + state_.run_id + "\r\n";
    all += "\r\n# Persistence\r\n";
    all += fmt::format("loading:{}\r\n", state_.loading ? 1 : 0);
    if (dragonfly)
        all += fmt::format(
            "current_snapshot_perc:{}\r\ncurrent_save_keys_processed:{}\r\ncurrent_save_keys_total:{}\r\nlast_success_"
            "save:{}\r\nlast_success_save_duration_sec:{}\r\n"
            "last_saved_file:{}\r\nsaving:{}\r\nrdb_changes_since_last_success_save:{}\r\nrdb_bgsave_in_progress:{}\r\n"
            "rdb_last_bgsave_status:{}\r\nlast_failed_save:{}\r\nlast_error:{}\r\n",
            state_.saving ? 50 : 0, state_.saving ? 5 : 0, state_.saving ? 10 : 0, state_.last_success,
            state_.save_took, state_.last_file, state_.saving ? 1 : 0, state_.changes, state_.saving ? 1 : 0,
            state_.last_failed > state_.last_success ? "err" : "ok", state_.last_failed, state_.last_error);
    else
        all += fmt::format(
            "rdb_changes_since_last_save:{}\r\nrdb_bgsave_in_progress:{}\r\nrdb_last_save_time:{}\r\nrdb_last_bgsave_"
            "status:{}"
            "\r\nrdb_saves:{}\r\n",
            state_.changes, state_.saving ? 1 : 0, state_.last_success, state_.last_failed > 0 ? "err" : "ok",
            state_.snapshots.size());
    all += fmt::format("\r\n# Replication\r\nrole:{}\r\n\r\n# Keyspace\r\n", state_.replica ? "slave" : "master");
    for (const auto& [database, keys] : state_.databases) {
        const auto expires =
            std::count_if(keys.begin(), keys.end(), [](const auto& one) { return one.second.expiry != 0; });
        if (!keys.empty()) all += fmt::format("db{}:keys={},expires={},avg_ttl=-1\r\n", database, keys.size(), expires);
    }
    return all;
}

std::string ScriptedDragonfly::save(const RespCommand& command) {
    if (state_.saving) return error("ERR SAVING - can not save database");
    state_.saving = true;
    state_.looks_left = state_.looks;
    state_.saving_as =
        command.size() > 1 ? fmt::format("{}/{}-summary.dfs", state_.folder, command.back()) : "/data/dump.rdb";
    return state_.product == "dragonfly" ? ok() : status("Background saving started");
}

RespAnswer ScriptedDragonfly::load(const RespCommand& command) {
    const auto& path = command[2];
    state_.databases.clear();
    ++state_.changes;
    if (state_.replica) return {error("ERR Replica cannot load data")};
    if (!path.ends_with("summary.dfs") && !path.ends_with(".rdb"))
        return {error("ERR Invalid argument: Bad filename extension")};
    if (!state_.snapshots.contains(path)) return {error("ERR No such file or directory: File not found")};
    state_.loading = true;
    state_.load_path = path;
    state_.loads_left = state_.loads_for;
    loaded_ = {};
    RespAnswer answer{.bytes = {}, .then = RespAnswer::Then::later, .when = loaded_.get_future().share()};
    if (state_.loads_for == 0) end_load();
    return answer;
}

void ScriptedDragonfly::end_load() {
    state_.loading = false;
    if (state_.load_path.empty()) return;
    if (!state_.loads_nothing) state_.databases = state_.snapshots[std::exchange(state_.load_path, {})];
    if (state_.load_error.empty()) return loaded_.set_value(ok());
    for (auto& [database, keys] : state_.databases)
        keys.erase(std::next(keys.begin(), static_cast<std::ptrdiff_t>(keys.size() / 2)), keys.end());
    loaded_.set_value(error("ERR " + state_.load_error));
}

void ScriptedDragonfly::start_anew(int looks) {
    with([&](State& state) {
        state.loading = true;
        state.loads_left = looks;
        state.load_path.clear();
        state.uptime = 1;
        state.last_file.clear();
        state.last_success = state.now / 1000;
    });
    server_->disconnect();
}

}  // namespace vbackup::test
