// SPDX-License-Identifier: Apache-2.0
#include "model/shallow.hpp"

#include <doctest/doctest.h>

#include <string>

#include "base/error.hpp"
#include "model/key_slots.hpp"

using vbackup::model::shallow;

namespace {

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + "1" + std::string(depth, ']');
}

}  // namespace

TEST_CASE("JSON that lies too deep in itself is no JSON; all else stays as it is") {
    CHECK(shallow(nested(150)) == nested(150));
    CHECK(shallow(nested(151)).empty());
    CHECK(shallow(R"({"a":)" + nested(150) + "}").empty());
    CHECK(shallow(nested(100'000)).empty());
    for (const std::string text : {"", "{}", "no JSON", "]]]]", R"("\")"}) CHECK(shallow(text) == text);
}

TEST_CASE("key slots that lie too deep in themselves are none") {
    const auto text = R"({"format":"vbackup-encryption","version":1,"deep":)" + nested(1000) + R"(,"slots":[]})";
    try {
        vbackup::model::parse_key_slots(text);
        FAIL("it was read");
    } catch (const vbackup::Error& error) {
        CHECK(error.kind() == vbackup::ErrorKind::corrupt);
        CHECK(std::string(error.message()).find("the JSON is not what it should be") != std::string::npos);
    }
}

TEST_CASE("brackets side by side and in texts are not deep") {
    std::string wide = "[";
    for (int i = 0; i < 1000; ++i) wide += "[{}],";
    CHECK(shallow(wide + "1]") == wide + "1]");
    const auto text = R"({"a\"":"\\)" + std::string(500, '[') + R"(\"","b":1})";
    CHECK(shallow(text) == text);
    CHECK(shallow(R"(["\\"])" + nested(151)).empty());
}
