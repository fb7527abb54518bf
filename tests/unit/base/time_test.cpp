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
                             "9999-12-31T23:59:59Z",
                             "2026-11-21T07:47:00Z ",
                             "+026-11-21T07:47:00Z",
                             "2026-11-21T07:47:00+01:30Z"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_time(text));
    }
}

TEST_CASE("what is written is read back") {
    for (std::int64_t second = -1'000'000'000; second < 4'000'000'000; second += 86'399 * 1'001) {
        const Moment moment = Moment{} + Seconds(second);
        CHECK(parse_time(format_time(moment)) == moment);
    }
}
