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

TEST_CASE("how long a backup is wanted, and what was said about it, are part of what was asked") {
    model::Request request{.verb = model::Verb::create, .id = "b1"};
    const auto without = model::summary(request);
    CHECK_FALSE(model::parse_summary(without).retention);
    request.retention = std::chrono::hours(72);
    request.description = "before the upgrade";
    const auto read = model::parse_summary(model::summary(request));
    CHECK(read.retention == std::chrono::hours(72));
    CHECK(read.description == "before the upgrade");
}
