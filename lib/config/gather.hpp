// SPDX-License-Identifier: Apache-2.0
#pragma once

// Of this room's .cpp files alone, as table.hpp is.

#include <filesystem>
#include <map>
#include <string>

#include <toml++/toml.h>

#include "config/environment.hpp"

namespace vbackup::config {

// A configuration as one table, before anybody asked what its keys mean.
struct Gathered {
    toml::table root;
    std::map<std::string, std::string> variables;  // by the path of the key that one of the environment says
};

// The file and what it includes, as one. Error{configuration} with the place: no TOML, longer than 1 MiB, a key that two files
// say, a file that is not there (one named without * and ?), an `include` in an included file.
toml::table gather_files(const std::filesystem::path& path);

// Puts what the environment says over the files. What it says for all targets goes before what a file says for one of them,
// as a flag does. A variable that says nothing is not there; Error{configuration} for one that is named like these and means
// no key, and for a value that cannot be one.
void lay_over(Gathered& gathered, const Environment& environment);

}  // namespace vbackup::config
