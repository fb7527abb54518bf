// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vbackup::cli {

// How text may look: no colour where NO_COLOR, TERM=dumb or no terminal forbids it.
struct Style {
    bool colour = false;
    std::size_t width = 80;  // columns of the terminal
};

enum class Tint { good, bad, warning, faint, strong };
// The text in that tint, or as it is where the style has no colour.
std::string paint(const Style& style, Tint tint, std::string_view text);

// How many columns a terminal uses for UTF-8 text: 2 for East Asian wide characters and emoji, 0 for combining marks.
std::size_t display_width(std::string_view text);
// At most `most` columns of the text, with "…" at its end when it was cut.
std::string cut(std::string_view text, std::size_t most);

struct Column {
    std::string title;
    bool right = false;  // numbers and sizes
};

// A line of titles and one per row, columns two spaces apart, no spaces at the end of a line. Cells are made safe for
// one line of a terminal. Rows shorter than the titles have empty cells.
std::string render_table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows,
                         const Style& style);

// "  key    value" lines with the values below each other; pairs without a value are left out.
using Pairs = std::vector<std::pair<std::string, std::string>>;
std::string render_pairs(const Pairs& pairs, const Style& style);

}  // namespace vbackup::cli
