// SPDX-License-Identifier: Apache-2.0
#include "net/versions.hpp"

#include <curl/curl.h>
#include <expat.h>
#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <string_view>

namespace vbackup::net {

namespace {

// "libcurl/7.88.1 OpenSSL/3.0.17 zlib/1.2.13" is "7.88.1 OpenSSL/3.0.17 zlib/1.2.13".
std::string after(std::string_view text, char mark) {
    const auto at = text.find(mark);
    return std::string(at == std::string_view::npos ? text : text.substr(at + 1));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> library_versions() {
    return {{"libcurl", after(curl_version(), '/')},
            {"expat", after(XML_ExpatVersion(), '_')},
            {"hiredis", fmt::format("{}.{}.{}", HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH)}};
}

}  // namespace vbackup::net
