// SPDX-License-Identifier: Apache-2.0
#include "net/retry.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "support/fake_clock.hpp"

using namespace vbackup;
using namespace vbackup::net;
using namespace std::chrono_literals;

namespace {

Moment at(std::string_view text) {
    return parse_time(text).value();
}

Response answer(int status, Headers headers = {}) {
    Response response;
    response.status = status;
    response.headers = std::move(headers);
    return response;
}

struct Fixture {
    test::FakeClock clock;
    Tally tally;
    std::stop_source stop;
    Call call{clock, tally, Instant::max(), stop.get_token()};
    int attempts = 0;
    std::vector<std::string> notes;

    Response run(const std::function<Response()>& attempt, double random = 0.5) {
        return repeat_while_passing(
            call, [random] { return random; }, [this](std::string_view line) { notes.emplace_back(line); },
            [&] {
                ++attempts;
                return attempt();
            });
    }
};

}  // namespace

TEST_CASE("backoff doubles from 250 ms to 20 s and is spread by the random number") {
    CHECK(backoff(0, 0ms, 0.0) == 0ms);
    CHECK(backoff(0, 0ms, 0.999) == 249ms);
    CHECK(backoff(1, 0ms, 0.5) == 250ms);
    CHECK(backoff(3, 0ms, 0.5) == 1000ms);
    CHECK(backoff(6, 0ms, 0.5) == 8000ms);
    CHECK(backoff(7, 0ms, 0.5) == 10'000ms);
    CHECK(backoff(1000, 0ms, 0.5) == 10'000ms);
}

TEST_CASE("backoff is never shorter than what the server asked for") {
    CHECK(backoff(0, 3000ms, 0.999) == 3000ms);
    CHECK(backoff(7, 3000ms, 0.5) == 10'000ms);
}

TEST_CASE("Retry-After in seconds") {
    CHECK(retry_after("", at("2026-11-21T07:47:00Z")) == 0ms);
    CHECK(retry_after("0", at("2026-11-21T07:47:00Z")) == 0ms);
    CHECK(retry_after("3", at("2026-11-21T07:47:00Z")) == 3s);
    CHECK(retry_after("  120 ", at("2026-11-21T07:47:00Z")) == 120s);
    CHECK(retry_after("86400", at("2026-11-21T07:47:00Z")) == 1h);
    CHECK(retry_after("99999999999999999999999", at("2026-11-21T07:47:00Z")) == 1h);
    CHECK(retry_after("-5", at("2026-11-21T07:47:00Z")) == 0ms);
    CHECK(retry_after("soon", at("2026-11-21T07:47:00Z")) == 0ms);
}

TEST_CASE("Retry-After as an HTTP date") {
    const Moment now = at("2026-11-21T07:47:00Z");
    CHECK(retry_after("Sat, 21 Nov 2026 07:47:30 GMT", now) == 30s);
    CHECK(retry_after("Sat, 21 Nov 2026 07:46:30 GMT", now) == 0ms);
    CHECK(retry_after("Sun, 22 Nov 2026 07:47:30 GMT", now) == 1h);
    CHECK(retry_after("Tue, 31 Nov 2026 07:47:30 GMT", now) == 0ms);
    CHECK(retry_after("Sat, 21 Nix 2026 07:47:30 GMT", now) == 0ms);
    CHECK(retry_after("Sat, 21 Nov 2026 07:47:30 CET", now) == 0ms);
    CHECK(retry_after("2026-11-21T07:47:30Z", now) == 0ms);
    // Nanoseconds do not reach these years, nor from one of them to now.
    for (const auto* year : {"0001", "1600", "1700", "1969", "2262", "6026", "9999"}) {
        CAPTURE(year);
        CHECK(retry_after(std::string("Sat, 21 Nov ") + year + " 07:47:30 GMT", now) == 0ms);
    }
}

TEST_CASE("only requests that change nothing are repeated") {
    Request request;
    CHECK(is_repeatable(request));
    request.body = "{}";
    CHECK_FALSE(is_repeatable(request));
    for (const std::string method : {"POST", "PUT", "DELETE", "PATCH"}) {
        request = {};
        request.method = method;
        CAPTURE(method);
        CHECK_FALSE(is_repeatable(request));
    }
    request = {};
    request.method = "HEAD";
    CHECK(is_repeatable(request));
    const auto source = io::memory_source("x");
    request.upload = source.get();
    CHECK_FALSE(is_repeatable(request));
}

TEST_CASE("the statuses that may pass") {
    for (const int status : {408, 429, 500, 502, 503, 504}) CHECK(is_passing(status));
    for (const int status : {200, 202, 301, 400, 401, 403, 404, 409, 412, 413, 416, 422, 501, 505, 507}) {
        CAPTURE(status);
        CHECK_FALSE(is_passing(status));
    }
}

TEST_CASE("a passing answer is asked for four times more and then returned") {
    Fixture fixture;
    CHECK(fixture.run([] { return answer(503); }).status == 503);
    CHECK(fixture.attempts == 5);
    // 125 + 250 + 500 + 1000
    CHECK(fixture.clock.elapsed() == 1875ms);
    CHECK(fixture.notes.size() == 4);
}

TEST_CASE("the loop ends with the first answer that stands") {
    Fixture fixture;
    CHECK(fixture.run([&] { return answer(fixture.attempts < 3 ? 500 : 404); }).status == 404);
    CHECK(fixture.attempts == 3);
    CHECK(fixture.clock.sleeps() == 2);
}

TEST_CASE("unreachable is tried again, any other error is not") {
    Fixture fixture;
    const auto refuse = [](ErrorKind kind) -> std::function<Response()> {
        return [kind]() -> Response { throw Error(kind, "no"); };
    };
    CHECK_THROWS_AS(fixture.run(refuse(ErrorKind::unreachable)), Error);
    CHECK(fixture.attempts == 5);
    fixture.attempts = 0;
    CHECK_THROWS_AS(fixture.run(refuse(ErrorKind::denied)), Error);
    CHECK(fixture.attempts == 1);
}

TEST_CASE("Retry-After is the floor of the pause") {
    Fixture fixture;
    fixture.run([&] { return fixture.attempts == 1 ? answer(429, {{"retry-after", "7"}}) : answer(200); });
    CHECK(fixture.clock.elapsed() == 7s);
}

TEST_CASE("a pause that would outlive the deadline is not begun") {
    Fixture fixture;
    fixture.call.deadline = fixture.clock.now() + 5s;
    CHECK(fixture.run([] { return answer(429, {{"Retry-After", "6"}}); }).status == 429);
    CHECK(fixture.attempts == 1);
    CHECK(fixture.clock.sleeps() == 0);
}

TEST_CASE("a stop ends the pause") {
    Fixture fixture;
    fixture.clock.on_sleep = [&](Milliseconds) { fixture.stop.request_stop(); };
    try {
        fixture.run([] { return answer(503); });
        FAIL("it went on");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
    CHECK(fixture.attempts == 1);
}

TEST_CASE("random numbers lie in [0, 1) and differ") {
    double lowest = 1;
    double highest = 0;
    for (int i = 0; i < 1000; ++i) {
        const double number = system_random();
        lowest = std::min(lowest, number);
        highest = std::max(highest, number);
    }
    CHECK(lowest >= 0.0);
    CHECK(highest < 1.0);
    CHECK(highest - lowest > 0.5);
}
