// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "base/error.hpp"

using namespace vbackup;
using std::chrono::hours;
using std::chrono::minutes;

TEST_CASE("bytes for people") {
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(512) == "512 B");
    CHECK(format_bytes(1023) == "1023 B");
    CHECK(format_bytes(1024) == "1 KiB");
    CHECK(format_bytes(1536) == "1.5 KiB");
    CHECK(format_bytes(1024 * 1024 - 1) == "1 MiB");
    CHECK(format_bytes(1000 * 1024) == "1000 KiB");
    CHECK(format_bytes(std::uint64_t{20} << 30) == "20 GiB");
    CHECK(format_bytes(std::numeric_limits<std::uint64_t>::max()) == "16 EiB");
}

TEST_CASE("durations for people") {
    CHECK(format_duration(Milliseconds(0)) == "0s");
    CHECK(format_duration(Milliseconds(-7)) == "0s");
    CHECK(format_duration(Milliseconds(12)) == "12ms");
    CHECK(format_duration(Milliseconds(1500)) == "1.5s");
    CHECK(format_duration(Seconds(45)) == "45s");
    CHECK(format_duration(Milliseconds(59'999)) == "59.9s");
    CHECK(format_duration(Seconds(60)) == "1m");
    CHECK(format_duration(Seconds(90)) == "1m30s");
    CHECK(format_duration(hours(1)) == "1h");
    CHECK(format_duration(minutes(90)) == "1h30m");
    CHECK(format_duration(hours(26)) == "1d2h");
    CHECK(format_duration(hours(48)) == "2d");
    CHECK(format_duration(Milliseconds::max()).ends_with("h"));
}

TEST_CASE("durations from people") {
    CHECK(parse_duration("90") == Seconds(90));
    CHECK(parse_duration("0") == Seconds(0));
    CHECK(parse_duration("90s") == Seconds(90));
    CHECK(parse_duration("30m") == minutes(30));
    CHECK(parse_duration("26h") == hours(26));
    CHECK(parse_duration("7d") == hours(7 * 24));
    CHECK(parse_duration("1h30m") == minutes(90));
    CHECK(parse_duration("1d2h3m4s") == hours(26) + Seconds(184));
    CHECK(parse_duration("3650d") == hours(3650 * 24));
}

TEST_CASE("what is no duration is a usage error") {
    for (const char* text : {"", "h", "-5", "+5", "1.5h", "1h30", "30m1h", "1m1m", "5w", "5 m", " 5", "5S", "3651d",
                             "1e9", "99999999999999999999999s", "18446744073709551617", "3650d1s", "ten"}) {
        CAPTURE(text);
        try {
            parse_duration(text);
            FAIL_CHECK("taken as a duration");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            CHECK(!error.hint().empty());
        }
    }
}

TEST_CASE("globs") {
    CHECK(glob_match("*", ""));
    CHECK(glob_match("", ""));
    CHECK_FALSE(glob_match("", "a"));
    CHECK(glob_match("Art*", "Article"));
    CHECK(glob_match("*cle", "Article"));
    CHECK(glob_match("A*t*e", "Article"));
    CHECK_FALSE(glob_match("A*x*e", "Article"));
    CHECK(glob_match("a?c", "abc"));
    CHECK_FALSE(glob_match("a?c", "ac"));
    CHECK_FALSE(glob_match("art*", "Article"));
    CHECK(glob_match("a.b[c]", "a.b[c]"));
    CHECK_FALSE(glob_match("a.b", "axb"));
    CHECK(glob_match("*ab", "aab"));
    CHECK(glob_match("**", "x"));
    CHECK(glob_match("?", "ä"));
    CHECK_FALSE(glob_match("??", "ä"));
    CHECK(glob_match("*?ä", "öä"));
    CHECK_FALSE(glob_match("abc", "ab"));
    // Backtracking over every '*' would take longer than the universe lasts.
    CHECK_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", std::string(200, 'a')));
}

TEST_CASE("one line is safe for a terminal") {
    CHECK(one_line("plain ä €") == "plain ä €");
    CHECK(one_line("a\nb\tc\rd\x1b[31m\x7f") == "a b c d?[31m?");
    CHECK(one_line("csi \xc2\x9b"
                   "31m") == "csi ?31m");
    CHECK(one_line("bad \xff\xc3 \xe2\x82") == "bad ?? ??");
    CHECK(one_line("turn \xe2\x80\xae here") == "turn ? here");
    CHECK(one_line(std::string_view("nul\0!", 5)) == "nul?!");
}

TEST_CASE("one line is cut by characters, with a sign") {
    CHECK(one_line("abcdef", 6) == "abcdef");
    CHECK(one_line("abcdef", 5) == "abcd…");
    CHECK(one_line("ääää", 3) == "ää…");
    CHECK(one_line("ab", 1) == "…");
    CHECK(one_line("ab", 0).empty());
    CHECK(one_line(std::string(1000, 'x')).size() == 399 + std::string("…").size());
}

TEST_CASE("slips of the fingers") {
    const std::vector<std::string> words{"create", "cancel", "restore", "status", "verify", "overwrite"};
    CHECK(did_you_mean("craete", words) == "create");
    CHECK(did_you_mean("creat", words) == "create");
    CHECK(did_you_mean("restoer", words) == "restore");
    CHECK(did_you_mean("Status", words) == "status");
    CHECK(did_you_mean("STATUS", words) == "status");
    CHECK(did_you_mean("veirfyy", words) == "verify");
    CHECK(did_you_mean("over", words) == "overwrite");
    CHECK(did_you_mean("ver", words) == "verify");
    CHECK_FALSE(did_you_mean("backup", words));
    CHECK_FALSE(did_you_mean("tsatus-xyz", words));
    CHECK_FALSE(did_you_mean("", words));
    const std::vector<std::string> tiny{"url", "ab"};
    CHECK(did_you_mean("ulr", tiny) == "url");
    CHECK_FALSE(did_you_mean("xyl", tiny));
    CHECK_FALSE(did_you_mean("create", {}));
}

TEST_CASE("two texts of a hundred thousand characters are not compared letter by letter") {
    const std::vector<std::string> words(1, std::string(100'000, 'x'));
    CHECK_FALSE(did_you_mean(std::string(100'000, 'y'), words));
    CHECK_FALSE(did_you_mean(words.front() + "y", words));
    CHECK(did_you_mean(std::string(150, 'x') + "y", std::vector<std::string>{std::string(150, 'x')}));
}

TEST_CASE("versions") {
    CHECK(parse_version("1.39.0") == Version{1, 39, 0});
    CHECK(parse_version("v1.19.0-dev") == Version{1, 19, 0});
    CHECK(parse_version("1.23.13+abc") == Version{1, 23, 13});
    CHECK(parse_version("1.36") == Version{1, 36, 0});
    CHECK(parse_version("2") == Version{2, 0, 0});
    CHECK(parse_version("1.36.0-rc.0") == Version{1, 36, 0});
    CHECK(Version{1, 9, 0} < Version{1, 10, 0});
    CHECK(Version{1, 10, 0} < Version{1, 10, 1});
    CHECK(format_version({1, 23, 13}) == "1.23.13");
    for (const char* text : {"", "v", "latest", "1.", "1..2", "-1", "1.x", "12345678901.0.0", "1.2.3rc", " 1.2.3"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_version(text));
    }
}

TEST_CASE("rates are bytes a second with K, M and G") {
    CHECK(parse_rate("1") == 1);
    CHECK(parse_rate("1000") == 1000);
    CHECK(parse_rate("500K") == 500 * 1024);
    CHECK(parse_rate("10m") == 10 << 20);
    CHECK(parse_rate("1.5G") == 3 << 29);
    CHECK(parse_rate("0.5k") == 512);
    for (const std::string_view wrong : {"", "0", "0.2", "M", "-1", "+1", "10MB", "10 M", "1e6", "inf", "nan", "0x10",
                                         "10T", "99999999G", "1.2.3", "10M/s"}) {
        CAPTURE(wrong);
        try {
            parse_rate(wrong);
            FAIL("no error");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            CHECK(error.hint().find("10M") != std::string::npos);
        }
    }
}
