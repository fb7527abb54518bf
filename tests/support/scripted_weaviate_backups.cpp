// SPDX-License-Identifier: Apache-2.0
// The scripted Weaviate's storage and what its backup routes say.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <regex>
#include <set>

#include "base/text.hpp"
#include "support/scripted_weaviate_state.hpp"

namespace vbackup::test {

std::string ScriptedWeaviate::State::home(const Key& key) const {
    if (key.backend == "filesystem") return (key.path.empty() ? script.root : key.path) + "/" + key.id;
    const auto bucket = key.bucket.empty() ? script.bucket : key.bucket;
    return fmt::format("{}://{}/{}{}", key.backend, bucket, key.path.empty() ? "" : key.path + "/", key.id);
}

// How the modules say that a file is not there.
std::string ScriptedWeaviate::State::missing(const Key& key, const std::string& file) const {
    if (key.backend == "filesystem")
        return fmt::format("get object path could not find {0}/{1}: stat {0}/{1}: no such file or directory", home(key),
                           file);
    const auto bucket = key.bucket.empty() ? script.bucket : key.bucket;
    const auto name = fmt::format("{}{}/{}", key.path.empty() ? "" : key.path + "/", key.id, file);
    return fmt::format("get object contents from {0}:{1} not found {1}: The specified {2}", bucket, name,
                       bucket == "other" ? "bucket does not exist" : "key does not exist.");
}

std::string ScriptedWeaviate::State::descriptor_of(const Key& key, const Work& work) const {
    json nodes = json::object();
    for (const auto& node : script.nodes)
        nodes[node] = {
            {"classes", work.classes}, {"error", ""}, {"preCompressionSizeBytes", 1234}, {"status", work.status}};
    auto started = work.started;
    // The file has more digits than the answers.
    started.insert(started.size() - 1, "816248");
    return json{{"startedAt", started},     {"completedAt", work.completed},   {"id", key.id},
                {"nodes", nodes},           {"node_mapping", nullptr},         {"status", work.status},
                {"version", "2.1"},         {"serverVersion", script.version}, {"leader", script.nodes.front()},
                {"error", work.why},        {"preCompressionSizeBytes", 1234}, {"compressionType", "gzip"},
                {"baseBackupId", work.base}}
        .dump();
}

void ScriptedWeaviate::State::write_files(const Key& key, const Work& work) const {
    if (!script.write_files || key.backend != "filesystem") return;
    const std::filesystem::path folder = home(key);
    const auto write = [&](const std::filesystem::path& name, const std::string& bytes) {
        std::filesystem::create_directories((folder / name).parent_path());
        std::ofstream(folder / name, std::ios::binary) << bytes;
    };
    std::ifstream chunk(script.chunk, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(chunk)), {});
    for (const auto& name : work.classes) write(std::filesystem::path(script.nodes.front()) / name / "chunk-1", bytes);
    write(std::filesystem::path(script.nodes.front()) / "backup.json", json{{"id", key.id}}.dump());
    write("backup_config.json", descriptor_of(key, work));
}

void ScriptedWeaviate::State::finish_restore(const Key& key, Work& work) {
    Names errors;
    const auto& backup = backups.at({key.backend, key.bucket, key.path, key.id});
    for (const auto& name : work.classes) {
        if (!script.restore_fails.empty() && name != work.classes.front()) {
            errors.push_back(fmt::format("\"{}\": {}", name, script.restore_fails));
        } else if (script.collections.contains(name)) {
            errors.push_back(
                fmt::format("\"{0}\": error when trying to restore class: class name {0} already exists", name));
        } else {
            script.collections[name] = backup.contents.at(name);
            for (const auto& [alias, target] : backup.aliases) {
                if (target == name) script.aliases.emplace(alias, target);
            }
        }
    }
    work.status = errors.empty() ? "SUCCESS" : "FAILED";
    if (!errors.empty()) work.why = fmt::format("could not restore classes: [{}]", fmt::join(errors, " "));
}

