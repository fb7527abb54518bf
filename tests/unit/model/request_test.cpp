// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "model/request.hpp"

using namespace vbackup;

TEST_CASE("whether aliases are to be switched is part of what was asked, and older summaries stay as they were") {
    model::Request request{.verb = model::Verb::restore, .id = "b1", .renames = {{"docs", "docs2"}}};
    const auto without = model::summary(request);
    CHECK(without.find("switch") == std::string::npos);
    CHECK_FALSE(model::parse_summary(without).switch_alias);
    request.switch_alias = true;
    CHECK(model::summary(request) != without);
    CHECK(model::parse_summary(model::summary(request)).switch_alias);
}
