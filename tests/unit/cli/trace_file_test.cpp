// SPDX-License-Identifier: Apache-2.0
// The file of --trace.
#include "cli/session/trace_file.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "golden.hpp"
#include "support/fake_clock.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

struct Traced {
    test::TemporaryFolder folder;
    test::FakeClock clock;
    std::vector<std::string> warnings;
    fs::path path = folder / "trace.har";

    cli::TraceFile open() {
        return cli::TraceFile(path.string(), clock, [this](std::string text) { warnings.push_back(std::move(text)); });
    }
    json read() const { return json::parse(test::read_whole(path)).at("log"); }
};

const net::Exchanged answered{.method = "GET",
                              .url = "http://db.example:1/a?n=1&x",
                              .sent_headers = {{"api-key", "***"}},
                              .headers = {{"Location", "/b"}},
                              .body = {.type = "application/json", .text = "{}"},
                              .received = 2,
                              .status = 302,
                              .took = Milliseconds(1500)};

}  // namespace

TEST_CASE_FIXTURE(Traced, "the trace is a whole document after each exchange, and so before the first") {
    auto file = open();
    CHECK(read().at("entries").empty());
    CHECK(read().at("version") == "1.2");
    CHECK(read().at("creator").at("name") == "vbackup");
    for (std::size_t n = 1; n <= 3; ++n) {
        file.add(answered);
        CHECK(read().at("entries").size() == n);
    }
    // Each on a line of its own, for readers that work line by line.
    const auto text = test::read_whole(path);
    CHECK(std::count(text.begin(), text.end(), '\n') == 5);
    CHECK(warnings.empty());
}

TEST_CASE_FIXTURE(Traced, "an entry has what HAR asks for") {
    auto file = open();
    file.add(answered);
    net::Exchanged broken{.method = "POST", .url = "http://db.example:1/", .failure = "cannot connect"};
    broken.sent_body = {.type = "application/json", .text = "{\"a\":1}", .note = "cut"};
    file.add(broken);
    net::Exchanged resp{.method = "RESP", .url = "redis://db.example:6379", .commands = {{"DUMP", 3}}, .errors = 1};
    file.add(resp);
    const auto entries = read().at("entries");
    const auto& first = entries.at(0);
    CHECK(first.at("startedDateTime") == "2026-11-21T07:46:58.500Z");
    CHECK(first.at("time") == 1500);
    CHECK(first.at("request").at("queryString") ==
          json::parse(R"([{"name":"n","value":"1"},{"name":"x","value":""}])"));
    CHECK(first.at("request").at("headers") == json::parse(R"([{"name":"api-key","value":"***"}])"));
    CHECK_FALSE(first.at("request").contains("postData"));
    CHECK(first.at("response").at("status") == 302);
    CHECK(first.at("response").at("redirectURL") == "/b");
    CHECK(first.at("response").at("content") == json::parse(R"({"size":2,"mimeType":"application/json","text":"{}"})"));
    CHECK_FALSE(first.contains("_error"));
    CHECK(entries.at(1).at("_error") == "cannot connect");
    CHECK(entries.at(1).at("request").at("postData").at("text") == "{\"a\":1}");
    CHECK(entries.at(1).at("request").at("postData").at("comment") == "cut");
    CHECK(entries.at(2).at("_commands") == json::parse(R"({"DUMP":3})"));
    CHECK(entries.at(2).at("_errors") == 1);
    for (const auto& entry : entries)
        for (const auto* part : {"startedDateTime", "time", "request", "response", "cache", "timings"})
            CHECK(entry.contains(part));
}

TEST_CASE_FIXTURE(Traced, "only its owner may read it, also where others could before, and what was in it goes") {
    std::ofstream(path) << std::string(5000, 'x');
    fs::permissions(path, fs::perms(0644));
    auto file = open();
    CHECK((fs::status(path).permissions() & fs::perms::all) == fs::perms(0600));
    CHECK(read().at("entries").empty());
}

TEST_CASE_FIXTURE(Traced, "bytes that are no UTF-8 do not make it unreadable") {
    auto file = open();
    auto odd = answered;
    odd.body.text = "\xff\xfe";
    file.add(odd);
    CHECK(read().at("entries").size() == 1);
}

TEST_CASE_FIXTURE(Traced, "a place where no file can be is refused") {
    const auto kind_of = [&](const fs::path& place) {
        path = place;
        try {
            open();
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::failed;
    };
    CHECK(kind_of("/dev/null") == ErrorKind::usage);
    CHECK(kind_of(folder / "missing" / "trace.har") == ErrorKind::storage);
    CHECK(kind_of(folder.path()) == ErrorKind::storage);
}
