// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace vbackup::net {

// Is the machine of that name or number among those that NO_PROXY lists? As libcurl reads it: names with all below them, numbers,
// numbers with the length of their network (10.0.0.0/8), apart by commas or blanks; a lone '*' for all.
bool is_without_proxy(std::string_view list, const std::string& machine);

}  // namespace vbackup::net
