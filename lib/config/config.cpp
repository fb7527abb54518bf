// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "config/gather.hpp"
#include "config/settings_of.hpp"
#include "config/table.hpp"

namespace vbackup::config {

namespace {

void require_one_key(const TargetConfig& target, const Table& table) {
    const int named =
        int(!target.api_key_file.empty()) + int(!target.api_key_env.empty()) + int(!target.api_key_command.empty());
    if (named > 1)
        table.fail(target.api_key_file.empty() ? "api_key_env" : "api_key_file",
                   "is not the only place named for the key", "keep one of api_key_file, api_key_env, api_key_command");
}

void require_one_key(const StoreConfig& store, const Table& table) {
    const auto more = [&](const std::string& one, const char* name, bool before) {
        if (!one.empty() && before)
            table.fail(name, "is not the only place named for the key",
                       "keep one of passphrase_file, passphrase_env, passphrase_command, key_file");
        return before || !one.empty();
    };
    bool named = more(store.passphrase_file, "passphrase_file", false);
    named = more(store.passphrase_env, "passphrase_env", named);
    named = more(store.passphrase_command, "passphrase_command", named);
    more(store.key_file, "key_file", named);
}

void read_keep(Table& table, Keep& keep) {
    constexpr std::size_t most = 100000;
    table.count("last", keep.last, most);
    table.count("hourly", keep.hourly, most);
    table.count("daily", keep.daily, most);
    table.count("weekly", keep.weekly, most);
    table.count("monthly", keep.monthly, most);
    table.count("yearly", keep.yearly, most);
    table.duration("within", keep.within);
}

void read_hooks(Table& table, Hooks& hooks) {
    table.words("before", hooks.before);
    table.words("after", hooks.after);
    table.words("failed", hooks.failed);
    table.duration("timeout", hooks.timeout);
}

void read_habits(Table& table, Habits& habits) {
    table.duration("timeout", habits.timeout);
    table.duration("stall", habits.stall);
    table.count("parallel", habits.parallel, 64);
    table.rate("limit_rate", habits.limit_rate);
    table.duration("retention", habits.retention);
    if (habits.retention && *habits.retention < Seconds(1))
        table.fail("retention", "is no time", "leave the key out to keep every backup");
    table.flag("verify", habits.verify);
    table.duration("max_age", habits.max_age);
    table.text("ping_url", habits.ping_url);
    // Its value is never repeated.
    if (!habits.ping_url.empty() && !habits.ping_url.starts_with("https://") && !habits.ping_url.starts_with("http://"))
        table.fail("ping_url", "is no http or https address");
    table.file_name("ping_url_file", habits.ping_url_file);
    if (!habits.ping_url.empty() && !habits.ping_url_file.empty())
        table.fail("ping_url", "is not the only place named for it", "keep one of ping_url and ping_url_file");
    table.table("keep", [&](Table& keep) { read_keep(keep, habits.keep); });
    table.table("hooks", [&](Table& hooks) { read_hooks(hooks, habits.hooks); });
}

TargetConfig read_target(const std::string& name, Table& table) {
    TargetConfig target;
    target.name = name;
    table.url("url", target.url);
    table.text("driver", target.driver);
    table.urls("nodes", target.nodes);
    table.file_name("api_key_file", target.api_key_file);
    table.text("api_key_env", target.api_key_env);
    table.text("api_key_command", target.api_key_command);
    table.file_name("ca_file", target.ca_file);
    table.file_name("client_cert_file", target.client_cert_file);
    table.file_name("client_key_file", target.client_key_file);
    table.scalars("options", target.options);
    table.text("user", target.user);
    table.url("base_url", target.base_url);
    table.file_name("kubeconfig", target.kubeconfig);
    table.text("context", target.context);
    table.store("store", target.store);
    table.texts("collections", target.collections);
    table.texts("exclude", target.exclude);
    table.text("description", target.description);
    read_habits(table, target.habits);
    if (!target.collections.empty() && !target.exclude.empty())
        table.fail("exclude", "and collections exclude each other", "keep one of them");
    if (target.url.empty()) table.fail("url", "is missing");
    if (target.client_cert_file.empty() != target.client_key_file.empty()) {
        table.fail(target.client_cert_file.empty() ? "client_key_file" : "client_cert_file", "is there alone",
                   "a client certificate needs client_cert_file and client_key_file");
    }
    require_one_key(target, table);
    return target;
}

StoreConfig read_store(const std::string& name, Table& table) {
    StoreConfig store;
    store.name = name;
    table.store("url", store.url);
    table.url("endpoint", store.endpoint);
    table.text("region", store.region);
    table.text("profile", store.profile);
    table.text("addressing", store.addressing);
    table.file_name("ca_file", store.ca_file);
    table.text("storage_class", store.storage_class);
    table.text("encryption", store.encryption);
    table.text("kms_key", store.kms_key);
    table.file_name("passphrase_file", store.passphrase_file);
    table.text("passphrase_env", store.passphrase_env);
    table.text("passphrase_command", store.passphrase_command);
    table.file_name("key_file", store.key_file);
    if (store.url.empty()) table.fail("url", "is missing");
    if (!store.addressing.empty() && store.addressing != "path" && store.addressing != "virtual")
        table.fail("addressing", "is neither path nor virtual");
    if (store.url.starts_with('@')) table.fail("url", "names another store", "write a URL or a path");
    require_one_key(store, table);
    return store;
}

void require_defined(const Config& config, const std::string& store, const Table& table, std::string_view name) {
    if (!store.starts_with('@')) return;
    try {
        config.require_store(std::string_view(store).substr(1));
    } catch (const Error& error) {
        table.fail(name, fmt::format("names a store that is not there: {}", error.message()), error.hint());
    }
}

template <class Entries>
std::string suggestion(std::string_view name, const Entries& entries, std::string_view what) {
    std::vector<std::string> names;
    for (const auto& entry : entries) names.push_back(entry.first);
    if (names.empty()) return fmt::format("the configuration has no {}", what);
    const auto meant = did_you_mean(name, names);
    return meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("there are: {}", fmt::join(names, ", "));
}

}  // namespace

bool is_name(std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

const TargetConfig* Config::target(std::string_view name) const {
    const auto found = targets.find(std::string(name));
    return found == targets.end() ? nullptr : &found->second;
}

const StoreConfig* Config::find_store(std::string_view name) const {
    const auto found = stores.find(std::string(name));
    return found == stores.end() ? nullptr : &found->second;
}

const TargetConfig& Config::require_target(std::string_view name) const {
    if (const TargetConfig* found = target(name)) return *found;
    throw Error(ErrorKind::configuration, fmt::format("there is no target '{}'", one_line(name, 60)),
                suggestion(name, targets, "targets"));
}

const StoreConfig& Config::require_store(std::string_view name) const {
    if (const StoreConfig* found = find_store(name)) return *found;
    throw Error(ErrorKind::configuration, fmt::format("there is no store '@{}'", one_line(name, 60)),
                suggestion(name, stores, "stores"));
}

Habits Config::habits_of(const TargetConfig* target) const {
    Habits all = defaults;
    if (target == nullptr) return all;
    const auto& own = target->habits;
    const auto prefer = [](auto& general, const auto& said) {
        if (said) general = said;
    };
    prefer(all.timeout, own.timeout);
    prefer(all.stall, own.stall);
    prefer(all.parallel, own.parallel);
    prefer(all.limit_rate, own.limit_rate);
    prefer(all.retention, own.retention);
    prefer(all.verify, own.verify);
    prefer(all.max_age, own.max_age);
    if (own.keep.any()) all.keep = own.keep;
    for (const auto hook : {&Hooks::before, &Hooks::after, &Hooks::failed})
        if (!(own.hooks.*hook).empty()) all.hooks.*hook = own.hooks.*hook;
    prefer(all.hooks.timeout, own.hooks.timeout);
    if (!own.ping_url.empty() || !own.ping_url_file.empty()) {
        all.ping_url = own.ping_url;
        all.ping_url_file = own.ping_url_file;
    }
    return all;
}

namespace {

void read(Table& table, Config& config) {
    std::vector<std::string> included;
    table.texts("include", included);
    // Stores first: the other parts name them.
    table.tables("stores", [&](const std::string& name, Table& one) { config.stores[name] = read_store(name, one); });
    table.store("store", config.store);
    require_defined(config, config.store, table, "store");
    table.table("journal", [&](Table& journal) {
        journal.store("store", config.journal_store);
        require_defined(config, config.journal_store, journal, "store");
    });
    table.table("defaults", [&](Table& defaults) { read_habits(defaults, config.defaults); });
    table.tables("targets", [&](const std::string& name, Table& one) {
        config.targets[name] = read_target(name, one);
        require_defined(config, config.targets[name].store, one, "store");
    });
}

Config read(const std::optional<std::filesystem::path>& path, const Environment& environment,
            std::vector<Error>* mistakes) {
    Config config;
    Gathered gathered;
    if (path) {
        config.path = *path;
        gathered.root = gather_files(*path);
    }
    try {
        lay_over(gathered, environment);
    } catch (const Error& error) {
        if (mistakes == nullptr) throw;
        mistakes->push_back(error);
    }
    const Reading reading{.file = path ? path->string() : "", .variables = gathered.variables, .mistakes = mistakes};
    Table table(gathered.root, "", reading);
    table.whole([&] { read(table, config); });
    config.settings = settings_of(gathered);
    return config;
}

}  // namespace

Config load(const std::filesystem::path& path) {
    return read(path, {}, nullptr);
}

Config load(const std::string& named, const Environment& environment) {
    return read(find_path(named, environment), environment, nullptr);
}

Checked check(const std::string& named, const Environment& environment) {
    Checked checked;
    checked.config = read(find_path(named, environment), environment, &checked.mistakes);
    return checked;
}

}  // namespace vbackup::config
