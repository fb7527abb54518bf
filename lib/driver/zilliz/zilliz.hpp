// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/registry.hpp"

namespace vbackup::driver {

// Zilliz Cloud: managed Milvus, whose backups are jobs of a control plane (v2). README.md says what is odd about it, and
// by what it is proven: there is no server of it to try.
const Entry& zilliz_entry();

}  // namespace vbackup::driver
