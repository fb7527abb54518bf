// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/structures.hpp"

namespace vbackup::driver::dragonfly {

// Structure::covered: every master has its file of keys. Error{unsupported} for what was left with the server, in its own format.
model::Proof covered(const model::Manifest& manifest, const ReadFile& read);

}  // namespace vbackup::driver::dragonfly
