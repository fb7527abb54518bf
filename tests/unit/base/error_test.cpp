// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>

using namespace vbackup;

TEST_CASE("every kind of error has the exit code that design and README promise") {
    const std::vector<std::pair<ErrorKind, int>> promised{
        {ErrorKind::failed, 1},         {ErrorKind::usage, 2},           {ErrorKind::partial, 3},
        {ErrorKind::deadline, 4},       {ErrorKind::stalled, 5},         {ErrorKind::corrupt, 6},
        {ErrorKind::not_found, 7},      {ErrorKind::conflict, 8},        {ErrorKind::busy, 9},
        {ErrorKind::cancelled, 10},     {ErrorKind::job_failed, 11},     {ErrorKind::refused, 12},
        {ErrorKind::stale, 13},         {ErrorKind::unsupported, 14},    {ErrorKind::unreachable, 15},
        {ErrorKind::denied, 16},        {ErrorKind::not_understood, 17}, {ErrorKind::storage, 18},
        {ErrorKind::configuration, 19}, {ErrorKind::interrupted, 130},
    };
    REQUIRE(error_kinds().size() == promised.size());
    for (std::size_t i = 0; i < promised.size(); ++i) {
        CAPTURE(i);
        CHECK(error_kinds()[i].kind == promised[i].first);
        CHECK(error_kinds()[i].exit_code == promised[i].second);
        CHECK(describe(promised[i].first).exit_code == promised[i].second);
    }
}

TEST_CASE("words and meanings are there, and words are unique") {
    std::set<std::string_view> words;
    for (const ErrorKindInfo& info : error_kinds()) {
        CAPTURE(info.word);
        CHECK(info.word.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
        CHECK(words.insert(info.word).second);
        CHECK(!info.meaning.empty());
        CHECK(info.meaning.find('\n') == std::string_view::npos);
    }
}

TEST_CASE("only what time alone can cure is transient") {
    for (const ErrorKindInfo& info : error_kinds()) {
        CAPTURE(info.word);
        CHECK(info.transient == (info.kind == ErrorKind::busy || info.kind == ErrorKind::unreachable));
    }
}

TEST_CASE("an error keeps the first value of a context key") {
    Error error(ErrorKind::busy, "another run holds the lock", "wait for it", {{"target", "prod"}});
    error.with("node", "node1").with("target", "other").with("node", "node2");
    CHECK(error.context() == Error::Context{{"target", "prod"}, {"node", "node1"}});
    CHECK(error.kind() == ErrorKind::busy);
    CHECK(error.message() == "another run holds the lock");
    CHECK(error.hint() == "wait for it");
    CHECK(std::string(error.what()) == error.message());
}

TEST_CASE("the worst of several errors does not depend on their order") {
    using enum ErrorKind;
    CHECK(worst(std::array{unreachable, denied}) == denied);
    CHECK(worst(std::array{denied, unreachable}) == denied);
    CHECK(worst(std::array{unreachable, corrupt, deadline}) == corrupt);
    CHECK(worst(std::array{deadline, job_failed}) == job_failed);
    CHECK(worst(std::array{denied, partial, corrupt}) == partial);
    CHECK(worst(std::array{partial, interrupted}) == interrupted);
    CHECK(worst({}) == failed);
    for (const ErrorKindInfo& info : error_kinds()) CHECK(worst(std::array{info.kind}) == info.kind);
}
