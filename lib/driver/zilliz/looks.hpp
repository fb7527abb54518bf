// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "driver/zilliz/requests.hpp"
#include "model/plan.hpp"

namespace vbackup::driver::zilliz {

// One look at a job, at a backup or at a cluster that is being made. A job that ended well names what is to be looked at after
// it; a backup that failed is in no list, and its job tells why.
model::Seen look_at(Call& call, const Routes& routes, const Work& work);

// For people: "Zilliz Cloud: Dedicated-01_backup2, by the policy, until 2026-11-28T08:00:00Z".
std::string place_of(const Backup& backup);

}  // namespace vbackup::driver::zilliz
