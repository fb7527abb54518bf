// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "driver/registry.hpp"

using namespace vbackup;
using namespace vbackup::driver;

namespace {

constexpr std::array<Option, 5> options = {{
    {"backend", "s3|gcs|azure|filesystem", "create restore list", "where the server puts it", ""},
    {"cpu", "1-80", "create restore", "percentage", ""},
    {"path", "PATH", "create restore", "below the bucket", "1.27.0"},
    {"overwrite-alias", "true|false", "restore", "replace aliases", "1.33.0"},
    {"node-map", "OLD-NEW", "restore", "a free value with a dash", ""},
}};

Entry entry() {
    return {"toy", "Toy", {}, options, nullptr, nullptr};
}

struct Refusal {
    std::string message;
    std::string hint;
};

// What is thrown; empty when all is well.
Refusal refusal(std::string_view verb, const model::Options& given) {
    try {
        require_options(entry(), verb, given);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return {error.message(), error.hint()};
    }
    return {};
}

bool good(std::string_view verb, const model::Options& given) {
    return refusal(verb, given).message.empty();
}

}  // namespace

TEST_CASE("options of the table are accepted") {
    CHECK(good("create", {}));
    CHECK(good("create", {{"backend", "s3"}, {"cpu", "80"}, {"path", "any thing/at-all"}}));
    CHECK(good("restore", {{"overwrite-alias", "false"}, {"node-map", "node1-node2"}}));
}

TEST_CASE("an unknown name gets the nearest one that the verb knows") {
    CHECK(refusal("create", {{"backnd", "s3"}}).message == "toy knows no option backnd");
    CHECK(refusal("create", {{"backnd", "s3"}}).hint == "did you mean backend?");
    CHECK(refusal("create", {{"zzzzzzzzz", "1"}}).hint == "for create there are: backend, cpu, path");
    CHECK(refusal("cancel", {{"zzzzzzzzz", "1"}}).hint == "toy takes no -o options for cancel");
}

TEST_CASE("an option belongs to its verbs") {
    CHECK(refusal("list", {{"cpu", "5"}}).message == "the option cpu of toy means nothing for list");
    CHECK(refusal("list", {{"cpu", "5"}}).hint == "it belongs to: create, restore");
    CHECK(good("list", {{"backend", "s3"}}));
    // A verb that is the beginning of another one is not that one.
    CHECK_FALSE(good("rest", {{"cpu", "5"}}));
}

TEST_CASE("a value must be in its list") {
    CHECK(refusal("create", {{"backend", "s4"}}).message == "backend=s4 is none of s3|gcs|azure|filesystem");
    CHECK(refusal("create", {{"backend", "filesytem"}}).hint == "did you mean filesystem?");
    CHECK_FALSE(good("create", {{"backend", ""}}));
    CHECK_FALSE(good("create", {{"backend", "s3|gcs"}}));
    CHECK_FALSE(good("restore", {{"overwrite-alias", "yes"}}));
    CHECK_FALSE(good("create", {{"backend", "S3"}}));
}

TEST_CASE("a value must be a whole number in its range") {
    CHECK(good("create", {{"cpu", "1"}}));
    for (const std::string value : {"0", "81", "-1", "1.5", "5%", "", " 5", "99999999999999999999"}) {
        CAPTURE(value);
        CHECK(refusal("create", {{"cpu", value}}).message.ends_with("is no whole number from 1 to 80"));
    }
}

TEST_CASE("a free value must be there") {
    CHECK(refusal("create", {{"path", ""}}).message == "the option path has no value");
    CHECK(refusal("create", {{"path", ""}}).hint == "write -o path=PATH");
}

TEST_CASE("what a person typed cannot disturb the terminal") {
    CHECK(refusal("create", {{"a\x1b[2Jb", "1"}}).message.find('\x1b') == std::string::npos);
    CHECK(refusal("create", {{"backend", "a\nb"}}).message.find('\n') == std::string::npos);
}
