// SPDX-License-Identifier: Apache-2.0
// Any text is read or refused by Error{usage}; what was read and printed is read as the same.
#include "support/fuzz.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/cron.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

using namespace vbackup;
using test::must;

namespace {

constexpr Moment day = Moment{} + Seconds(1'795'247'220);

// False: it was refused, by the kind of error that is promised.
bool is_read(const std::function<void()>& parse) {
    try {
        parse();
        return true;
    } catch (const Error& error) {
        must(error.kind() == ErrorKind::usage, "it was refused by another kind of error: " + error.message());
        must(error.message().size() < 1000, "the error repeats too much");
        return false;
    }
}

void read_duration(const std::string& text) {
    Milliseconds length{};
    if (!is_read([&] { length = parse_duration(text); })) return;
    must(length.count() >= 0 && length <= std::chrono::hours(24 * 366 * 10), "it is out of bounds");
    const auto printed = format_duration(length);
    // People see days and hours, or hours and minutes: what is smaller is left out.
    must(parse_duration(printed) <= length, "printed it is longer: " + printed);
    must(format_duration(parse_duration(printed)) == printed, "printed it reads otherwise: " + printed);
}

void read_time(const std::string& text) {
    const auto time = parse_time(text);
    if (!time) return;
    const auto printed = format_time(*time);
    must(parse_time(printed) == std::chrono::floor<Seconds>(*time), "printed it reads otherwise: " + printed);
}

void read_version(const std::string& text) {
    const auto version = parse_version(text);
    if (version) must(parse_version(format_version(*version)) == version, "printed it reads otherwise");
}

void read_url(const std::string& text) {
    Url url;
    if (!is_read([&] { url = parse_url(text); })) return;
    const auto printed = url.text();
    const auto again = parse_url(printed);
    must(again.text() == printed && again.host == url.host && again.port == url.port && again.path == url.path,
         "printed it reads otherwise: " + printed);
}

void read_cron(const std::string& text) {
    std::optional<Cron> cron;
    if (!is_read([&] { cron = Cron::parse(text); })) return;
    const auto again = Cron::parse(cron->text());
    must(again.text() == cron->text(), "printed it prints otherwise: " + cron->text());
    must(again.at_start() == cron->at_start(), "printed it is another one at the start");
    must(again.next(day) == cron->next(day), "printed it recurs otherwise: " + cron->text());
    if (const auto next = cron->next(day)) must(*next > day, "the next time is not after the last");
}

void show(const std::string& text) {
    const auto line = one_line(text, 60);
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    must(std::none_of(line.begin(), line.end(), is_control), "a terminal would get control characters");
    must(line.size() <= 60 * 4 + 3, "it is too long for a line");
    must(one_line(line, 60) == line, "as one line it is no line");
    const std::vector<std::string> candidates{"collections", "driver", "store"};
    did_you_mean(text, candidates);
    must(percent_encode(text).find_first_of(" /?#&=\n") == std::string::npos, "something is not encoded");
}

}  // namespace

TEST_CASE("fuzz: durations, rates, times and versions") {
    const test::Fuzz about{.corpus = "text",
                           .words = {"h", "m", "s",      "d",      "ms", "1h", "30m", ".",  "K",          "M",   "G",
                                     "T", "Z", "+00:00", "-23:59", "v",  ":",  "-",   "60", "2262-01-01", "1677"},
                           .rounds = 4000,
                           .longest = 4096};
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        read_duration(text);
        is_read([&] { parse_rate(text); });
        read_time(text);
        read_version(text);
        show(text);
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: URLs") {
    const test::Fuzz about{.corpus = "url",
                           .words = {"://", "/", "@", ":", "[", "]", "[::1]", "?", "#", "%2F", "%", "+", "//",
                                     "qdrant+https", "65536", "xn--", "\xC3\xBC"},
                           .rounds = 4000,
                           .longest = 4096};
    CHECK(test::fuzz(about, read_url) == "");
}

TEST_CASE("fuzz: schedules") {
    const test::Fuzz about{
        .corpus = "cron",
        .words = {"*", "/", "-", ",", "*/", "@every ", "1h", "mon", "SUN", "jan", "7", "59", "60", "31", "\t", "@"},
        .rounds = 1500,
        .longest = 4096};
    CHECK(test::fuzz(about, read_cron) == "");
}
