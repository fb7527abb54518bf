// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "driver/dragonfly/census.hpp"
#include "driver/driver.hpp"

namespace vbackup::driver::dragonfly {

model::Plan plan_create(Call& call, const net::RespServer& seed, const model::Request& request);
model::Plan plan_restore(Call& call, const net::RespServer& seed, const model::Request& request);
// Erases the files that a Dragonfly left where this machine sees them. Error{unsupported} for those that only the server sees.
model::Plan plan_remove(Call& call, const net::RespServer& seed, const model::Request& request);

// Where the databases of a backup go: those in scope, under their new numbers. Error{usage} for a rename that names no
// database, or two that meet.
std::map<std::uint32_t, std::uint32_t> destinations_of(const model::Manifest& manifest, const model::Request& request);

// Which keys are put back: those that are asked for, or those that the backup was made of; empty: all.
std::string match_of(const model::Manifest& manifest, const model::Request& request);

}  // namespace vbackup::driver::dragonfly
