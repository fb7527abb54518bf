// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "driver/dragonfly/cluster.hpp"
#include "driver/driver.hpp"

namespace vbackup::driver::dragonfly {

// What a target is at one moment: every master with what INFO says there.
struct Census {
    Facts facts;  // of the server that was asked first
    Layout layout;
    std::map<std::string, Facts> nodes;  // by the master's name; one that was not reached is missing, and an obstacle
    KeySpaces databases() const;         // of all masters together
};

Census look(Call& call, const net::RespServer& seed);
// `scheme` goes before the nodes' addresses, so that each is one that a target may be given by.
model::Inspection inspect(Call& call, const net::RespServer& seed, const std::string& scheme,
                          const model::Scope& scope);
// Error{not_found} for a name without wildcards that is no database with keys.
void require_databases(const model::Scope& scope, const KeySpaces& databases);
// The master of that name ("127.0.0.1:6379"), reached as `seed` is.
net::RespServer node_at(const net::RespServer& seed, const std::string& name);

}  // namespace vbackup::driver::dragonfly
