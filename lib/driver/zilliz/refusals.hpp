// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "net/http.hpp"

namespace vbackup::driver::zilliz {

// What a code of the control plane's table means; empty for one that says nothing by itself, where the words decide.
std::optional<ErrorKind> kind_of_code(long long code);
// What the server's words mean, where no code does.
std::optional<ErrorKind> kind_of_words(std::string_view words);

// The error, with the answer's `requestid`, which support asks for.
Error with_request_id(Error error, const net::Response& response);

// What a look at work came to that failed so: only an answer of the service's own table says something of that work. Any
// other failure passes, and becomes Error{busy} or Error{not_understood}.
Error of_look(const Error& error, const net::Response& response);
// What a request to change something came to that failed so: Error{unreachable} where the answer leaves open whether it was
// taken.
Error of_change(const Error& error, const net::Response& response);

}  // namespace vbackup::driver::zilliz