// Called at each look at an active job.
void ScriptedWeaviate::State::advance(const Key& key, Work& work) {
    if (!work.held) return;
    if (work.looks-- > 0) {
        if (work.restores && work.looks == 0) work.status = "FINALIZING";
        return;
    }
    work.held = false;
    work.completed = now();
    if (work.cancelled) {
        work.status = "CANCELED";
        work.why = work.restores ? "restore canceled by user" : "context canceled";
    } else if (work.restores) {
        finish_restore(key, work);
    } else {
        work.status = script.ending;
        work.why = script.ending_why;
    }
    if (!work.restores) write_files(key, work);
}

Answer ScriptedWeaviate::State::create(const std::string& backend, const std::string& text, const std::string& user) {
    const auto body = json::parse(text, nullptr, false);
    if (body.is_discarded()) return framework(400, 400, "parsing body body from \"\" failed, because unexpected EOF");
    const auto config = body.value("config", json::object());
    if (config.value("CPUPercentage", 50) > 80)
        return framework(422, 608, "config.CPUPercentage in body should be less than or equal to 80");
    const std::set<std::string> levels = {"",
                                          "DefaultCompression",
                                          "BestSpeed",
                                          "BestCompression",
                                          "ZstdDefaultCompression",
                                          "ZstdBestSpeed",
                                          "ZstdBestCompression",
                                          "NoCompression"};
    if (!levels.contains(config.value("CompressionLevel", "")))
        return framework(422, 606,
                         "config.CompressionLevel in body should be one of [DefaultCompression BestSpeed "
                         "BestCompression ZstdDefaultCompression ZstdBestSpeed ZstdBestCompression NoCompression]");
    const auto id = body.value("id", "");
    const auto base = body.value("incremental_base_backup_id", "");
    if (id == base) return error(500, "base backup cannot be the same as the new backup ID: " + id);
    if (!is_on(backend))
        return error(
            422,
            fmt::format("no backup backend \"{0}\": backup: {0} not found, did you enable the right module?", backend));
    const Key key{backend, config.value("Bucket", ""), config.value("Path", ""), id};
    if (backend == "filesystem" && script.nodes.size() > 1)
        return error(422, "local filesystem backend is not viable for backing up a node cluster, try s3 or gcs");
    if (!std::regex_match(id, std::regex("[a-z0-9_-]+")))
        return error(422, fmt::format("invalid backup id: '{}' allowed characters are lowercase, 0-9, _, -", id));
    const auto include = body.value("include", Names{}), exclude = body.value("exclude", Names{});
    if (!include.empty() && !exclude.empty())
        return error(422, "malformed request: 'include' and 'exclude' cannot both contain values");
    if (std::set<std::string>(include.begin(), include.end()).size() != include.size())
        return error(422, "class list 'include' contains duplicate: " + include.front());
    const auto known = class_names();
    if (known.empty() || user == "viewer")
        return error(422, "no available classes to backup, there's nothing to do here");
    Names classes;
    for (const auto& name : known) {
        const auto matches = [&](const std::string& pattern) { return glob_match(pattern, name); };
        if (std::any_of(exclude.begin(), exclude.end(), matches)) continue;
        if (include.empty() || std::any_of(include.begin(), include.end(), matches)) classes.push_back(name);
    }
    if (classes.empty() && include.empty())
        return error(422, fmt::format("empty class list: please choose from : [{}]", fmt::join(known, " ")));
    for (const auto& name : include) {
        if (name.find_first_of("*?") == std::string::npos && !script.collections.contains(name))
            return error(422, fmt::format("class {} doesn't exist", name));
    }
    if (body.contains("includeUsers"))
        return error(422, fmt::format("no dynamic users match 'includeUsers' [{}]",
                                      fmt::join(body["includeUsers"].get<Names>(), " ")));
    if (const auto there = backups.find(key); there != backups.end())
        return error(422, there->second.status == "CANCELED"
                              ? fmt::format("check if backup \"{}\" exists at \"{}\": %!w(<nil>)", id, home(key))
                              : fmt::format("backup \"{}\" already exists at \"{}\"", id, home(key)));
    if (!base.empty()) {
        const auto found = backups.find({key.backend, key.bucket, key.path, base});
        if (found == backups.end())
            return error(422, "resolve base backup chain: could not fetch base backup: " +
                                  missing({key.backend, key.bucket, key.path, base}, "backup_config.json"));
        if (found->second.status != "SUCCESS")
            return error(422,
                         fmt::format("resolve base backup chain: backup \"{}\" has status \"{}\", expected \"SUCCESS\"",
                                     base, found->second.status));
    }
    if (key.bucket == "other")
        return error(500, fmt::format("init uploader: failed to access-check s3 backup module: put object: "
                                      "other:{}/access-check: The specified bucket does not exist",
                                      id));
    for (const auto& [other, work] : backups) {
        if (work.held) return error(422, fmt::format("backup {} already in progress", other.id));
    }
    if (!script.down.empty())
        return error(
            500,
            fmt::format(
                "node \"{}\": can-commit request: make request: Post \"http://127.0.0.1:7103/backups/can-commit\": "
                "dial tcp 127.0.0.1:7103: connect: connection refused",
                script.down.front()));
    Work work{.classes = classes, .started = now(), .base = base, .looks = script.looks, .held = true};
    for (const auto& name : classes) work.contents[name] = script.collections.at(name);
    work.aliases = script.aliases;
    backups[key] = work;
    json answer{{"backend", backend}, {"classes", classes}, {"id", id}, {"path", home(key)}, {"status", "STARTED"}};
    if (!key.bucket.empty()) answer["bucket"] = key.bucket;
    return say(200, answer);
}

