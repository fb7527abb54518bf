// SPDX-License-Identifier: Apache-2.0
#include "base/cron.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

using namespace vbackup;

namespace {

std::string next_of(const std::string& cron, const std::string& after) {
    const auto next = Cron::parse(cron).next(parse_time(after).value());
    return next ? format_time(*next) : "never";
}

Error refusal(const std::string& cron) {
    try {
        Cron::parse(cron);
    } catch (const Error& error) {
        return error;
    }
    FAIL("it was taken: " << cron);
    throw 0;
}

}  // namespace

TEST_CASE("the next run is the first minute after now that every field allows, in UTC") {
    const struct {
        std::string cron, after, next;
    } cases[]{
        {"0 2 * * *", "2026-11-21T01:59:59Z", "2026-11-21T02:00:00Z"},
        {"0 2 * * *", "2026-11-21T02:00:00Z", "2026-11-22T02:00:00Z"},
        {"* * * * *", "2026-12-31T23:59:30Z", "2027-01-01T00:00:00Z"},
        {"*/15 * * * *", "2026-11-21T10:07:00Z", "2026-11-21T10:15:00Z"},
        {"5-50/20 * * * *", "2026-11-21T10:26:00Z", "2026-11-21T10:45:00Z"},
        {"50/5 * * * *", "2026-11-21T10:56:00Z", "2026-11-21T11:50:00Z"},
        {"30 4 1,15 * *", "2026-11-15T05:00:00Z", "2026-12-01T04:30:00Z"},
        {"0 0 29 2 *", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00Z"},
        {"0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
        {"0 0 30 2 *", "2026-11-21T00:00:00Z", "never"},
        {"0 3 * * mon-FRI", "2026-11-20T04:00:00Z", "2026-11-23T03:00:00Z"},
        {"0 3 * * 7", "2026-11-21T00:00:00Z", "2026-11-22T03:00:00Z"},
        {"0 3 * JAN *", "2026-11-21T00:00:00Z", "2027-01-01T03:00:00Z"},
        {"@daily", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
        {"@weekly", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
        {"@monthly", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z"},
        {"@annually", "2026-11-21T00:00:00Z", "2027-01-01T00:00:00Z"},
        {"@hourly", "2026-11-21T00:30:00Z", "2026-11-21T01:00:00Z"},
        {"@every 1h30m", "2026-11-21T00:00:10Z", "2026-11-21T01:30:10Z"},
        {"@every 1.5h", "2026-11-21T00:00:00Z", "2026-11-21T01:30:00Z"},
        {"@reboot", "2026-11-21T00:00:00Z", "never"},
    };
    for (const auto& one : cases) {
        CAPTURE(one.cron);
        CHECK(next_of(one.cron, one.after) == one.next);
    }
}

TEST_CASE("with both day fields set either of them is enough, as cron has it") {
    // The 13th of November 2026 is a Friday, the next Monday is the 23rd.
    CHECK(next_of("0 0 25 * 1", "2026-11-21T00:00:00Z") == "2026-11-23T00:00:00Z");
    CHECK(next_of("0 0 22 * 1", "2026-11-21T00:00:00Z") == "2026-11-22T00:00:00Z");
    // A star of either makes the other one decide alone.
    CHECK(next_of("0 0 25 * *", "2026-11-21T00:00:00Z") == "2026-11-25T00:00:00Z");
    CHECK(next_of("0 0 */2 * 1", "2026-11-20T00:00:00Z") == "2026-11-23T00:00:00Z");
}

TEST_CASE("what is sent has numbers, single blanks and no list of ranges") {
    CHECK(Cron::parse("  0   2 * *  * ").text() == "0 2 * * *");
    CHECK(Cron::parse("*/5 0-6 * jan mon").text() == "*/5 0-6 * 1 1");
    CHECK(Cron::parse("1-3,7 10-23/10 * * 5-7").text() == "1,2,3,7 10,20 * * 0,5,6");
    CHECK(Cron::parse("5,* * * * 0").text() == "* * * * 0");
    CHECK(Cron::parse("0 0 * * 7").text() == "0 0 * * 0");
    CHECK(Cron::parse("@daily").text() == "@daily");
    CHECK(Cron::parse("@every  90m").text() == "@every 1h30m");
    CHECK(Cron::parse("@every 1.5h").text() == "@every 1h30m");
    CHECK(Cron::parse("@every 1.1h").text() == "@every 1h6m");
    CHECK(Cron::parse("@every 2.3h").text() == "@every 2h18m");
    CHECK(Cron::parse("@every 24h").text() == "@every 24h");
    CHECK(Cron::parse("@every 61s").text() == "@every 1m1s");
    CHECK(Cron::parse("@every 3600.0s").text() == "@every 1h");
    CHECK(Cron::parse("@reboot").text() == "@reboot");
}

TEST_CASE("what makes no sense is refused, and the message says which field") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"60 * * * *", "minute"},          {"* 24 * * *", "hour"},
        {"* * 0 * *", "day of the month"}, {"* * * 13 *", "month"},
        {"* * * * 8", "day of the week"},  {"* * * foo *", "month"},
        {"5-1 * * * *", "begins"},         {"*/0 * * * *", "step"},
        {"1/2/3 * * * *", "step"},         {"1-2-3 * * * *", "range"},
        {", * * * *", "minute"},           {"* * * *", "4 fields"},
        {"0 0 * * * *", "6 fields"},       {"", "0 fields"},
        {"-1 * * * *", "minute"},          {"@fortnightly", "@fortnightly"},
        {"@every", "how often"},           {"@every 7d", "how often"},
        {"@every 10ms", "how often"},      {"@every 1.5s", "how often"},
        {"@every 1", "how often"},         {"@every1h", "how often"},
        {"@every .h", "how often"},        {"1,,2 * * * *", "minute"},
    };
    for (const auto& [cron, words] : cases) {
        CAPTURE(cron);
        const auto error = refusal(cron);
        CHECK(error.kind() == ErrorKind::usage);
        CHECK_MESSAGE(error.message().find(words) != std::string::npos, error.message());
        CHECK(!error.hint().empty());
    }
}
