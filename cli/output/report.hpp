// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cli/output/answer.hpp"

namespace vbackup::cli {

// What the first line of every page says, so that a page is known as one that may be replaced by the next.
inline constexpr std::string_view page_mark = "<!DOCTYPE html><!-- vbackup report -->";

// A report as one page of HTML that needs nothing besides: no network, no script. Every text in it is escaped, and it says so
// to the browser too (https://www.w3.org/TR/CSP3/). Times are UTC.
std::string render_page(const StoreReport& report);

}  // namespace vbackup::cli
