// SPDX-License-Identifier: Apache-2.0
// The README's tables say what the program's tables say.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "driver/registry.hpp"

namespace {

using namespace vbackup;

std::string readme() {
    std::ifstream in(REPOSITORY "/README.md");
    return {std::istreambuf_iterator<char>(in), {}};
}

// The cells of the first table row that begins with this cell.
std::vector<std::string> row(const std::string& text, const std::string& first) {
    auto from = text.find("\n| " + first + " |");
    if (from == std::string::npos) return {};
    const auto line = text.substr(from + 1, text.find('\n', from + 1) - from - 1);
    std::vector<std::string> cells;
    const std::regex cell(R"(\|\s*([^|]*?)\s*(?=\|))");
    for (std::sregex_iterator it(line.begin(), line.end(), cell), end; it != end; ++it) cells.push_back((*it)[1]);
    return cells;
}

std::string first_word(driver::Support support) {
    if (support == driver::Support::full) return "works";
    return support == driver::Support::part ? "partly" : "that database cannot";
}

}  // namespace

TEST_CASE("the README lists every exit code with its meaning") {
    const auto text = readme();
    for (const auto& info : error_kinds()) {
        CAPTURE(info.exit_code);
        const auto cells = row(text, std::to_string(info.exit_code));
        REQUIRE(cells.size() == 2);
        CHECK(cells[1] == info.meaning);
    }
    CHECK(row(text, "0").size() == 2);
}

TEST_CASE("the README says of every database what its driver says") {
    const auto text = readme();
    const auto heads = row(text, "");
    const std::map<std::string, std::string> rows{{"list", "list, status, wait, check"},
                                                  {"status", "list, status, wait, check"},
                                                  {"wait", "list, status, wait, check"},
                                                  {"check", "list, status, wait, check"}};
    REQUIRE(heads.size() == driver::drivers().size() + 1);
    for (std::size_t column = 1; column < heads.size(); ++column) {
        for (const auto& entry : driver::drivers()) {
            if (entry.product != heads[column]) continue;
            for (const auto& ability : entry.abilities) {
                const std::string verb(ability.verb);
                CAPTURE(heads[column]);
                CAPTURE(verb);
                const auto cells = row(text, rows.contains(verb) ? rows.at(verb) : verb);
                REQUIRE(cells.size() == heads.size());
                CHECK(cells[column].starts_with(first_word(ability.support)));
            }
        }
    }
}
