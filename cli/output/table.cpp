// SPDX-License-Identifier: Apache-2.0
#include "cli/output/table.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/text.hpp"

namespace vbackup::cli {

namespace {

constexpr std::size_t longest_cell = 1000;

using Range = std::pair<char32_t, char32_t>;

// The blocks of Unicode 15 (EastAsianWidth.txt, W and F) that names of collections really come from.
constexpr std::array<Range, 10> wide{{{0x1100, 0x115F},
                                      {0x2E80, 0x303E},
                                      {0x3041, 0xA4CF},
                                      {0xAC00, 0xD7A3},
                                      {0xF900, 0xFAFF},
                                      {0xFE30, 0xFE6F},
                                      {0xFF00, 0xFF60},
                                      {0xFFE0, 0xFFE6},
                                      {0x1F300, 0x1FAFF},
                                      {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 5> combining{
    {{0x0300, 0x036F}, {0x1AB0, 0x1AFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t letter) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const Range& range) { return letter >= range.first && letter <= range.second; });
}

std::size_t width_of(char32_t letter) {
    if (within(combining, letter)) return 0;
    return within(wide, letter) ? 2 : 1;
}

// One character of UTF-8 and how many bytes it takes; a byte that begins none counts for itself.
std::pair<char32_t, std::size_t> decode(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    std::size_t length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1;
    if (length == 1 || length > text.size()) return {first, 1};
    char32_t letter = first & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xC0U) != 0x80U) return {first, 1};
        letter = (letter << 6U) | (next & 0x3FU);
    }
    return {letter, length};
}

std::string pad(std::string_view text, std::size_t width, bool right) {
    const std::size_t used = display_width(text);
    const std::string space(width > used ? width - used : 0, ' ');
    return right ? space + std::string(text) : std::string(text) + space;
}

void append_line(std::string& out, std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
}

}  // namespace

std::string paint(const Style& style, Tint tint, std::string_view text) {
    if (!style.colour || text.empty()) return std::string(text);
    const char* code = "0";
    switch (tint) {
        case Tint::good:
            code = "32";
            break;
        case Tint::bad:
            code = "31";
            break;
        case Tint::warning:
            code = "33";
            break;
        case Tint::faint:
            code = "2";
            break;
        case Tint::strong:
            code = "1";
            break;
    }
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::size_t display_width(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const auto [letter, length] = decode(text);
        width += width_of(letter);
        text.remove_prefix(length);
    }
    return width;
}

std::string cut(std::string_view text, std::size_t most) {
    if (display_width(text) <= most) return std::string(text);
    std::string out;
    std::size_t width = 1;  // of the "…"
    while (!text.empty()) {
        const auto [letter, length] = decode(text);
        if ((width += width_of(letter)) > most) break;
        out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return most == 0 ? std::string() : out + "…";
}

std::string render_table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows,
                         const Style& style) {
    std::vector<std::vector<std::string>> cells;
    std::vector<std::size_t> widths;
    for (const auto& column : columns) widths.push_back(display_width(column.title));
    for (const auto& row : rows) {
        auto& line = cells.emplace_back(columns.size());
        for (std::size_t i = 0; i < std::min(row.size(), columns.size()); ++i) {
            line[i] = one_line(row[i], longest_cell);
            widths[i] = std::max(widths[i], display_width(line[i]));
        }
    }
    std::string titles, out;
    for (std::size_t i = 0; i < columns.size(); ++i)
        titles += (i == 0 ? "" : "  ") + pad(columns[i].title, widths[i], columns[i].right);
    titles.erase(titles.find_last_not_of(' ') + 1);
    append_line(out, paint(style, Tint::strong, titles));
    for (const auto& row : cells) {
        std::string line;
        for (std::size_t i = 0; i < columns.size(); ++i)
            line += (i == 0 ? "" : "  ") + pad(row[i], widths[i], columns[i].right);
        append_line(out, std::move(line));
    }
    return out;
}

std::string render_pairs(const Pairs& pairs, const Style& style) {
    std::size_t width = 0;
    for (const auto& [key, value] : pairs)
        if (!value.empty()) width = std::max(width, display_width(key));
    std::string out;
    for (const auto& [key, value] : pairs)
        if (!value.empty())
            append_line(
                out, "  " + paint(style, Tint::faint, pad(key, width, false)) + "  " + one_line(value, longest_cell));
    return out;
}

}  // namespace vbackup::cli
