// SPDX-License-Identifier: Apache-2.0
#include "base/clock.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "base/call.hpp"
#include "base/error.hpp"
#include "support/fake_clock.hpp"

// g++ 12 with -Og takes the constructor of std::stop_source for a use before initialisation.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

using namespace vbackup;
using std::chrono::hours;

TEST_CASE("the system clock sleeps at least as long as it was told") {
    const Instant begin = system_clock().now();
    CHECK(system_clock().sleep(Milliseconds(2), {}));
    CHECK(system_clock().now() - begin >= Milliseconds(2));
    CHECK(system_clock().sleep(Milliseconds(0), {}));
    CHECK(system_clock().sleep(Milliseconds(-5), {}));
}

TEST_CASE("the system clock does not sleep once a stop was requested") {
    std::stop_source source;
    source.request_stop();
    CHECK_FALSE(system_clock().sleep(Milliseconds::max(), source.get_token()));
    CHECK_FALSE(system_clock().sleep(Milliseconds(0), source.get_token()));
}

TEST_CASE("a stop wakes a sleeper") {
    std::stop_source source;
    const std::jthread other([&source] { source.request_stop(); });
    CHECK_FALSE(system_clock().sleep(hours(1), source.get_token()));
}

TEST_CASE("a call knows how much time is left") {
    const test::FakeClock clock;
    Tally tally;
    std::stop_source stop;
    Call call{clock, tally, clock.now() + Milliseconds(1500), stop.get_token()};
    CHECK(call.left(Milliseconds(1000)) == Milliseconds(1000));
    CHECK(call.left(Milliseconds(9000)) == Milliseconds(1500));
    CHECK_NOTHROW(call.require_time());

    clock.advance(Milliseconds(1500));
    CHECK(call.left(Milliseconds(9000)) == Milliseconds(0));
    CHECK_THROWS_WITH_AS(call.require_time(), "the deadline passed", Error);

    stop.request_stop();
    CHECK_THROWS_WITH_AS(call.require_time(), "interrupted", Error);
}

TEST_CASE("what is left is rounded up, so that a sleep of it passes the deadline") {
    const test::FakeClock clock;
    Tally tally;
    const Call call{clock, tally, clock.now() + std::chrono::microseconds(10)};
    CHECK(call.left(Milliseconds(5)) == Milliseconds(1));
}

TEST_CASE("a call without a deadline has all the time") {
    const test::FakeClock clock;
    Tally tally;
    const Call call{clock, tally};
    CHECK(call.left(hours(1000)) == hours(1000));
    CHECK_NOTHROW(call.require_time());
}

TEST_CASE("the kinds of a call's errors") {
    const test::FakeClock clock;
    Tally tally;
    std::stop_source stop;
    const Call call{clock, tally, clock.now(), stop.get_token()};
    const auto kind = [&call] {
        try {
            call.require_time();
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::failed;
    };
    CHECK(kind() == ErrorKind::deadline);
    stop.request_stop();
    CHECK(kind() == ErrorKind::interrupted);
}
