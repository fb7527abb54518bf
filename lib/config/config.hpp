// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "config/environment.hpp"
#include "config/settings.hpp"

namespace vbackup::config {

// What a target says whose backups stay with its server although there is a default store.
inline constexpr std::string_view no_store = "none";

// Which backups `prune` keeps; see backup/keep.hpp.
struct Keep {
    std::optional<std::size_t> last, hourly, daily, weekly, monthly, yearly;
    std::optional<Milliseconds> within;
    bool any() const { return last || hourly || daily || weekly || monthly || yearly || within; }
};

// Programs that run around a backup: whole paths and their arguments, without a shell. Empty: none.
struct Hooks {
    std::vector<std::string> before, after, failed;
    std::optional<Milliseconds> timeout;
};

// What [defaults] says for all targets, and a target for itself. Of keep rules the target's hold as a whole.
struct Habits {
    std::optional<Milliseconds> timeout;
    std::optional<Milliseconds> stall;
    std::optional<std::size_t> parallel;      // 1 to 64
    std::optional<std::uint64_t> limit_rate;  // bytes a second
    std::optional<Milliseconds> retention;
    std::optional<bool> verify;           // `run` does
    std::optional<Milliseconds> max_age;  // of the newest good backup
    Keep keep;
    Hooks hooks;
    std::string ping_url;  // a secret: whoever knows it can say that all is well
    std::string ping_url_file;
};

// [targets.NAME]. Empty strings are what the file does not say. Names of files are absolute or relative to the current
// directory in the way the configuration file itself was: relative ones in it are taken from its own folder.
struct TargetConfig {
    std::string name;                // [a-z0-9-]+
    std::string url;                 // well formed and without credentials
    std::string driver;              // "qdrant"; otherwise the URL's prefix or the server's answer tells
    std::vector<std::string> nodes;  // further addresses
    std::string api_key_file;        // at most one of these three
    std::string api_key_env;         // name of a variable
    std::string api_key_command;     // for /bin/sh
    std::string ca_file;
    std::string client_cert_file;
    std::string client_key_file;
    std::map<std::string, std::string> options;  // what -o gives; numbers and booleans as they were written
    std::string user;                            // whom the key belongs to, where a name is asked for too
    std::string base_url;                        // of a control plane
    std::string kubeconfig;
    std::string context;
    std::string store;                     // "@name", a URL, a path, or no_store; empty: the default store
    std::vector<std::string> collections;  // with * and ?
    std::vector<std::string> exclude;
    std::string description;
    Habits habits;
};

// [stores.NAME], used as @NAME.
struct StoreConfig {
    std::string name;  // [a-z0-9-]+
    std::string url;   // a URL or a path
    // Of a bucket alone, each empty where the environment and the AWS profile say it:
    std::string endpoint;  // https://minio.example:9000; Amazon's own otherwise
    std::string region;
    std::string profile;     // of ~/.aws/config and ~/.aws/credentials
    std::string addressing;  // "path" or "virtual"
    std::string ca_file;
    std::string storage_class;
    std::string encryption;  // "AES256" or "aws:kms"
    std::string kms_key;
    // Encryption by vbackup, of any store: at most one of these four.
    std::string passphrase_file;
    std::string passphrase_env;      // name of a variable
    std::string passphrase_command;  // for /bin/sh
    std::string key_file;
};

struct Config {
    std::filesystem::path path;  // empty: there is no file
    std::string store;           // the default store: "@name", a URL or a path
    std::string journal_store;   // [journal] store; empty: the state directory
    Habits defaults;
    std::map<std::string, TargetConfig> targets;
    std::map<std::string, StoreConfig> stores;
    std::vector<Setting> settings;  // every value that holds, and who said it

    // What holds for a target, or (null) for one that the configuration does not know.
    Habits habits_of(const TargetConfig* target) const;
    // Null for none.
    const TargetConfig* target(std::string_view name) const;
    const StoreConfig* find_store(std::string_view name) const;
    // Throws Error{configuration}, naming what could have been meant.
    const TargetConfig& require_target(std::string_view name) const;
    const StoreConfig& require_store(std::string_view name) const;
};

// Reads a file of at most 1 MiB, and those that it includes. Error{configuration} with file, line and column in its context: for
// text that is no TOML, unknown keys (with what could have been meant), wrong types, bad names, URLs and durations, a store that
// is not defined, and a secret written into the file. No value of the file is repeated where it could be a secret.
Config load(const std::filesystem::path& path);

// What find_path finds, or an empty Config, under what the environment says (config/keys.hpp has the variables' names).
Config load(const std::string& named, const Environment& environment);

// The same, with everything that is wrong instead of the first: what is right is in `config`. Throws only where there is
// nothing to read: Error{configuration} for a file that is not there or is no TOML.
struct Checked {
    Config config;
    std::vector<Error> mistakes;
};
Checked check(const std::string& named, const Environment& environment);

bool is_name(std::string_view text);  // [a-z0-9-]+

}  // namespace vbackup::config
