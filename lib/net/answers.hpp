// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "net/http.hpp"

namespace vbackup::net {

// True for a web page: its Content-Type says so, or the body begins like one. No database answers with a page, so a
// proxy, a load balancer or a login form did.
bool looks_like_html(const Response& response);

// The body as one line for a person, when it is plain text: at most 200 characters, "" for a page and for nothing.
// For JSON, drivers take the server's words out themselves.
std::string plain_words(const Response& response);

// Throws the Error that every driver makes of a status outside 2xx alike. `what` says what was tried, such as
// "create backup nightly"; `server_words` are the server's own, taken from its JSON, or "" to use plain_words().
// Statuses that mean something special to one database (400, 405, 409, 422) are for its driver to look at first.
//
//   3xx                 not_understood, with the place that Location names: redirects are not followed
//   401, 403            denied
//   404, 410            not_found
//   408, 425, 429       busy
//   409                 conflict
//   412                 conflict (the file changed while it was read)
//   413                 refused: a proxy's limit; the databases have none
//   503                 busy; as a page, unreachable: a proxy says that nothing is behind it
//   502, 504            unreachable: a gateway got no answer from the server
//   507                 storage
//   501                 unsupported
//   a page otherwise    not_understood
//   all else            failed
//
// A 2xx ends here only when the caller could make nothing of it: not_understood.
[[noreturn]] void throw_for_status(const Response& response, std::string_view what, std::string_view server_words = {});

}  // namespace vbackup::net
