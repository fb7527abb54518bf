// SPDX-License-Identifier: Apache-2.0
// What the fuzzers found in the readers of answers and notes.
#include <doctest/doctest.h>

#include "base/error.hpp"
#include "driver/dragonfly/note.hpp"
#include "driver/dragonfly_cloud/datastore.hpp"
#include "driver/qdrant/fixed.hpp"
#include "driver/qdrant_k8s/objects.hpp"
#include "driver/weaviate/answers.hpp"
#include "driver/zilliz/answers.hpp"

using namespace vbackup;

TEST_CASE("JSON that lies deep in itself ends no driver") {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    namespace k8s = driver::qdrant_k8s;
    for (const auto& text :
         {R"({"items":[)" + deep + "]}", R"({"type":"ADDED","object":{"a":)" + deep + "}}",
          R"({"classes":[{"class":"A","a":)" + deep + "}]}", R"({"config":{"a":)" + deep + "}}", deep}) {
        CHECK_THROWS_AS(k8s::parse_page(text), Error);
        CHECK_FALSE(k8s::parse_event(text));
        CHECK_THROWS_AS(driver::weaviate::parse_schema({.status = 200, .headers = {}, .body = text}), Error);
        CHECK_THROWS_AS(driver::dragonfly_cloud::parse_datastore(text), Error);
        CHECK_THROWS_AS(driver::zilliz::parse_backups({.status = 200, .headers = {}, .body = text}), Error);
        CHECK_THROWS_AS(driver::qdrant::fixed_of(text), Error);
    }
}

TEST_CASE("a policy noted with a field of another type is damaged") {
    CHECK_THROWS_AS(driver::dragonfly_cloud::parse_policy(R"({"enabled":true,"every_day":1})"), Error);
    CHECK_THROWS_AS(driver::dragonfly_cloud::parse_policy("[]"), Error);
}

TEST_CASE("an error tells of a note what it needs, not all of it") {
    try {
        driver::dragonfly::parse_note(std::string(100'000, 'M'));
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.message().size() < 500);
    }
}
