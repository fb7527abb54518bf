// SPDX-License-Identifier: Apache-2.0
#include "driver/registry.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <sstream>
#include <string>

using namespace vbackup;
using namespace vbackup::driver;

namespace {

constexpr std::array<std::string_view, 11> verbs = {"create", "list",   "status", "download", "restore", "delete",
                                                    "cancel", "verify", "check",  "wait",     "prune"};

bool is_verb(std::string_view word) {
    return std::find(verbs.begin(), verbs.end(), word) != verbs.end();
}

}  // namespace

TEST_CASE("every driver is found by its own name") {
    REQUIRE(drivers().size() >= 2);
    for (const Entry& entry : drivers()) {
        CAPTURE(entry.name);
        CHECK(find_driver(entry.name) == &entry);
        CHECK_FALSE(entry.product.empty());
        CHECK((entry.open != nullptr));
        CHECK((entry.recognise != nullptr || !entry.schemes.empty()));
    }
    CHECK(find_driver("weaviate") != nullptr);
    CHECK(find_driver("qdrant") != nullptr);
    CHECK(find_driver("oracle") == nullptr);
    CHECK(find_driver("") == nullptr);
}

TEST_CASE("what a driver cannot do has a reason") {
    for (const Entry& entry : drivers()) {
        for (const Ability& one : entry.abilities) {
            CAPTURE(entry.name);
            CAPTURE(one.verb);
            CHECK(is_verb(one.verb));
            if (one.support != Support::full) CHECK_FALSE(one.note.empty());
            CHECK(&ability(entry, one.verb) == &one);
        }
    }
}

TEST_CASE("a verb that a driver does not speak of is one that it cannot do") {
    const Entry empty{"toy", "Toy", {}, {}, nullptr, nullptr};
    CHECK(ability(empty, "create").support == Support::none);
    CHECK_FALSE(ability(empty, "create").note.empty());
}

TEST_CASE("the tables of options are sound") {
    for (const Entry& entry : drivers()) {
        std::set<std::string_view> names;
        for (const Option& option : entry.options) {
            CAPTURE(entry.name);
            CAPTURE(option.name);
            CHECK(names.insert(option.name).second);
            CHECK_FALSE(option.value.empty());
            CHECK_FALSE(option.help.empty());
            CHECK_FALSE(option.verbs.empty());
            std::istringstream words{std::string(option.verbs)};
            for (std::string word; words >> word;) CHECK(is_verb(word));
        }
    }
}
