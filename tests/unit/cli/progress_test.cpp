// SPDX-License-Identifier: Apache-2.0
#include "cli/output/progress.hpp"

#include <doctest/doctest.h>

#include <semaphore>

#include "cli/output/messages.hpp"
#include "cli/output/ticker.hpp"
#include "support/fake_clock.hpp"

using namespace vbackup;
using namespace vbackup::cli;

namespace {

Snapshot at(std::int64_t milliseconds, std::uint64_t done = 0, std::uint64_t total = 0) {
    return {.bytes_done = done,
            .bytes_total = total,
            .steps_done = 1,
            .steps_total = 3,
            .stage = "TRANSFERRING",
            .elapsed = Milliseconds(milliseconds)};
}

struct Screen {
    explicit Screen(MessageSettings settings)
        : messages(
              [this](std::string_view bytes) {
                  text += bytes;
                  return 0;
              },
              settings) {}
    std::string text;
    Messages messages;
};

}  // namespace

TEST_CASE("a progress line says step, stage, bytes, rate, eta and time") {
    CHECK(progress_line(at(12'000), 0, 80) == "[1/3] TRANSFERRING  12s");
    CHECK(progress_line(at(12'000, 1024, 4096), 1024, 80) ==
          "[1/3] TRANSFERRING  1 KiB of 4 KiB  1 KiB/s  eta 3s  12s");
    CHECK(progress_line(at(12'000, 4096, 4096), 1024, 80) == "[1/3] TRANSFERRING  4 KiB of 4 KiB  1 KiB/s  12s");
    CHECK(progress_line({}, 0, 80) == "working  0s");
}

TEST_CASE("a progress line never exceeds the terminal, and loses the stage first") {
    auto now = at(12'000, 1024, 4096);
    now.stage = std::string(200, 'x');
    for (const std::size_t width : {79U, 40U, 20U, 5U}) CHECK(display_width(progress_line(now, 1024, width)) <= width);
    CHECK(progress_line(now, 1024, 60).ends_with("1 KiB of 4 KiB  1 KiB/s  eta 3s  12s"));
    now.stage = "two\nlines \x1b[2J";
    CHECK(progress_line(now, 0, 80).find_first_of("\n\x1b") == std::string::npos);
}

TEST_CASE("the pace is smooth and survives a tally that was rewound") {
    Pace pace;
    pace.note(at(1000, 1000));
    CHECK(pace.rate() == doctest::Approx(1000));
    pace.note(at(1010, 9000));  // too soon to say anything
    CHECK(pace.rate() == doctest::Approx(1000));
    pace.note(at(2000, 500));
    CHECK(pace.rate() > 0);
    CHECK(pace.rate() < 1000);
}

TEST_CASE("progress is drawn on a terminal only") {
    Screen screen({.style = {}, .terminal = true});
    screen.messages.progress(at(1000));
    CHECK(screen.text == "\r\x1b[K[1/3] TRANSFERRING  1s");
    screen.messages.progress(at(1001));
    CHECK(screen.text == "\r\x1b[K[1/3] TRANSFERRING  1s");
    screen.messages.warn("careful");
    CHECK(screen.text.ends_with("\r\x1b[Kwarning: careful\n[1/3] TRANSFERRING  1s"));
    screen.messages.clear();
    CHECK(screen.text.ends_with("\r\x1b[K"));

    Screen file({.style = {}, .terminal = false});
    file.messages.progress(at(1000));
    file.messages.clear();
    CHECK(file.text.empty());
    Screen quiet({.style = {}, .terminal = true, .json = false, .quiet = true});
    quiet.messages.progress(at(1000));
    quiet.messages.warn("careful");
    CHECK(quiet.text.empty());
}

TEST_CASE("what is over at once shows no progress") {
    Screen screen({.style = {}, .terminal = true});
    screen.messages.progress(at(400));
    CHECK(screen.text.empty());
}

TEST_CASE("events are JSON lines, at most one a second, and none without news") {
    Screen screen({.style = {}, .terminal = false, .json = true});
    screen.messages.progress(at(1000, 1));
    screen.messages.progress(at(1500, 2));
    screen.messages.progress(at(2000, 3));
    screen.messages.progress(at(9000, 3));
    screen.messages.warn("careful \xFF");
    screen.messages.trace("GET http://db.example/ -> 200");
    CHECK(
        screen.text ==
        R"({"version":1,"event":"progress","stage":"TRANSFERRING","bytes_done":1,"bytes_total":null,"steps_done":1,"steps_total":3,"elapsed_ms":1000})"
        "\n"
        R"({"version":1,"event":"progress","stage":"TRANSFERRING","bytes_done":3,"bytes_total":null,"steps_done":1,"steps_total":3,"elapsed_ms":2000})"
        "\n"
        "{\"version\":1,\"event\":\"warning\",\"message\":\"careful \xEF\xBF\xBD\"}\n"
        R"({"version":1,"event":"trace","message":"GET http://db.example/ -> 200"})"
        "\n");
}

TEST_CASE("an error is three lines on a terminal and one elsewhere") {
    const Error error(ErrorKind::busy, "another run\nholds it", "wait", {{"target", "prod"}, {"id", "b1"}});
    CHECK(error_text(error, {}, true) == "vbackup: another run holds it\n  target: prod, id: b1\nhint: wait\n");
    CHECK(error_text(error, {}, false) == "vbackup: another run holds it (target: prod, id: b1); hint: wait\n");
    CHECK(error_text(Error(ErrorKind::failed, "it failed"), {}, true) == "vbackup: it failed\n");
    CHECK(error_text(error, {.colour = true}, true).starts_with("\x1b[31mvbackup:\x1b[0m "));
    Screen screen({.style = {}, .terminal = false, .json = true});
    screen.messages.error(error, 9);
    CHECK(
        screen.text ==
        R"({"version":1,"error":{"kind":"busy","exit":9,"message":"another run\nholds it","hint":"wait","context":{"target":"prod","id":"b1"}}})"
        "\n");
}

TEST_CASE("the ticker beats, shows each warning once, and clears the line") {
    Screen screen({.style = {}, .terminal = true});
    const test::FakeClock clock;
    Tally tally;
    std::counting_semaphore<> beaten{0};
    {
        clock.advance(Seconds(1));
        Ticker ticker(screen.messages, tally, clock, &clock, [&] { beaten.release(); });
        beaten.acquire();
        tally.warn("careful");
        beaten.acquire();
        beaten.acquire();
    }
    CHECK(screen.text.find("warning: careful\n") != std::string::npos);
    CHECK(screen.text.find("careful") == screen.text.rfind("careful"));
    // Nothing is left standing on the terminal's last line.
    const auto end = screen.text.substr(screen.text.rfind('\n') + 1);
    CHECK((end.empty() || end.ends_with("\r\x1b[K")));
}

TEST_CASE("without a pulse warnings are shown at the end") {
    Screen screen({.style = {}, .terminal = false});
    const test::FakeClock clock;
    Tally tally;
    {
        Ticker ticker(screen.messages, tally, clock, nullptr, [] {});
        tally.warn("careful");
        CHECK(screen.text.empty());
    }
    CHECK(screen.text == "warning: careful\n");
}
