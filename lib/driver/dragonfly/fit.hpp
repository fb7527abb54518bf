// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "driver/dragonfly/census.hpp"
#include "io/key_records.hpp"

namespace vbackup::driver::dragonfly {

// What can be known of a target before anything is cleared there. Throws Error{refused} for a database number that it does not
// have, and, with `counts` of what is to be put back, for values that are larger than it takes in one command and for values in a
// newer format than its own. A Dragonfly takes newer ones than it gives: that is not known of it.
void require_fit(Call& call, const Census& census, const std::map<std::uint32_t, std::uint32_t>& destinations,
                 const io::KeyCounts& counts);

// Error{denied} or {unsupported} when the user may not give that command, or the server has none of that name; its words must change
// nothing. That only some keys are closed to the user
// is no such error: whether these matter is not known here.
void require_right(Call& call, net::Resp& wire, std::initializer_list<std::string_view> words);

}  // namespace vbackup::driver::dragonfly
