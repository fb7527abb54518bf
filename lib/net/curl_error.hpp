// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace vbackup::net {

// What is known about an exchange that broke. Addresses are safe to show already.
struct Broken {
    CURLcode code = CURLE_OK;
    std::string_view words;     // curl's, of this exchange; may be empty
    int system_error = 0;       // errno of the connection attempt; 0 when there is none
    bool connected = false;     // the request was about to be sent, or was
    std::string_view base;      // "https://host:6333"
    std::string_view exchange;  // "GET https://host:6333/collections"
    std::string_view ca_file;
    std::string_view client_cert_file;
    Milliseconds connect_timeout{0};
    std::string_view ca_words;  // instead of `ca_file`, for what is no file
    std::string_view client_words;
};

// The one table from curl's codes to ours:
//   cannot resolve, connect, time-out, reset, no answer, cut body        unreachable
//   the server's certificate or ours was refused                         denied
//   own certificate, key or CA file cannot be used                       configuration
//   what came is not HTTP                                                not_understood
//   an address that curl cannot read                                     usage
//   all else                                                             failed
Error to_error(const Broken& broken);

}  // namespace vbackup::net
