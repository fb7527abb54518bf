// SPDX-License-Identifier: Apache-2.0
#include "config/environment.hpp"

#include <fmt/format.h>

#include <string_view>
#include <system_error>

#include "base/error.hpp"

extern char** environ;

namespace vbackup::config {

namespace fs = std::filesystem;

namespace {

// "An error that hides a file is not a missing file": a folder that may not be searched is said, not skipped.
bool is_there(const fs::path& path) {
    std::error_code why;
    const fs::file_status status = fs::status(path, why);
    if (status.type() == fs::file_type::none || (why && status.type() != fs::file_type::not_found)) {
        throw Error(ErrorKind::configuration,
                    fmt::format("cannot tell whether there is a configuration file: {}", why.message()),
                    "name one by --config or VBACKUP_CONFIG", {{"file", path.string()}});
    }
    return status.type() != fs::file_type::not_found;
}

fs::path require_there(const std::string& name, std::string_view named_by) {
    if (!is_there(name)) {
        throw Error(ErrorKind::configuration,
                    fmt::format("the configuration file named by {} does not exist", named_by),
                    "correct the name, or leave it out to use the default place", {{"file", name}});
    }
    return name;
}

std::optional<fs::path> folder(const Environment& environment, const std::string& name) {
    const auto value = variable(environment, name);
    if (!value || !fs::path(*value).is_absolute()) return std::nullopt;
    return fs::path(*value);
}

}  // namespace

Environment process_environment() {
    Environment result;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::size_t equals = text.find('=');
        if (equals != std::string_view::npos) result.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return result;
}

std::optional<std::string> variable(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    if (found == environment.end() || found->second.empty()) return std::nullopt;
    return found->second;
}

std::optional<fs::path> find_path(const std::string& named, const Environment& environment, const fs::path& system) {
    if (!named.empty()) return require_there(named, "--config");
    if (const auto value = variable(environment, "VBACKUP_CONFIG")) return require_there(*value, "VBACKUP_CONFIG");

    auto own = folder(environment, "XDG_CONFIG_HOME");
    if (const auto home = folder(environment, "HOME"); !own && home) own = *home / ".config";
    if (own && is_there(*own / "vbackup" / "vbackup.toml")) return *own / "vbackup" / "vbackup.toml";
    if (is_there(system)) return system;
    return std::nullopt;
}

fs::path own_path(const std::string& named, const Environment& environment) {
    if (!named.empty()) return named;
    if (const auto value = variable(environment, "VBACKUP_CONFIG")) return *value;
    if (const auto own = folder(environment, "XDG_CONFIG_HOME")) return *own / "vbackup" / "vbackup.toml";
    if (const auto home = folder(environment, "HOME")) return *home / ".config" / "vbackup" / "vbackup.toml";
    throw Error(ErrorKind::configuration,
                "there is no place for a configuration: neither HOME nor XDG_CONFIG_HOME is set",
                "name a file by --config");
}

fs::path state_directory(const Environment& environment) {
    if (const auto state = folder(environment, "XDG_STATE_HOME")) return *state / "vbackup";
    if (const auto home = folder(environment, "HOME")) return *home / ".local" / "state" / "vbackup";
    throw Error(ErrorKind::configuration, "there is no place for the journal: neither HOME nor XDG_STATE_HOME is set",
                "set one of them, or name a store for the journal by [journal] store in the configuration");
}

}  // namespace vbackup::config
