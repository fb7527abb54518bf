// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace vbackup::test {

// A certificate authority of our own, made anew in `folder`: its certificate, one for a server on 127.0.0.1 and localhost,
// one for a client, and another authority that signed none of them. Valid from yesterday for two days. PEM files.
struct Certificates {
    explicit Certificates(const std::filesystem::path& folder);

    std::string ca;
    std::string server_certificate;
    std::string server_key;
    std::string client_certificate;
    std::string client_key;
    std::string other_ca;
};

}  // namespace vbackup::test
