// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vbackup::store {

// How the names of a store become paths below its directory.
//
// `encoded`, for stores of our own: each part between two '/' becomes one file name that is safe whatever the part holds.
//   - Control characters, '%', '\', bytes that are not UTF-8 and a '.' at the beginning become %XX, so "." and ".." and
//     hidden files cannot arise; an empty part becomes "%~"; the '.' of ".part" at the end becomes %2E, since that
//     ending marks unfinished files.
//   - A part whose encoding is longer than 200 bytes is cut and ends with "%~" and 32 hex digits of its SHA-256. Such a
//     name cannot be decoded; the short form stands for itself, so what `decode` gives names the same file again.
//     Manifests hold the full names.
// `plain`, for folders that a server wrote: names are used as they are; parts that would escape are refused.
enum class Naming { encoded, plain };

// Throws Error{storage} for a name that is empty or, when plain, has an empty part, "." or "..".
std::string encode_name(std::string_view name, Naming naming);
// The name behind a path below the directory. Empty for one that `encode_name` does not make: it is not ours.
std::optional<std::string> decode_name(std::string_view path, Naming naming);
// One file name for a whole name, '/' encoded too.
std::string flat_name(std::string_view name);

// %XX to the byte; empty when a '%' is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace vbackup::store
