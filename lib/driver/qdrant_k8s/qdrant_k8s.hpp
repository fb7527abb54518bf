// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/registry.hpp"

namespace vbackup::driver {

// Qdrant Private and Hybrid Cloud, through the Kubernetes objects of qdrant.io/v1 that its operator works on. README.md lists what
// is odd about it.
const Entry& qdrant_k8s_entry();

}  // namespace vbackup::driver
