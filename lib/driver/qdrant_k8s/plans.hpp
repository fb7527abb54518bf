// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/qdrant_k8s/bodies.hpp"
#include "driver/qdrant_k8s/target.hpp"
#include "model/request.hpp"

// What a request becomes. All of these read only, and refuse what can be known beforehand.
namespace vbackup::driver::qdrant_k8s {

model::Plan plan_create(Call& call, const Target& target, const model::Request& request);
model::Plan plan_restore(Call& call, const Target& target, const model::Request& request);
model::Plan plan_remove(Call& call, const Target& target, const model::Request& request);
model::Plan plan_cancel(Call& call, const Target& target, const model::Request& request);

// Error{refused}: a job that has ended cannot be cancelled.
[[noreturn]] void throw_ended(const Job& job, const model::Seen& seen);

// The usual name of a snapshot made by hand.
std::string snapshot_name(const std::string& cluster_id, std::int64_t seconds);

// A step that sends one request; `data` says which.
model::Step step_of(std::string id, std::string what, const StepData& data, bool destroys);

// A backup is always of the whole cluster. Error{unsupported} otherwise.
void require_whole(const model::Scope& scope);

}  // namespace vbackup::driver::qdrant_k8s
