// SPDX-License-Identifier: Apache-2.0
#include "config/keys.hpp"

#include <algorithm>
#include <array>

namespace vbackup::config {

namespace {

using enum KeyType;

// What [defaults] says for every target, and a target for itself.
constexpr std::array<Key, 9> habits{
    {{"", "timeout", duration, "24h", "how long to wait at most for a backup"},
     {"", "stall", duration, "30m", "how long to wait without progress; 6h where the server shows none"},
     {"", "parallel", count, "4", "how many parts side by side, and two for each node of a larger cluster", false, 64},
     {"", "limit_rate", rate, "", "bytes a second that all parts together move at most"},
     {"", "retention", duration, "", "how long each backup is wanted: prune removes it after that"},
     {"", "verify", flag, "false", "run reads the whole backup again once it is made"},
     {"", "max_age", duration, "", "how old the newest good backup may be: for status, and the interval in metrics"},
     {"", "ping_url", text, "", "a check of a healthchecks-compatible service that run and create tell of each backup",
      true},
     {"", "ping_url_file", path, "", "a file that holds that URL"}}};

constexpr std::array<Key, 7> keep{
    {{"", "last", count, "", "the newest good ones", false, 100000},
     {"", "hourly", count, "", "the last good one of each of so many hours", false, 100000},
     {"", "daily", count, "", "the last good one of each of so many days", false, 100000},
     {"", "weekly", count, "", "the last good one of each of so many weeks, from Monday", false, 100000},
     {"", "monthly", count, "", "the last good one of each of so many months", false, 100000},
     {"", "yearly", count, "", "the last good one of each of so many years", false, 100000},
     {"", "within", duration, "", "all good ones so much older than the newest at most"}}};

constexpr std::array<Key, 4> hooks{
    {{"", "before", words, "", "runs before a backup is begun; when it fails none is"},
     {"", "after", words, "", "runs after a good backup; when it fails the exit code is 1, and the backup is good"},
     {"", "failed", words, "", "runs when no good backup was made"},
     {"", "timeout", duration, "5m", "how long each of them may take before it is killed with all it started"}}};

constexpr std::array<Key, 2> top{
    {{"", "store", store, "", "where backups are brought home to, for targets that do not say it themselves"},
     {"", "include", texts, "", "further files, relative to this one; * and ? match in the last part of the path"}}};

constexpr std::array<Key, 1> journal{
    {{"journal", "store", store, "", "where the journal lies, instead of the state directory of this user"}}};

constexpr std::array<Key, 18> target{
    {{"targets.*", "url", url, "", "where the database answers; needed"},
     {"targets.*", "driver", text, "", "what it is, where neither the URL nor the server says it"},
     {"targets.*", "nodes", urls, "", "further addresses of the cluster, where they cannot be found"},
     {"targets.*", "api_key_file", path, "", "a file that holds the key"},
     {"targets.*", "api_key_env", text, "", "the variable that holds the key", true},
     {"targets.*", "api_key_command", text, "", "a command for /bin/sh that prints the key", true},
     {"targets.*", "user", text, "", "whom the key belongs to, where a name is asked for too"},
     {"targets.*", "ca_file", path, "", "the authority that signed the server's certificate, PEM"},
     {"targets.*", "client_cert_file", path, "", "our certificate, PEM"},
     {"targets.*", "client_key_file", path, "", "its key, PEM"},
     {"targets.*", "options", options, "", "what -o gives on the command line"},
     {"targets.*", "base_url", url, "", "a control plane's address, where it is not the vendor's own"},
     {"targets.*", "kubeconfig", path, "", "how Kubernetes is reached, where it is not kubectl's own file"},
     {"targets.*", "context", text, "", "which context of it"},
     {"targets.*", "store", store, "", "where its backups are brought home to; \"none\": they stay with the server"},
     {"targets.*", "collections", texts, "", "only these collections; * and ? match"},
     {"targets.*", "exclude", texts, "", "all but these collections; * and ? match"},
     {"targets.*", "description", text, "", "a word to those who find its backups later"}}};

constexpr std::array<Key, 13> stores{
    {{"stores.*", "url", store, "", "a path, file:///PATH or s3://BUCKET/PREFIX; needed"},
     {"stores.*", "endpoint", url, "", "the service that has the bucket, where it is not the vendor's own"},
     {"stores.*", "region", text, "", "the bucket's region, where neither AWS_REGION nor the profile says it"},
     {"stores.*", "profile", text, "", "whose keys of ~/.aws are used"},
     {"stores.*", "addressing", text, "", "path or virtual: where the bucket's name stands in the address"},
     {"stores.*", "ca_file", path, "", "the authority that signed the service's certificate, PEM"},
     {"stores.*", "storage_class", text, "", "of what is uploaded, such as STANDARD_IA"},
     {"stores.*", "encryption", text, "", "by the service: AES256 or aws:kms"},
     {"stores.*", "kms_key", text, "", "the key of aws:kms, where it is not the account's own"},
     {"stores.*", "passphrase_file", path, "", "a file with the passphrase that vbackup encrypts the store with"},
     {"stores.*", "passphrase_env", text, "", "the variable that holds that passphrase", true},
     {"stores.*", "passphrase_command", text, "", "a command for /bin/sh that prints that passphrase", true},
     {"stores.*", "key_file", path, "", "a file with a line of 32 random characters or more, instead"}}};

template <std::size_t Count>
void add(std::vector<Key>& all, std::string_view table, const std::array<Key, Count>& some) {
    for (auto key : some) {
        key.table = table;
        // A target that says nothing does as [defaults] says.
        if (table.starts_with("targets.")) key.usual = {};
        all.push_back(key);
    }
}

std::vector<Key> all_keys() {
    std::vector<Key> all(top.begin(), top.end());
    all.insert(all.end(), journal.begin(), journal.end());
    add(all, "defaults", habits);
    add(all, "defaults.keep", keep);
    add(all, "defaults.hooks", hooks);
    all.insert(all.end(), target.begin(), target.end());
    add(all, "targets.*", habits);
    add(all, "targets.*.keep", keep);
    add(all, "targets.*.hooks", hooks);
    all.insert(all.end(), stores.begin(), stores.end());
    return all;
}

std::string upper(std::string_view text) {
    std::string out;
    for (const char letter : text)
        out += letter == '-' || letter == '.'   ? '_'
               : letter >= 'a' && letter <= 'z' ? char(letter - 'a' + 'A')
                                                : letter;
    return out;
}

}  // namespace

std::span<const Key> keys() {
    static const auto all = all_keys();
    return all;
}

std::vector<std::string_view> tables() {
    std::vector<std::string_view> names;
    for (const auto& key : keys())
        if (names.empty() || names.back() != key.table) names.push_back(key.table);
    return names;
}

bool matches(std::string_view table, std::string_view path) {
    const auto star = table.find('*');
    if (star == std::string_view::npos) return table == path;
    if (!path.starts_with(table.substr(0, star))) return false;
    path.remove_prefix(star);
    const auto end = path.find('.');
    return !path.empty() && end != 0 &&
           (end == std::string_view::npos ? "" : path.substr(end)) == table.substr(star + 1);
}

std::string variable_for(const Key& key, std::string_view name) {
    if (key.type == words || key.type == options || key.name == "include") return {};
    const auto dot = key.table.find('.');
    const auto kind = key.table.substr(0, dot);
    if (kind != "targets" && kind != "stores") {
        std::string path(key.table.starts_with("defaults")
                             ? key.table.substr(std::min<std::size_t>(9, key.table.size()))
                             : key.table);
        if (!path.empty()) path += '_';
        return "VBACKUP_" + upper(path + std::string(key.name));
    }
    auto below = std::string(key.table.substr(std::min(dot + 2, key.table.size())));  // ".keep" or nothing
    if (!below.empty()) below = below.substr(1) + "_";
    return (kind == "targets" ? "VBACKUP_TARGET_" : "VBACKUP_STORE_") + upper(name) + "__" +
           upper(below + std::string(key.name));
}

}  // namespace vbackup::config
