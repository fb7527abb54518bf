// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vbackup::config {

// Who said a value.
enum class Origin : std::uint8_t { flag, variable, file, usual };

// One value that holds, for people. No secret is in it.
struct Setting {
    std::string key;    // "targets.prod.url"
    std::string value;  // "***" for what is or may hold a secret
    Origin origin = Origin::usual;
    std::string file;      // of Origin::file
    std::size_t line = 0;  // of Origin::file
    std::string variable;  // of Origin::variable
    std::string through;   // the key whose value it is where this one says nothing: "defaults.stall"; else empty
};

}  // namespace vbackup::config
