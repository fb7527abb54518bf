// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/manifest.hpp"
#include "model/request.hpp"

namespace vbackup::driver {

// The bytes of one small file of a backup by its name there; empty when it cannot be read.
using ReadFile = std::function<std::optional<std::string>(const std::string& name)>;

// What a driver knows of how its backups are laid out, without asking a server: for `verify --structure`. Plain data.
struct Structure {
    std::string_view driver;
    std::string_view why_not = {};  // where `covered` is null
    // Is all that the manifest tells of (collections, shards, nodes) in its files? At least one finding. Error{unsupported} for
    // a backup that does not tell what must be in it.
    model::Proof (*covered)(const model::Manifest& manifest, const ReadFile& read) = nullptr;
    // What that file must hold when it is an archive: names of entries; one with '/' at its end is a folder, for anything below
    // it. Null: nothing is known of it.
    std::vector<std::string> (*expected)(const model::Manifest& manifest, const model::File& file) = nullptr;
};

// One for each driver: one list in one file.
std::span<const Structure> structures();
const Structure* find_structure(std::string_view driver);

}  // namespace vbackup::driver
