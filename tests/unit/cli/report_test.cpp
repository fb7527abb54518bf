// SPDX-License-Identifier: Apache-2.0
#include "cli/output/report.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "base/text.hpp"
#include "golden.hpp"
#include "program.hpp"

using namespace vbackup;
using cli::StoreReport;
using test::Program;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

model::Found found(const std::string& id, const std::string& started, model::Phase phase, std::uint64_t size) {
    model::Found made;
    made.id = made.name = id;
    made.managed = made.kept = true;
    made.phase = phase;
    made.started = parse_time(started);
    made.completed = *made.started + Seconds(95);
    if (phase == model::Phase::succeeded) made.size = size;
    made.driver = "qdrant";
    made.target = "prod";
    made.collections = {"Docs"};
    return made;
}

// Two good ones, one that failed, and texts as somebody with bad intentions would choose them.
StoreReport full() {
    StoreReport report{
        .store = "/backups/<b>", .at = *parse_time("2026-11-22T07:00:00Z"), .max_age = std::chrono::hours(26)};
    auto hostile = found("b3\"'><script>alert(1)</script>", "2026-11-21T02:00:00Z", model::Phase::failed, 0);
    hostile.why = "</table><img src=x onerror=alert(2)> & more \x1b[31m";
    auto newest = found("b4", "2026-11-22T02:00:00Z", model::Phase::succeeded, 3'000'000);
    newest.collections = {"<script>alert(3)</script>", "日本語"};
    newest.pinned = true;
    report.backups = {newest, hostile, found("b1", "2026-11-20T02:00:00Z", model::Phase::succeeded, 2'000'000)};
    report.targets = {
        {.name = "prod", .good = newest, .age = std::chrono::hours(5), .young = true, .backups = 2, .size = 5'000'000},
        {.name = "<i>old"}};
    return report;
}

// Every element that is opened is closed, in order; the names of those that are never closed are HTML's.
std::string first_unbalanced(const std::string& page) {
    static const std::regex tag("<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*>");
    std::vector<std::string> open;
    for (auto it = std::sregex_iterator(page.begin(), page.end(), tag); it != std::sregex_iterator(); ++it) {
        const std::string name = (*it)[2];
        if (name == "meta") continue;
        if ((*it)[1].length() == 0)
            open.push_back(name);
        else if (open.empty() || open.back() != name)
            return it->str();
        else
            open.pop_back();
    }
    return open.empty() ? "" : open.back();
}

}  // namespace

TEST_CASE("a page has what the store has, and every text in it is only text") {
    const auto page = cli::render_page(full());
    test::require_golden("report.html", page);
    CHECK(first_unbalanced(page).empty());
    CHECK_FALSE(has(page, "<script"));
    CHECK_FALSE(has(page, "<img"));
    CHECK_FALSE(has(page, "<b>"));
    CHECK_FALSE(has(page, "<i>"));
    CHECK_FALSE(has(page, "\x1b"));
    CHECK(has(page, "b3&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
    CHECK(has(page, "<td class=\"names\">&lt;script&gt;alert(3)&lt;/script&gt;, 日本語</td>"));
    CHECK(has(page, "young enough"));
    CHECK(has(page, "no good backup"));
    CHECK(has(page, "<polyline"));
    CHECK(has(page, "class=\"cross\""));
}

TEST_CASE("a page asks for nothing: no address, no link, no script of its own") {
    const auto page = cli::render_page(full());
    for (const auto* word : {"http:", "https:", "href", "src=\"", "url(", "@import", "onload"}) {
        CAPTURE(word);
        CHECK_FALSE(has(page, word));
    }
    CHECK(has(page, "default-src 'none'"));
}

TEST_CASE("a page of little: no backup, one backup, sizes that are not known") {
    StoreReport report{.store = "/b", .at = *parse_time("2026-11-22T07:00:00Z")};
    CHECK(has(cli::render_page(report), "The store has no backups."));
    auto one = found("b1", "2026-11-20T02:00:00Z", model::Phase::succeeded, 10);
    report.backups = {one};
    report.targets = {{.name = "prod", .good = one, .backups = 1}};
    const auto page = cli::render_page(report);
    CHECK(has(page, "No target has two good backups"));
    CHECK_FALSE(has(page, "<svg"));
    auto undated = one;
    undated.started.reset();
    auto unsized = one;
    unsized.size.reset();
    report.backups = {unsized, undated, one};
    CHECK_FALSE(has(cli::render_page(report), "<svg"));
    // Nothing but zeros is no division by zero.
    auto empty = found("b0", "2026-11-19T02:00:00Z", model::Phase::succeeded, 0);
    one.size = 0;
    report.backups = {one, empty};
    const auto zeros = cli::render_page(report);
    CHECK(has(zeros, "<svg"));
    CHECK_FALSE(has(zeros, "nan"));
}

TEST_CASE("report writes to standard output, or to a file that is a page or none") {
    Program program;
    REQUIRE(program({"create", Program::target, "--id", "b1", "--to", program.store()}).code == 0);
    const auto piped = program({"report", program.store()});
    CHECK(piped.code == 0);
    CHECK(piped.err.empty());
    CHECK(piped.out.starts_with(cli::page_mark));
    CHECK(piped.out == program({"report", program.store(), "-"}).out);

    const auto file = (program.folder / "page.html").string();
    const auto written = program({"report", program.store(), file});
    CHECK(written.code == 0);
    CHECK(has(written.out, file));
    CHECK(test::read_whole(file) == piped.out);
    CHECK(program({"report", program.store(), file, "--quiet"}).out.empty());
    const auto precious = program.folder / "b.tar.zst";
    std::ofstream(precious) << "bytes";
    CHECK(program({"report", program.store(), precious.string()}).code == 8);
    CHECK(test::read_whole(precious) == "bytes");
    CHECK(program({"report", program.store(), program.folder.path().string()}).code == 8);
    CHECK(program({"report", Program::target}).code == 2);
}

TEST_CASE("report with --max-age is 13 when a target has nothing young enough, and the page is made all the same") {
    Program program;
    REQUIRE(program({"create", Program::target, "--id", "b1", "--to", program.store()}).code == 0);
    CHECK(program({"report", program.store(), "--max-age", "26h"}).code == 0);
    program.clock.advance(std::chrono::hours(27));
    CHECK(program({"report", program.store()}).code == 0);
    const auto stale = program({"report", program.store(), "--max-age", "26h"});
    CHECK(stale.code == 13);
    CHECK(has(stale.out, "too old"));
    CHECK(has(stale.err, "1d3h old"));
    CHECK(program({"report", (program.folder / "nowhere").string(), "--max-age", "26h"}).code == 13);
    CHECK(program({"report", program.store(), "--max-age", "soon"}).code == 2);
    const auto document =
        nlohmann::json::parse(program({"report", program.store(), "--max-age", "26h", "--output", "json"}).out);
    CHECK(document.at("targets").at(0).at("young") == false);
    CHECK(document.at("backups").at(0).at("id") == "b1");
    // What cannot be read went wrong, and is no target.
    REQUIRE(program({"create", Program::target, "--id", "b2", "--to", program.store()}).code == 0);
    std::ofstream(program.folder / "store/b1/manifest.json") << "{";
    const auto page = program({"report", program.store()}).out;
    CHECK(has(page, "1 good backup of 1 target, "));
    CHECK(has(page, "1 went wrong"));
    CHECK_FALSE(has(page, "left with the server"));
    CHECK(has(page, "<th scope=\"row\">b1</th>"));
}
