// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/registry.hpp"

namespace vbackup::driver {

// Dragonfly, Redis and Valkey over RESP: dragonfly://, redis://, valkey://, and with an s at the end for TLS.
const Entry& dragonfly_entry();

// The same for a server whose address and password another driver found.
std::unique_ptr<Driver> open_dragonfly(Settings settings);

}  // namespace vbackup::driver
