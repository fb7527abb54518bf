// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/manifest.hpp"

namespace vbackup::test {

// A manifest and an intent in which every field says something, so that one that is dropped is missed.
model::Manifest full_manifest();
model::Intent full_intent();

}  // namespace vbackup::test
