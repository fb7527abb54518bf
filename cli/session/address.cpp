// SPDX-License-Identifier: Apache-2.0
#include "cli/session/address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "base/url.hpp"
#include "cli/output/manual.hpp"

namespace vbackup::cli {

namespace {

template <class Map>
std::vector<std::string> names_of(const Map& map) {
    std::vector<std::string> names;
    for (const auto& [name, value] : map) names.push_back(name);
    return names;
}

std::string list_of(const std::vector<std::string>& names) {
    std::string out;
    for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
}

// "did you mean 'prod'?", or what there is, or how to begin.
std::string suggestion(std::string_view word, const std::vector<std::string>& names, std::string_view otherwise) {
    if (const auto near = did_you_mean(word, names)) return fmt::format("did you mean '{}'?", *near);
    return names.empty() ? std::string(otherwise) : fmt::format("the configuration has {}", list_of(names));
}

[[noreturn]] void refuse_name(std::string_view text, const config::Config& config) {
    const auto names = names_of(config.targets);
    std::string hint =
        suggestion(text, names, "give a URL such as http://localhost:6333, or name the target in the configuration");
    if (!config::is_name(text)) hint += "; names of targets are [a-z0-9-]+, addresses begin with http:// or https://";
    throw Error(ErrorKind::configuration,
                fmt::format("there is no target '{}' in the configuration", one_line(text, 80)), hint);
}

bool is_web(std::string_view scheme) {
    return scheme == "http" || scheme == "https";
}

// "qdrant+https" and so on, and the schemes that drivers have of their own.
std::vector<std::string> known_schemes(std::span<const driver::Entry> drivers) {
    std::vector<std::string> known{"http", "https"};
    for (const auto& one : drivers) {
        known.insert(known.end(), one.schemes.begin(), one.schemes.end());
        if (!one.recognise) continue;
        for (const auto* web : {"http", "https"}) known.push_back(fmt::format("{}+{}", one.name, web));
    }
    return known;
}

const driver::Entry* owner_of(const std::string& scheme, std::span<const driver::Entry> drivers) {
    const auto owns = [&](const driver::Entry& one) {
        return std::find(one.schemes.begin(), one.schemes.end(), scheme) != one.schemes.end();
    };
    const auto entry = std::find_if(drivers.begin(), drivers.end(), owns);
    return entry == drivers.end() ? nullptr : &*entry;
}

// "qdrant+https" is the driver qdrant over https; "zilliz" belongs to its driver and stays in the address.
void split_scheme(const std::string& scheme, std::span<const driver::Entry> drivers, TargetAddress& address, Url& url) {
    if (is_web(scheme)) return;
    if (const auto* owner = owner_of(scheme, drivers)) {
        address.driver = owner->name;
        return;
    }
    const auto known = known_schemes(drivers);
    if (std::find(known.begin(), known.end(), scheme) == known.end()) {
        const auto near = did_you_mean(scheme, known);
        throw Error(ErrorKind::usage, fmt::format("no database is addressed by {}://", one_line(scheme, 40)),
                    near ? fmt::format("did you mean {}://?", *near) : "use one of " + list_of(known));
    }
    const auto plus = scheme.find('+');
    address.driver = scheme.substr(0, plus);
    url.scheme = scheme.substr(plus + 1);
}

std::string looks_like_address(std::string_view text) {
    return text.find_first_of(":/.") == std::string_view::npos ? std::string() : std::string(text);
}

void set_url(std::string_view text, std::span<const driver::Entry> drivers, TargetAddress& address) {
    auto url = parse_url(text);
    split_scheme(std::string(url.scheme), drivers, address, url);
    if (!url.query.empty())
        throw Error(ErrorKind::usage, "the address of a target has no '?'",
                    "what only one database knows goes through -o NAME=VALUE");
    address.url = url.text();
}

// What is wrong in the configuration is no usage error of the person who types its name.
TargetAddress configured_address(const config::TargetConfig& configured, std::span<const driver::Entry> drivers) {
    TargetAddress address{configured.name, configured.driver, {}, &configured};
    try {
        set_url(configured.url, drivers, address);
    } catch (Error& error) {
        if (error.kind() != ErrorKind::usage) throw error.with("target", address.name);
        throw Error(ErrorKind::configuration, error.message(), error.hint(), {{"target", address.name}});
    }
    const auto known = [&](const driver::Entry& one) { return one.name == address.driver; };
    if (address.driver.empty() || std::any_of(drivers.begin(), drivers.end(), known)) return address;
    throw Error(ErrorKind::configuration, fmt::format("there is no driver '{}'", one_line(address.driver, 60)),
                "`vbackup drivers` shows what there is", {{"target", address.name}});
}

}  // namespace

TargetAddress resolve_target(std::string_view text, const config::Config& config,
                             std::span<const driver::Entry> drivers) {
    TargetAddress address;
    if (text.find("://") != std::string_view::npos) {
        set_url(text, drivers, address);
        return address;
    }
    if (const auto* configured = config.target(text)) return configured_address(*configured, drivers);
    // An '@' may stand before a machine's name with a password in front of it: never repeat that.
    if (text.find('@') != std::string_view::npos && !text.starts_with('@'))
        throw Error(
            ErrorKind::usage, "the address has no scheme, and an '@' that looks like credentials",
            "write https://database.example:6333, and the key in the configuration: api_key_file, api_key_command "
            "or api_key_env");
    if (names_a_store(text))
        throw Error(ErrorKind::usage, fmt::format("'{}' is a store, and a target is wanted", one_line(text, 80)),
                    "a target is a name from the configuration or a URL such as http://localhost:6333");
    if (!looks_like_address(text).empty())
        throw Error(ErrorKind::usage, fmt::format("'{}' is no URL and no name of a target", one_line(text, 80)),
                    fmt::format("an address begins with http:// or https://: http://{}", one_line(text, 80)));
    refuse_name(text, config);
}

bool names_a_store(std::string_view text) {
    if (text.starts_with('@') || text.starts_with("file:") || text.starts_with("s3:")) return true;
    return text.find('/') != std::string_view::npos && text.find("://") == std::string_view::npos;
}

std::string resolve_store(std::string_view text, const config::Config& config) {
    if (!text.starts_with('@')) {
        const bool remote = text.find("://") != std::string_view::npos && !text.starts_with("file:");
        if (remote) parse_url(text);  // refuses credentials without repeating them
        if (names_a_store(text)) return std::string(text);
        throw Error(ErrorKind::usage, fmt::format("'{}' is no store", one_line(text, 80)),
                    "a store is a path with a '/' in it (./backups), file:///PATH, s3://BUCKET/PREFIX, or @NAME from "
                    "the configuration");
    }
    return config.require_store(text.substr(1)).url;
}

model::Options parse_options(std::span<const std::string> words) {
    model::Options options;
    for (const auto& word : words) {
        const auto equals = word.find('=');
        if (equals == std::string::npos || equals == 0)
            throw Error(ErrorKind::usage, fmt::format("-o takes NAME=VALUE, not '{}'", one_line(word, 60)),
                        "`vbackup drivers` shows all options");
        const auto name = word.substr(0, equals);
        if (!options.emplace(name, word.substr(equals + 1)).second)
            throw Error(ErrorKind::usage, fmt::format("-o {} is given twice", one_line(name, 60)), "give it once");
    }
    return options;
}

model::Options options_of_verb(const driver::Entry& entry, std::string_view verb, const model::Options& options) {
    model::Options out;
    for (const auto& option : options_for(entry, verb))
        if (const auto found = options.find(std::string(option.name)); found != options.end()) out.insert(*found);
    return out;
}

}  // namespace vbackup::cli
