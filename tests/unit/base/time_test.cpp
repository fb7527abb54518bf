// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "base/text.hpp"

using namespace vbackup;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t seconds_of_sample = 1'795'247'220;  // date -u -d 2026-11-21T07:47:00Z +%s
const Moment sample = Moment{} + Seconds(seconds_of_sample);

}  // namespace

TEST_CASE("times are written as RFC 3339 in whole seconds of UTC") {
    CHECK(format_time(sample) == "2026-11-21T07:47:00Z");
    CHECK(format_time(sample + 999ms) == "2026-11-21T07:47:00Z");
    CHECK(format_time(Moment{}) == "1970-01-01T00:00:00Z");
    CHECK(format_time(Moment{} - 1ms) == "1969-12-31T23:59:59Z");
    CHECK(compact_time(sample) == "20261121t074700z");
}

TEST_CASE("times are read as servers write them") {
    CHECK(parse_time("2026-11-21T07:47:00Z") == sample);
    CHECK(parse_time("2026-11-21T07:47:00") == sample);  // Qdrant
    CHECK(parse_time("2026-11-21t07:47:00z") == sample);
    CHECK(parse_time("2026-11-21 07:47:00") == sample);
    CHECK(parse_time("2026-11-21T07:47:00.5Z") == sample + 500ms);
    CHECK(parse_time("2026-11-21T07:47:00.123456789123Z") ==
          sample + std::chrono::duration_cast<Moment::duration>(123456789ns));
    CHECK(parse_time("2026-11-21T09:17:00+01:30") == sample);
    CHECK(parse_time("2026-11-20T23:47:00.000-08:00") == sample);
    CHECK(parse_time("2024-02-29T00:00:00Z"));
    CHECK(parse_time("2026-12-31T23:59:60Z") == parse_time("2027-01-01T00:00:00Z"));
}

TEST_CASE("what is no time is none") {
    for (const char* text : {"",
                             "now",
                             "2026-11-21",
                             "2026-11-21T07:47",
                             "2026-11-21T07:47:00ZZ",
                             "2026-11-21T07:47:00.Z",
                             "2026-13-01T00:00:00Z",
                             "2026-02-29T00:00:00Z",
                             "2026-11-31T00:00:00Z",
                             "2026-11-00T00:00:00Z",
                             "2026-11-21T24:00:00Z",
                             "2026-11-21T07:60:00Z",
                             "2026-11-21T07:47:61Z",
                             "2026-11-21T07:47:00+0130",
                             "2026-11-21T07:47:00+24:00",
                             "26-11-21T07:47:00Z",
                             "2026-11-21X07:47:00Z",
                             "0001-01-01T00:00:00Z",
                             "1969-12-31T23:59:59Z",
                             "2262-01-01T00:00:00Z",
                             "2261-12-31T23:59:59-00:01",
                             "9999-12-31T23:59:59Z",
                             "2026-11-21T07:47:00Z ",
                             "+026-11-21T07:47:00Z",
                             "2026-11-21T07:47:00+01:30Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_time(text));
    }
}

TEST_CASE("moments lie in years of which two have a difference") {
    CHECK(moment_at(0ms) == Moment{});
    CHECK_FALSE(moment_at(-1ms));
    const auto last = moment_at(9'214'646'399'999ms);
    REQUIRE(last);
    CHECK(format_time(*last) == "2261-12-31T23:59:59Z");
    CHECK(*last - Moment{} > std::chrono::years(291));
    CHECK_FALSE(moment_at(9'214'646'400'000ms));
    CHECK_FALSE(moment_at(Milliseconds::max()));
}

TEST_CASE("what is later ends with those years") {
    CHECK(later(sample, 90s) == sample + 90s);
    CHECK(format_time(later(sample, Milliseconds::max())) == "2262-01-01T00:00:00Z");
    CHECK(later(sample, std::chrono::years(300)) == later(sample, Milliseconds::max()));
}

TEST_CASE("what is written is read back") {
    for (std::int64_t second = 0; second < 9'200'000'000; second += 86'399 * 1'001) {
        const Moment moment = Moment{} + Seconds(second);
        CHECK(parse_time(format_time(moment)) == moment);
    }
}