Answer ScriptedWeaviate::State::restore(const Key& where, const std::string& text, const std::string& user) {
    if (text.empty()) return framework(422, 602, "body in body is required");
    const auto body = json::parse(text, nullptr, false);
    const auto config = body.value("config", json::object());
    const auto roles = config.value("rolesOptions", "all");
    if (roles != "all" && roles != "noRestore")
        return framework(422, 606, "config.rolesOptions in body should be one of [noRestore all]");
    const Key key{where.backend, config.value("Bucket", ""), config.value("Path", ""), where.id};
    const auto found = backups.find(key);
    if (found == backups.end())
        return error(404, fmt::format("backup id \"{}\" does not exist: {}: metadata not found", key.id,
                                      missing(key, "backup_config.json")));
    const auto& backup = found->second;
    if (user == "viewer")
        return error(403, fmt::format("authorization, forbidden action: user 'viewer' has insufficient permissions to "
                                      "C [backups/collections/{}]",
                                      backup.classes.front()));
    if (backup.status != "SUCCESS")
        return error(422, fmt::format("invalid backup in scheduler {} status: {}", home(key), backup.status));
    for (auto base = backup.base; !base.empty();) {
        const Key asked{key.backend, key.bucket, key.path, base};
        if (!backups.contains(asked))
            return error(
                422, "resolve base backup chain: could not fetch base backup: " + missing(asked, "backup_config.json"));
        base = backups.at(asked).base;
    }
    auto classes = body.value("include", Names{});
    for (const auto& name : classes) {
        if (!backup.contents.contains(name))
            return error(422, fmt::format("class {} doesn't exist in the backup, but does have [{}]: ", name,
                                          fmt::join(backup.classes, " ")));
    }
    if (classes.empty()) classes = backup.classes;
    for (const auto& [from, to] : body.value("node_mapping", std::map<std::string, std::string>{})) {
        if (std::find(script.nodes.begin(), script.nodes.end(), to) == script.nodes.end())
            return error(
                500,
                fmt::format("cannot resolve hostname for \"{}\", nodes=map[{}:0x3e3fe516ddc0], nodeMapping=map[{}:{}]",
                            to, from, from, to));
    }
    for (const auto& [other, work] : restores) {
        if (work.held) return error(422, fmt::format("restoration {} already in progress", other.id));
    }
    if (!script.down.empty())
        return error(
            500,
            fmt::format(
                "node \"{}\": can-commit request: make request: Post \"http://127.0.0.1:7103/backups/can-commit\": "
                "dial tcp 127.0.0.1:7103: connect: connection refused",
                script.down.front()));
    restores[key] = Work{.status = "TRANSFERRING",
                         .classes = classes,
                         .started = now(),
                         .looks = script.looks,
                         .held = true,
                         .restores = true};
    return say(
        200,
        {{"backend", key.backend}, {"classes", classes}, {"id", key.id}, {"path", home(key)}, {"status", "STARTED"}});
}

