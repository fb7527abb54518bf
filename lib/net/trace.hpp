// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace vbackup::net {

// The address for traces and errors: values of query fields whose names look like a secret's (key, token, secret, sign,
// password, credential, auth) become "***", and so does everything before an '@' in the authority.
std::string safe_url(std::string_view url);

// "GET http://…/v1/meta -> 200 (103 B, 12ms)"; with bytes sent, "POST … -> 200 (sent 1.5 KiB, 103 B, 12ms)".
std::string trace_answer(std::string_view method, std::string_view url, int status, std::uint64_t sent,
                         std::uint64_t received, Milliseconds took);
// "GET http://…/v1/meta -> failed: connection refused (12ms)".
std::string trace_failure(std::string_view method, std::string_view url, std::string_view why, Milliseconds took);

}  // namespace vbackup::net
