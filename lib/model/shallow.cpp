// SPDX-License-Identifier: Apache-2.0
#include "model/shallow.hpp"

#include <cstddef>

namespace vbackup::model {

std::string_view shallow(std::string_view json) {
    constexpr std::size_t deepest = 150;
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t at = 0; at < json.size(); ++at) {
        const char letter = json[at];
        if (letter == '"') quoted = !quoted;
        if (quoted && letter == '\\') ++at;
        if (quoted) continue;
        if (letter == '[' || letter == '{') ++depth;
        if ((letter == ']' || letter == '}') && depth > 0) --depth;
        if (depth > deepest) return {};
    }
    return json;
}

}  // namespace vbackup::model
