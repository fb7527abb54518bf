// SPDX-License-Identifier: Apache-2.0
#include "base/tally.hpp"

#include <doctest/doctest.h>

using namespace vbackup;

TEST_CASE("the same warning is kept once, in the order of the first") {
    Tally tally;
    tally.warn("slow disk");
    tally.warn("old server");
    tally.warn("slow disk");
    CHECK(tally.warnings() == std::vector<std::string>{"slow disk", "old server"});
    CHECK(tally.warnings(1) == std::vector<std::string>{"old server"});
    CHECK(tally.warnings(2).empty());
    CHECK(tally.warnings(99).empty());
}

TEST_CASE("the stage is the last one set") {
    Tally tally;
    CHECK(tally.stage().empty());
    tally.stage("weaviate: STARTED");
    tally.stage("weaviate: SUCCESS");
    CHECK(tally.stage() == "weaviate: SUCCESS");
}
