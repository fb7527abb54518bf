// SPDX-License-Identifier: Apache-2.0
// The file of metrics, held to the text format line by line.
#include "cli/output/metrics.hpp"

#include <doctest/doctest.h>

#include <array>
#include <regex>
#include <set>
#include <sstream>

using namespace vbackup;
using namespace vbackup::cli;

namespace {

const Moment noon = Moment{} + Seconds(1'795'262'400);

// What prometheus.io/docs/instrumenting/exposition_formats and OpenMetrics 1.0 demand of such a file: HELP and TYPE once
// and before the samples of a family, all samples of one together, no sample twice, the three escapes in labels, numbers,
// a line end at the end of each line, "# EOF" as the last.
void check_format(const std::string& text) {
    CAPTURE(text);
    REQUIRE(text.ends_with("# EOF\n"));
    static const std::regex help(R"(# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\n\\]|\\\\|\\n)+)");
    static const std::regex type(R"(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) gauge)");
    static const std::regex sample(
        R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)\{target="(([^"\\\n]|\\\\|\\"|\\n)*)"\} -?[0-9]+(\.[0-9]+)?)re");
    std::set<std::string> families, samples;
    std::string helped, typed, line;
    std::istringstream in(text);
    bool ended = false;
    while (std::getline(in, line)) {
        CAPTURE(line);
        CHECK_FALSE(ended);
        std::smatch found;
        if (line == "# EOF") {
            ended = true;
        } else if (std::regex_match(line, found, help)) {
            helped = found[1];
            CHECK(families.insert(helped).second);
        } else if (std::regex_match(line, found, type)) {
            typed = found[1];
            CHECK(typed == helped);
        } else if (std::regex_match(line, found, sample)) {
            CHECK(found[1] == typed);
            CHECK(samples.insert(line.substr(0, line.rfind(' '))).second);
        } else {
            FAIL_CHECK("no line of the format");
        }
    }
}

std::string value_of(const Samples& samples, const std::string& family, const std::string& target) {
    const auto found = samples.find(family);
    if (found == samples.end() || !found->second.contains(target)) return "(nothing)";
    return found->second.at(target);
}

}  // namespace

TEST_CASE("the file is clean whatever a target is called, and is read back as it was") {
    Samples samples;
    const std::array all{
        Measured{.target = "prod",
                 .exit_code = 0,
                 .took = Milliseconds(1500),
                 .success = noon,
                 .size = 7,
                 .interval = Seconds(93600)},
        Measured{.target = "a \"b\" \\ c\nd", .exit_code = 15, .took = Milliseconds(3)},
        Measured{.target = "qdrant+http://h:1/x{y=\"z\"} 1", .status_code = 13, .success = noon - Seconds(60)}};
    note(samples, all, noon);
    const auto text = render_metrics(samples);
    check_format(text);
    CHECK(render_metrics(parse_metrics(text)) == text);
    check_format(render_metrics({}));
}

TEST_CASE("the last success stays where it was when a run fails, and moves with the next good one") {
    Samples samples;
    const std::array good{Measured{.target = "prod", .exit_code = 0, .success = noon, .size = 7}};
    note(samples, good, noon);
    const std::array failed{Measured{.target = "prod", .exit_code = 15}};
    note(samples, failed, noon + Seconds(3600));
    CHECK(value_of(samples, "vbackup_last_success_timestamp_seconds", "prod") == "1795262400");
    CHECK(value_of(samples, "vbackup_last_success_size_bytes", "prod") == "7");
    CHECK(value_of(samples, "vbackup_last_success_age_seconds", "prod") == "3600");
    CHECK(value_of(samples, "vbackup_last_run_timestamp_seconds", "prod") == "1795266000");
    CHECK(value_of(samples, "vbackup_last_run_exit_code", "prod") == "15");
    const std::array again{Measured{.target = "prod", .exit_code = 0, .success = noon + Seconds(7200)}};
    note(samples, again, noon + Seconds(7200));
    CHECK(value_of(samples, "vbackup_last_success_timestamp_seconds", "prod") == "1795269600");
    CHECK(value_of(samples, "vbackup_last_success_size_bytes", "prod") == "(nothing)");
}

TEST_CASE("a target that never had a good backup has no time of one, and no age") {
    Samples samples;
    const std::array failed{Measured{.target = "prod", .exit_code = 15}};
    note(samples, failed, noon);
    CHECK(render_metrics(samples).find("_success_") == std::string::npos);
}

TEST_CASE("a file that somebody broke is no reason not to write a new one") {
    for (const auto* text :
         {"\0\1\2", "vbackup_last_run_exit_code{target=\"a\"} x\n", "vbackup_last_run_exit_code{target=\"a\n",
          "other{target=\"a\"} 1\n", "vbackup_last_run_exit_code{target=\"} 1\n", "{target=\"a\"} 1"})
        CHECK(parse_metrics(text).empty());
    CHECK(parse_metrics("junk\nvbackup_last_run_exit_code{target=\"a\"} 3\n").size() == 1);
}
