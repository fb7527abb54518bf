// SPDX-License-Identifier: Apache-2.0
#include "base/rate.hpp"

#include <doctest/doctest.h>

#include "base/call.hpp"
#include "base/error.hpp"
#include "support/fake_clock.hpp"

using namespace vbackup;

namespace {

struct Fixture {
    test::FakeClock clock;
    Tally tally;
    std::stop_source stop;
    Rate rate{1'000'000, clock.now()};
    Call call{clock, tally, Instant::max(), stop.get_token(), &rate};

    Milliseconds time_for(std::uint64_t bytes, std::uint64_t piece) {
        const auto before = clock.elapsed();
        for (std::uint64_t moved = 0; moved < bytes; moved += piece) call.moved(piece);
        return clock.elapsed() - before;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "over several seconds the rate is met within 5 %, whatever the size of the pieces") {
    for (const std::uint64_t piece : {1'000U, 16'384U, 100'000U, 250'000U}) {
        CAPTURE(piece);
        const auto took = time_for(5'000'000, piece);
        CHECK(took >= Milliseconds(4750));
        CHECK(took <= Milliseconds(5250));
    }
}

TEST_CASE_FIXTURE(Fixture, "work of its own between the pieces does not slow the flow down") {
    const auto before = clock.elapsed();
    for (int i = 0; i < 50; ++i) {
        clock.advance(Milliseconds(60));
        call.moved(100'000);
    }
    CHECK(clock.elapsed() - before >= Milliseconds(4750));
    CHECK(clock.elapsed() - before <= Milliseconds(5250));
}

TEST_CASE_FIXTURE(Fixture, "after any rest a burst is one second's worth and no more") {
    clock.advance(std::chrono::hours(1));
    CHECK(time_for(1'000'000, 10'000) == Milliseconds(0));
    CHECK(time_for(1'000'000, 10'000) >= Milliseconds(950));
}

TEST_CASE_FIXTURE(Fixture, "who shares a rate shares its time") {
    const Instant now = clock.now();
    CHECK(rate.take(500'000, now) == Milliseconds(500));
    // The second waits for the first one's bytes and its own.
    CHECK(rate.take(500'000, now) == Milliseconds(1000));
    CHECK(rate.take(0, now + Milliseconds(400)) == Milliseconds(600));
    // A look at the clock that came late changes nothing.
    CHECK(rate.take(0, now) == Milliseconds(600));
    CHECK(rate.take(0, now + Milliseconds(1000)) == Milliseconds(0));
}

TEST_CASE_FIXTURE(Fixture, "pieces are a tenth of a second's worth") {
    CHECK(call.piece(1 << 20) == 100'000);
    CHECK(call.piece(5) == 5);
    Rate slow(3, clock.now());
    call.rate = &slow;
    CHECK(call.piece(1 << 20) == 1);
    call.rate = nullptr;
    CHECK(call.piece(1 << 20) == 1 << 20);
}

TEST_CASE_FIXTURE(Fixture, "a stop and the deadline end the wait") {
    call.deadline = clock.now() + Milliseconds(300);
    try {
        call.moved(10'000'000);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::deadline);
    }
    CHECK(clock.elapsed() == Milliseconds(300));
    stop.request_stop();
    try {
        call.moved(10'000'000);
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
}

TEST_CASE_FIXTURE(Fixture, "without a rate nothing waits") {
    call.rate = nullptr;
    CHECK(time_for(1'000'000'000, 100'000'000) == Milliseconds(0));
    CHECK(clock.sleeps() == 0);
}
