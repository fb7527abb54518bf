// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/registry.hpp"

namespace vbackup::driver {

// A data store of Dragonfly Cloud, dragonfly-cloud://DATASTORE_ID: its published API, and RESP for the data itself.
const Entry& dragonfly_cloud_entry();

}  // namespace vbackup::driver
