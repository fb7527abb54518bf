// SPDX-License-Identifier: Apache-2.0
#include "io/versions.hpp"

#include <archive.h>
#include <openssl/crypto.h>
#include <zstd.h>

#include <string_view>

namespace vbackup::io {

namespace {

// "OpenSSL 3.0.17 1 Jul 2025" is "3.0.17 1 Jul 2025".
std::string after_name(std::string_view text) {
    const auto blank = text.find(' ');
    return std::string(blank == std::string_view::npos ? text : text.substr(blank + 1));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> library_versions() {
    // Asked once: libarchive 3.6 loses what it answered before, each time.
    static const auto libarchive = after_name(archive_version_details());
    return {{"libarchive", libarchive},
            {"OpenSSL", after_name(OpenSSL_version(OPENSSL_VERSION))},
            {"zstd", ZSTD_versionString()}};
}

}  // namespace vbackup::io
