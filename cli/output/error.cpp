// SPDX-License-Identifier: Apache-2.0
#include "cli/output/error.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

// A server's own reason may be long; what is cut here is whole under --output json.
constexpr std::size_t longest = 2000;

std::string context_of(const Error& error) {
    std::string out;
    for (const auto& [key, value] : error.context())
        out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", key, one_line(value));
    return out;
}

}  // namespace

std::string error_text(const Error& error, const Style& style, bool terminal) {
    const auto context = context_of(error);
    std::string out = paint(style, Tint::bad, "vbackup:") + " " + one_line(error.message(), longest);
    if (!context.empty()) out += terminal ? "\n  " + context : " (" + context + ")";
    if (!error.hint().empty())
        out += (terminal ? "\n" : "; ") + paint(style, Tint::strong, "hint:") + " " + one_line(error.hint(), longest);
    return out + "\n";
}

}  // namespace vbackup::cli
