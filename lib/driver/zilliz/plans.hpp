// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "driver/driver.hpp"
#include "driver/zilliz/requests.hpp"

// What a request becomes. All of these read only, and refuse what can be known beforehand.
namespace vbackup::driver::zilliz {

struct Planning {
    Call& call;
    const Routes& routes;
    const std::string& cluster;  // the target
    const model::Request& request;
};

// A step of this driver.
model::Step step_of(std::string id, const StepData& data, std::string what);
// The backup that a request is about, from manifest or server.
Work work_of(const model::Request& request);
// Throws Error{unsupported} unless the cluster is a Dedicated one.
void require_dedicated(const Cluster& cluster);
// Those of a cluster that are in the making, whoever began them: only one may be.
std::vector<Backup> under_way(const std::vector<Backup>& backups, const std::string& cluster);
// Error{busy} that names the first of them.
Error busy_with(const std::vector<Backup>& running);
// The collections that a scope names. Throws Error{usage} for what to leave out: it is not known what there is.
std::vector<Name> names_in(const model::Scope& scope);
// Throws Error{unsupported} for a region that gets no copy of what lies in `from`.
void require_copies(const std::string& from, const std::vector<std::string>& regions);

model::Plan plan_create(const Planning& planning);
model::Plan plan_restore(const Planning& planning);
model::Plan plan_download(const Planning& planning);
model::Plan plan_remove(const Planning& planning);

}  // namespace vbackup::driver::zilliz