Answer ScriptedWeaviate::State::list(const std::string& backend, const std::string& order,
                                     const std::string& user) const {
    if (!is_on(backend))
        return error(
            422,
            fmt::format("no backup backend \"{0}\": backup: {0} not found, did you enable the right module?", backend));
    std::vector<std::pair<Key, Work>> items;
    for (const auto& [key, work] : backups) {
        if (key.backend == backend && key.bucket.empty() && key.path.empty() && user != "viewer")
            items.emplace_back(key, work);
    }
    std::sort(items.begin(), items.end(), [&](const auto& a, const auto& b) {
        return order == "asc" ? a.second.started < b.second.started : a.second.started > b.second.started;
    });
    json all = json::array();
    for (const auto& [key, work] : items) {
        json item{{"classes", work.classes},
                  {"completedAt", work.completed},
                  {"id", key.id},
                  {"startedAt", work.started},
                  {"status", work.status}};
        if (work.status == "SUCCESS") item["size"] = 0.001906457357108593;
        if (user == "root" && !work.base.empty()) item["incremental_base_backup_id"] = work.base;
        all.push_back(item);
    }
    return say(200, all);
}

Answer ScriptedWeaviate::State::status(std::map<Key, Work>& works, const Key& key, const std::string& user) {
    if (!is_on(key.backend))
        return error(422,
                     fmt::format("no backup provider \"{0}\": backup: {0} not found, did you enable the right module?",
                                 key.backend));
    // What is held in memory is found by its id, whatever backend and path are asked.
    auto found = std::find_if(works.begin(), works.end(),
                              [&](const auto& one) { return one.second.held && one.first.id == key.id; });
    if (found == works.end()) found = works.find(key);
    const bool restoring = &works == &restores;
    if (found == works.end())
        return error(404, fmt::format("coordinator cannot get status: metadata not found: \"\": {} store: {{}}",
                                      missing(key, restoring ? "restore_config.json" : "backup_config.json")));
    auto& [where, work] = *found;
    if (user == "viewer")
        return error(403, fmt::format("rbac: authorization, forbidden action: user 'viewer' has insufficient "
                                      "permissions to read_backups [[Domain: backups,Collection: {}]]",
                                      work.classes.front()));
    if (key.path == where.path) advance(where, work);
    json body{{"backend", key.backend}, {"id", key.id}, {"path", home(where)}, {"status", work.status}};
    if (!work.why.empty()) body["error"] = work.why;
    if (!restoring) {
        body["startedAt"] = work.started;
        body["completedAt"] = work.completed;
        if (work.status == "SUCCESS") body["size"] = 0.001906457357108593;
        if (user == "root" && !work.base.empty()) body["incremental_base_backup_id"] = work.base;
    }
    return say(200, body);
}

Answer ScriptedWeaviate::State::cancel(std::map<Key, Work>& works, const Key& key, const std::string& user) {
    const auto found = works.find(key);
    if (user == "viewer")
        return error(403, fmt::format("rbac: authorization, forbidden action: user 'viewer' has insufficient "
                                      "permissions to delete_backups [[Domain: backups,Collection: {}]]",
                                      found == works.end() ? "*" : found->second.classes.front()));
    if (found == works.end()) return empty(204);
    auto& work = found->second;
    if (work.status == "FINALIZING")
        return error(422, fmt::format("restore \"{}\" is applying schema changes and cannot be cancelled", key.id));
    if (work.status == "SUCCESS")
        return error(422, fmt::format("{} \"{}\" already succeeded", work.restores ? "restore" : "backup", key.id));
    if (work.held) {
        work.cancelled = true;
        // A restore reads as cancelled at once, a backup only when the coordinator looks.
        work.looks = work.restores ? 0 : 2;
        if (work.restores) advance(key, work);
    }
    return empty(204);
}

}  // namespace vbackup::test
