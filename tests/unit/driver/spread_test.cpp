// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant/spread.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace vbackup::driver::qdrant;

namespace {

std::uint64_t busiest(const std::vector<Choices>& pieces, const std::vector<std::string>& nodes) {
    std::map<std::string, std::uint64_t> load;
    for (std::size_t i = 0; i < pieces.size(); ++i) load[nodes.at(i)] += pieces[i].at(nodes[i]);
    std::uint64_t most = 0;
    for (const auto& [_, one] : load) most = std::max(most, one);
    return most;
}

// By trying everything.
std::uint64_t best(const std::vector<Choices>& pieces, std::vector<std::string>& nodes) {
    if (nodes.size() == pieces.size()) return busiest(pieces, nodes);
    auto least = ~std::uint64_t{0};
    for (const auto& [node, _] : pieces[nodes.size()]) {
        nodes.push_back(node);
        least = std::min(least, best(pieces, nodes));
        nodes.pop_back();
    }
    return least;
}

}  // namespace

TEST_CASE("what could be even is even, also where the first choice was not") {
    const std::vector<Choices> pieces{{{"a", 1}, {"b", 1}}, {{"a", 1}, {"c", 1}}, {{"b", 1}, {"c", 1}},
                                      {{"a", 1}, {"b", 1}}, {{"a", 1}, {"c", 1}}, {{"a", 1}, {"b", 1}}};
    CHECK(busiest(pieces, spread(pieces)) == 2);
    CHECK(spread({}).empty());
    CHECK(spread({{{"a", 5}}}) == std::vector<std::string>{"a"});
}

TEST_CASE("pieces of one size: never more on the busiest node than has to be") {
    std::mt19937 random(20261121);  // NOLINT: the same ones each time
    const auto below = [&](std::uint32_t most) { return static_cast<std::uint32_t>(random() % most); };
    for (int round = 0; round < 2000; ++round) {
        std::vector<Choices> pieces(1 + below(7));
        for (auto& piece : pieces)
            for (std::uint32_t i = 0; i <= below(3); ++i) piece[std::string(1, static_cast<char>('a' + below(4)))] = 1;
        std::vector<std::string> tried;
        const auto least = best(pieces, tried);
        CHECK(busiest(pieces, spread(pieces)) == least);
    }
}
