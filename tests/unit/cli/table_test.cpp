// SPDX-License-Identifier: Apache-2.0
#include "cli/output/table.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace vbackup::cli;

TEST_CASE("display_width counts columns, not bytes") {
    CHECK(display_width("") == 0);
    CHECK(display_width("abc") == 3);
    CHECK(display_width("Größe") == 5);
    CHECK(display_width("日本語") == 6);
    CHECK(display_width("e\xCC\x81") == 1);
    CHECK(display_width("😀") == 2);
    CHECK(display_width("\xFF\xC3") == 2);
    CHECK(display_width("\xE6\x97") == 2);
}

TEST_CASE("cut keeps within the columns") {
    CHECK(cut("abcdef", 6) == "abcdef");
    CHECK(cut("abcdef", 5) == "abcd…");
    CHECK(cut("日本語", 5) == "日本…");
    CHECK(cut("日本語", 4) == "日…");
    CHECK(cut("abc", 0).empty());
}

TEST_CASE("a table aligns by columns and has no spaces at the ends of lines") {
    const auto text = render_table({{"NAME"}, {"SIZE", true}, {"WHERE"}},
                                   {{"a", "1 KiB", "x"}, {"日本語", "20 MiB", ""}, {"short"}}, {});
    CHECK(text ==
          "NAME      SIZE  WHERE\n"
          "a        1 KiB  x\n"
          "日本語  20 MiB\n"
          "short\n");
}

TEST_CASE("what a server says cannot break a table") {
    const auto text = render_table({{"NAME"}}, {{"a\x1b[31m\nb"}}, {});
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("pairs without a value are left out") {
    CHECK(render_pairs({{"a", "1"}, {"long", ""}, {"bc", "2"}}, {}) == "  a   1\n  bc  2\n");
}

TEST_CASE("colour only where the style has it") {
    CHECK(paint({}, Tint::bad, "x") == "x");
    CHECK(paint({.colour = true}, Tint::bad, "x") == "\x1b[31mx\x1b[0m");
    CHECK(paint({.colour = true}, Tint::bad, "").empty());
}
