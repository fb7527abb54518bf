// SPDX-License-Identifier: Apache-2.0
#include "base/program.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace vbackup;
using End = ProgramResult::End;

TEST_CASE("a program gets its arguments as they are, and only the environment that it is given") {
    const std::array<std::string, 4> words{"/bin/sh", "-c", "printf '%s|%s|%s' \"$0\" \"$ONE\" \"$HOME\"", "a b;$HOME"};
    const auto result = run_program(words, {{"ONE", "1"}}, 100, Seconds(30));
    CHECK(result.end == End::exited);
    CHECK(result.code == 0);
    CHECK(result.output == "a b;$HOME|1|");
}

TEST_CASE("a program that is not there, and none at all") {
    const std::array<std::string, 1> missing{"/no/such/program"};
    CHECK(run_program(missing, {}, 100, Seconds(30)).end == End::not_started);
    CHECK(run_program({}, {}, 100, Seconds(30)).end == End::not_started);
}

TEST_CASE("a stop ends a program that would not end by itself") {
    const std::array<std::string, 3> waits{"/bin/sh", "-c", "exec sleep 1000"};
    std::stop_source stop;
    stop.request_stop();
    CHECK(run_program(waits, {{"PATH", "/usr/bin:/bin"}}, 100, std::chrono::hours(1), stop.get_token()).end ==
          End::timed_out);
}

TEST_CASE("a program reads what it is given, and its messages join the output where that is wanted") {
    const std::array<std::string, 3> words{"/bin/sh", "-c", "cat; echo said >&2"};
    const std::map<std::string, std::string> environment{{"PATH", "/usr/bin:/bin"}};
    CHECK(run_program(words, environment, 100, Seconds(30), {}, {.input = "facts\n", .messages = true}).output ==
          "facts\nsaid\n");
    CHECK(run_program(words, environment, 100, Seconds(30), {}, {.input = "facts\n"}).output == "facts\n");
    CHECK(run_program(words, environment, 100, Seconds(30)).output.empty());
    const std::array<std::string, 1> deaf{"/bin/true"};
    CHECK(run_program(deaf, {}, 100, Seconds(30), {}, {.input = std::string(60'000, 'x')}).code == 0);
}
