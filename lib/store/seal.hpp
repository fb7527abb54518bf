// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "model/manifest.hpp"

namespace vbackup::store {

// A manifest holds the digests of all files, and its own seal: a last field "seal" with the SHA-256 of the text as it would be without
// it. So not one bit of a backup can change unseen.

// `rendered` is what model::render makes of a manifest.
std::string seal(std::string_view rendered);
// Throws as model::parse_manifest, and Error{corrupt} when the seal is of another text. A manifest without one is of a vbackup that
// did not seal yet, and is taken.
model::Manifest parse_sealed(std::string_view text);

}  // namespace vbackup::store
