// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/registry.hpp"

namespace vbackup::driver {

// Weaviate's backups REST, any version from 1.22 on; tried on 1.39.0. README.md lists what is odd about it.
const Entry& weaviate_entry();

}  // namespace vbackup::driver
