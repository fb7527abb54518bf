// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace vbackup::config {

// Environment variables as a value, so that tests do not touch the process's own.
using Environment = std::map<std::string, std::string>;

// A copy of the process's own environment.
Environment process_environment();

// The value of a variable; empty when it is not set or set to nothing.
std::optional<std::string> variable(const Environment& environment, const std::string& name);

// The configuration file: `named` (of --config), else $VBACKUP_CONFIG, else the first that exists of
// $XDG_CONFIG_HOME/vbackup/vbackup.toml, $HOME/.config/vbackup/vbackup.toml (only without XDG_CONFIG_HOME) and
// /etc/vbackup/vbackup.toml (`system` in tests). As the XDG base directory specification 0.8 says, relative values of
// XDG variables are ignored. Empty when none of the default places has one; Error{configuration} when a named file is
// missing, or when it cannot be told whether a file is there.
std::optional<std::filesystem::path> find_path(const std::string& named, const Environment& environment,
                                               const std::filesystem::path& system = "/etc/vbackup/vbackup.toml");

// Where a configuration of one's own belongs: `named`, else $VBACKUP_CONFIG, else below $XDG_CONFIG_HOME or $HOME/.config.
// Error{configuration} when nothing says it.
std::filesystem::path own_path(const std::string& named, const Environment& environment);

// Where the journal lies: $XDG_STATE_HOME/vbackup or $HOME/.local/state/vbackup. Error{configuration} when neither
// variable holds an absolute path.
std::filesystem::path state_directory(const Environment& environment);

}  // namespace vbackup::config
