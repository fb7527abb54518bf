// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vbackup {

// An address of a target or a store, split but not decoded.
struct Url {
    std::string scheme;      // lower case, such as "http" or "weaviate+https"
    std::string host;        // lower case; an IPv6 address without its brackets
    std::uint16_t port = 0;  // 0 when not given
    std::string path;        // "" or begins with '/', no '/' at its end
    std::string query;       // without '?'

    // scheme://host[:port]/path, the port left out when not given; never holds a secret.
    std::string text() const;
};

// Throws Error{usage} for text that is no URL, and for credentials inside it (the text is then not repeated).
Url parse_url(std::string_view text);

// RFC 3986: everything but unreserved characters becomes %XX, '/' too. For one segment of a path or one query value.
std::string percent_encode(std::string_view text);

}  // namespace vbackup
