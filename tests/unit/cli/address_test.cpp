// SPDX-License-Identifier: Apache-2.0
#include "cli/session/address.hpp"

#include <doctest/doctest.h>

#include "program.hpp"

using namespace vbackup;
using namespace vbackup::cli;

namespace {

config::Config configured() {
    config::Config config;
    config.targets["prod"].name = "prod";
    config.targets["prod"].url = "toy+https://db.example:6333";
    config.targets["bad"].name = "bad";
    config.targets["bad"].url = "nothing";
    config.targets["named"].name = "named";
    config.targets["named"].url = "http://db.example";
    config.targets["named"].driver = "toy";
    config.targets["typo"].name = "typo";
    config.targets["typo"].url = "http://db.example";
    config.targets["typo"].driver = "tyo";
    config.stores["nightly"].name = "nightly";
    config.stores["nightly"].url = "/var/backups/nightly";
    return config;
}

ErrorKind refusal(std::string_view text) {
    const auto config = configured();
    try {
        resolve_target(text, config, test::toy_drivers());
    } catch (const Error& error) {
        return error.kind();
    }
    FAIL("it was not refused");
    return ErrorKind::failed;
}

}  // namespace

TEST_CASE("a target is a name or a URL") {
    const auto config = configured();
    const auto drivers = test::toy_drivers();
    const auto named = resolve_target("prod", config, drivers);
    CHECK(named.name == "prod");
    CHECK(named.driver == "toy");
    CHECK(named.url == "https://db.example:6333");
    CHECK(named.configured == config.target("prod"));
    CHECK(resolve_target("named", config, drivers).driver == "toy");

    const auto plain = resolve_target("http://DB.example:6333/", config, drivers);
    CHECK(plain.name.empty());
    CHECK(plain.driver.empty());
    CHECK(plain.url == "http://db.example:6333");
    CHECK(plain.configured == nullptr);
    CHECK(resolve_target("toy+http://db.example/prefix", config, drivers).url == "http://db.example/prefix");
}

TEST_CASE("a scheme that a driver has of its own stays in the address, and nobody is asked what it is") {
    const config::Config config;
    const auto found = resolve_target("toybox://Shelf-1/left", config, test::toy_drivers());
    CHECK(found.driver == "toy");
    CHECK(found.url == "toybox://shelf-1/left");
    CHECK(refusal("toybox+http://shelf-1") == ErrorKind::usage);
}

TEST_CASE("what is wrong in the configuration is 19, what is wrong in the argument is 2") {
    CHECK(refusal("bad") == ErrorKind::configuration);
    CHECK(refusal("typo") == ErrorKind::configuration);
    CHECK(refusal("other") == ErrorKind::configuration);
    CHECK(refusal("http:///x") == ErrorKind::usage);
    CHECK(refusal("http://h/?a=b") == ErrorKind::usage);
    CHECK(refusal("./store") == ErrorKind::usage);
    CHECK(refusal("db.example") == ErrorKind::usage);
}

TEST_CASE("a store has a slash or an @, so it is never taken for a target") {
    for (const auto* store : {"/x", "./x", "x/y", "file:///x", "s3://bucket/x", "@nightly"})
        CHECK(names_a_store(store));
    for (const auto* target : {"prod", "http://h/x", "toy+http://h/x", "zilliz://x"})
        CHECK_FALSE(names_a_store(target));
}

TEST_CASE("stores are found by name") {
    const auto config = configured();
    CHECK(resolve_store("@nightly", config) == "/var/backups/nightly");
    CHECK(resolve_store("./x", config) == "./x");
    CHECK_THROWS_WITH_AS(resolve_store("@nightyl", config), doctest::Contains("nightyl"), Error);
    CHECK_THROWS_AS(resolve_store("plain", config), Error);
}

TEST_CASE("options are split at the first equals sign") {
    const std::vector<std::string> words{"a=1", "b=x=y", "c="};
    CHECK(parse_options(words) == model::Options{{"a", "1"}, {"b", "x=y"}, {"c", ""}});
    for (const std::vector<std::string>& bad : {std::vector<std::string>{"a"}, {"=a"}, {"a=1", "a=2"}})
        CHECK_THROWS_AS(parse_options(bad), Error);
}

TEST_CASE("only the options of a verb are kept for it") {
    const auto& entry = test::toy_drivers().front();
    const model::Options all{{"unit", "shard"}, {"level", "3"}};
    CHECK(options_of_verb(entry, "create", all) == all);
    CHECK(options_of_verb(entry, "restore", all) == model::Options{{"level", "3"}});
    CHECK(options_of_verb(entry, "list", all).empty());
}
