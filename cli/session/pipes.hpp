// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "base/call.hpp"
#include "cli/session/surroundings.hpp"
#include "io/stream.hpp"

namespace vbackup::cli {

// Standard input and output as streams. They wait for the other side as long as the call's deadline and its person let them.
// What they are given must outlive them. Error{usage} when a person sits where bytes should come from or go to.

std::unique_ptr<io::Source> standard_input(const Surroundings& around, Call& call);
// Error{storage} for what cannot be written. `finish` has nothing left to do: who reads the pipe sees its end.
std::unique_ptr<io::Sink> standard_output(const Surroundings& around, Call& call);

}  // namespace vbackup::cli
