// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "net/trace.hpp"

namespace vbackup::cli {

// A log in the shape of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), to be written bit by bit: head, entries with
// ",\n" between them, tail. What HAR has no place for begins with '_': `_error` is why there is no whole answer (its status
// is then 0, or that of the head that came), `_commands` and `_errors` sum up commands of RESP, whose method is RESP.
std::string_view har_head();
std::string har_entry(const net::Exchanged& exchange, Moment begun);
std::string_view har_tail();

}  // namespace vbackup::cli
