// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "base/text.hpp"
#include "config/table.hpp"

namespace vbackup::config {

namespace {

constexpr std::size_t longest = std::size_t{1} << 20;

std::string read_text(const std::filesystem::path& path) {
    const auto fail = [&path](std::string_view why) {
        return Error(ErrorKind::configuration, fmt::format("cannot read the configuration: {}", why), "",
                     {{"file", path.string()}});
    };
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) throw fail("it is a directory");
    errno = 0;
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw fail(std::generic_category().message(errno));
    std::string text(longest + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad()) throw fail("the disk failed");
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > longest) throw fail("it is longer than 1 MiB");
    return text;
}

// toml++ quotes what it read, and that may be a secret without its quotation marks. Only single characters stay.
std::string without_values(std::string_view description) {
    std::string result;
    while (!description.empty()) {
        const std::size_t begin = description.find('\'');
        const std::size_t end = begin == std::string_view::npos ? begin : description.find('\'', begin + 1);
        if (end == std::string_view::npos) break;
        result += description.substr(0, begin);
        result += end - begin <= 2 ? description.substr(begin, end - begin + 1) : "'…'";
        description.remove_prefix(end + 1);
    }
    return result.append(description);
}

toml::table parse(const std::string& text, const std::string& file) {
    try {
        return toml::parse(text, file);
    } catch (const toml::parse_error& error) {
        throw error_at(file, error.source().begin,
                       fmt::format("this is no TOML: {}", one_line(without_values(error.description()), 200)),
                       "text values stand in quotation marks");
    }
}

void require_one_key(const TargetConfig& target, const Table& table) {
    const int named =
        int(!target.api_key_file.empty()) + int(!target.api_key_env.empty()) + int(!target.api_key_command.empty());
    if (named > 1)
        table.fail(target.api_key_file.empty() ? "api_key_env" : "api_key_file",
                   "is not the only place named for the key", "keep one of api_key_file, api_key_env, api_key_command");
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
    if (store.url.empty()) table.fail("url", "is missing");
    if (!store.addressing.empty() && store.addressing != "path" && store.addressing != "virtual")
        table.fail("addressing", "is neither path nor virtual");
    if (store.url.starts_with('@')) table.fail("url", "names another store", "write a URL or a path");
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

Config load(const std::filesystem::path& path) {
    Config config;
    config.path = path;
    const toml::table root = parse(read_text(path), path.string());
    Table table(root, "", path.string());
    // Stores first: the other parts name them.
    table.tables("stores", [&](const std::string& name, Table& one) { config.stores[name] = read_store(name, one); });
    table.store("store", config.store);
    require_defined(config, config.store, table, "store");
    table.table("journal", [&](Table& journal) {
        journal.store("store", config.journal_store);
        require_defined(config, config.journal_store, journal, "store");
    });
    table.table("defaults", [&](Table& defaults) {
        defaults.duration("timeout", config.defaults.timeout);
        defaults.duration("stall", config.defaults.stall);
        defaults.count("parallel", config.defaults.parallel, 64);
        defaults.rate("limit_rate", config.defaults.limit_rate);
    });
    table.tables("targets", [&](const std::string& name, Table& one) {
        config.targets[name] = read_target(name, one);
        require_defined(config, config.targets[name].store, one, "store");
    });
    table.finish();
    return config;
}

Config load(const std::string& named, const Environment& environment) {
    const auto path = find_path(named, environment);
    return path ? load(*path) : Config{};
}

}  // namespace vbackup::config
