// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <thread>

#include "contract/net/fixture.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

namespace {

const std::string etag = "\"12:34:56:78\"";

// Reads with a buffer of that size until the end or an error; what came is in `into`.
void read_into(io::Source& source, std::string& into, std::size_t block = std::size_t{1} << 20) {
    std::vector<std::byte> buffer(block);
    while (const std::size_t count = source.read(buffer)) {
        into.append(reinterpret_cast<const char*>(buffer.data()), count);
    }
}

// From proc(5): a line such as "VmHWM:     1234 kB", the most memory since the last reset.
long memory_line(const std::string& name) {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word) {
        long kibibytes = 0;
        if (word == name && status >> kibibytes) return kibibytes;
    }
    FAIL("no such line");
    return 0;
}

void reset_peak() {
    std::ofstream("/proc/self/clear_refs") << 5;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a body comes through whole, in reads of any size") {
    const std::string bytes = pattern(3'000'001);
    server.on("GET", "/plain", {.body = bytes});
    server.on("GET", "/chunked", {.body = bytes, .chunked = true, .piece = 70'001});
    for (const std::string path : {"/plain", "/chunked"}) {
        for (const std::size_t block : {std::size_t{1000}, std::size_t{1} << 20, std::size_t{8} << 20}) {
            CAPTURE(path);
            CAPTURE(block);
            net::Response head;
            const auto source = http().open(call, get(path), head);
            REQUIRE(source);
            CHECK(head.status == 200);
            CHECK(source->offset() == 0);
            CHECK(source->size() == (path == "/plain" ? std::optional<std::uint64_t>(bytes.size()) : std::nullopt));
            std::string read;
            read_into(*source, read, block);
            CHECK((read == bytes));
            std::byte more{};
            CHECK(source->read(std::span(&more, 1)) == 0);
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "an empty body is an end, not an error") {
    server.on("GET", "/empty");
    server.on("GET", "/chunked", {.chunked = true});
    for (const std::string path : {"/empty", "/chunked"}) {
        net::Response head;
        const auto source = http().open(call, get(path), head);
        REQUIRE(source);
        CHECK(io::read_all(*source, 10).empty());
    }
}

TEST_CASE_FIXTURE(Fixture, "a refusal has its words in the head and no stream") {
    server.on("GET", "/a", {.status = 404, .body = "no such snapshot"});
    server.on("GET", "/long", {.status = 400, .body = std::string(1'000'000, 'x')});
    server.on("GET", "/cut", {.status = 403, .body = "denied, because", .fault = Fault::cut, .fault_at = 6});
    net::Response head;
    CHECK(http().open(call, get("/a"), head) == nullptr);
    CHECK(head.status == 404);
    CHECK(head.body == "no such snapshot");
    CHECK(http().open(call, get("/long"), head) == nullptr);
    CHECK(head.body.size() == 65'536);
    CHECK(http().open(call, get("/cut"), head) == nullptr);
    CHECK(head.status == 403);
    CHECK((head.body == "denied"));
}

TEST_CASE_FIXTURE(Fixture, "a download is carried on from where it stopped") {
    const std::string bytes = pattern(100'000);
    server.on("GET", "/file", [&](const HttpRequest& request) { return file_answer(request, bytes, etag); });
    net::Response head;
    const auto source = http().open(call, get("/file"), head, 60'000, etag);
    REQUIRE(source);
    CHECK(head.status == 206);
    CHECK(source->offset() == 60'000);
    CHECK(source->size() == 100'000);
    CHECK((io::read_all(*source, 100'000) == bytes.substr(60'000)));
    CHECK(server.requests().back().header("range") == "bytes=60000-");
    CHECK(server.requests().back().header("if-match") == etag);
}

TEST_CASE_FIXTURE(Fixture, "from the beginning no range is asked") {
    server.on("GET", "/file", {.body = "bytes"});
    net::Response head;
    CHECK(http().open(call, get("/file"), head) != nullptr);
    CHECK(server.requests().back().header("range") == "");
    CHECK(server.requests().back().header("if-match") == "");
}

TEST_CASE_FIXTURE(Fixture, "a file that changed, and one that is complete, are told by their status") {
    server.on("GET", "/file", [&](const HttpRequest& request) { return file_answer(request, "0123456789", etag); });
    net::Response head;
    CHECK(http().open(call, get("/file"), head, 5, "\"other\"") == nullptr);
    CHECK(head.status == 412);
    CHECK(http().open(call, get("/file"), head, 10, etag) == nullptr);
    CHECK(head.status == 416);
    CHECK(head.header("content-range") == "bytes */10");
}

TEST_CASE_FIXTURE(Fixture, "a 200 where a 206 was asked begins anew") {
    server.on("GET", "/file", {.body = "0123456789"});
    net::Response head;
    const auto source = http().open(call, get("/file"), head, 5);
    REQUIRE(source);
    CHECK(head.status == 200);
    CHECK(source->offset() == 0);
    CHECK(source->size() == 10);
    CHECK(io::read_all(*source, 100) == "0123456789");
}

TEST_CASE_FIXTURE(Fixture, "a 206 of another range is not understood") {
    int number = 0;
    for (const std::string range : {"bytes 4-9/10", "bytes 6-9/10", "bytes 0-9/10", "", "bytes 5-", "bytes 5-9/5",
                                    "items 5-9/10", "bytes 9-5/10", "bytes */10", "bytes 5-9/x"}) {
        CAPTURE(range);
        const std::string path = "/" + std::to_string(++number);
        server.on("GET", path, {.status = 206, .body = "56789", .headers = {{"Content-Range", range}}});
        net::Response head;
        CHECK(error_of([&] { return http().open(call, get(path), head, 5); }).kind() == ErrorKind::not_understood);
    }
}

TEST_CASE_FIXTURE(Fixture, "a range shorter than the rest is a cut body") {
    server.on("GET", "/file", {.status = 206, .body = "567", .headers = {{"Content-Range", "bytes 5-7/10"}}});
    net::Response head;
    const auto source = http().open(call, get("/file"), head, 5);
    REQUIRE(source);
    std::string read;
    CHECK(error_of([&] { return read_into(*source, read), 0; }).kind() == ErrorKind::unreachable);
    CHECK(read == "567");
}

TEST_CASE_FIXTURE(Fixture, "a body that ends early is unreachable wherever it was cut") {
    const std::string bytes = pattern(2'000'000);
    int number = 0;
    for (const std::size_t at : {0UL, 1UL, 16'383UL, 65'536UL, 1'048'576UL, 1'999'999UL}) {
        for (const bool chunked : {false, true}) {
            for (const Fault fault : {Fault::cut, Fault::cut_reset}) {
                CAPTURE(at);
                CAPTURE(chunked);
                const std::string path = "/" + std::to_string(++number);
                server.on("GET", path, {.body = bytes, .chunked = chunked, .fault = fault, .fault_at = at});
                std::string read;
                const Error error = error_of([&] {
                    net::Response head;
                    const auto source = http().open(call, get(path), head);
                    read_into(*source, read);
                    return 0;
                });
                CHECK(error.kind() == ErrorKind::unreachable);
                CHECK(read.size() <= at);
                CHECK((read == bytes.substr(0, read.size())));
            }
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "a cut download is completed by the next one") {
    const std::string bytes = pattern(1'000'000);
    server.on("GET", "/file", [&](const HttpRequest& request) {
        Answer answer = file_answer(request, bytes, etag);
        answer.fault = Fault::cut;
        answer.fault_at = 300'000;
        if (answer.body.size() <= 300'000) answer.fault = Fault::none;
        return answer;
    });
    std::string read;
    int opened = 0;
    for (bool whole = false; !whole; ++opened) {
        net::Response head;
        const auto source = http().open(call, get("/file"), head, read.size(), etag);
        REQUIRE(source);
        CHECK(source->offset() == read.size());
        try {
            read_into(*source, read);
            whole = true;
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::unreachable);
        }
        REQUIRE(opened < 10);
    }
    CHECK((read == bytes));
}

TEST_CASE_FIXTURE(Fixture, "an interim answer is not the head of a stream") {
    const std::string early = "HTTP/1.1 103 Early Hints\r\n\r\n";
    const std::string answer = early + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    server.on("GET", "/file", {.body = answer, .fault = Fault::garbage, .drip = 30ms, .piece = early.size()});
    net::Response head;
    const auto source = http().open(call, get("/file"), head);
    REQUIRE(source);
    CHECK(head.status == 200);
    CHECK(source->size() == 2);
    CHECK(io::read_all(*source, 10) == "ok");
}

TEST_CASE_FIXTURE(Fixture, "a compressed body is refused") {
    server.on("GET", "/file", {.body = "\x1f\x8b...", .headers = {{"Content-Encoding", "gzip"}}});
    net::Response head;
    CHECK(error_of([&] { return http().open(call, get("/file"), head); }).kind() == ErrorKind::not_understood);
}

TEST_CASE_FIXTURE(Fixture, "silence, deadline and stop end a body that stalls") {
    server.on("GET", "/file", {.body = "0123456789", .fault = Fault::stall_body, .fault_at = 5});
    net::Request request = get("/file");
    std::byte buffer[100];
    net::Response head;
    SUBCASE("silence") {
        request.silence = 200ms;
        const auto source = http().open(call, request, head);
        CHECK(source->read(buffer) == 5);
        CHECK(error_of([&] { return source->read(buffer); }).kind() == ErrorKind::stalled);
    }
    SUBCASE("deadline") {
        call.deadline = clock.now() + 1h;
        const auto source = http().open(call, request, head);
        CHECK(source->read(buffer) == 5);
        clock.advance(2h);
        CHECK(error_of([&] { return source->read(buffer); }).kind() == ErrorKind::deadline);
    }
    SUBCASE("stop") {
        const auto source = http().open(call, request, head);
        CHECK(source->read(buffer) == 5);
        const std::jthread stopper([&] { stop.request_stop(); });
        CHECK(error_of([&] { return source->read(buffer); }).kind() == ErrorKind::interrupted);
    }
}

TEST_CASE_FIXTURE(Fixture, "a reader that takes its time is not silence") {
    server.on("GET", "/file", {.body = pattern(std::size_t{4} << 20)});
    net::Request request = get("/file");
    // Long enough for a server that runs under a sanitizer beside other suites.
    request.silence = 1'000ms;
    net::Response head;
    const auto source = http().open(call, request, head);
    std::vector<std::byte> buffer(1000);
    CHECK(source->read(buffer) > 0);
    std::this_thread::sleep_for(1'500ms);
    std::string read;
    read_into(*source, read);
    CHECK(read.size() > 4'000'000);
}

TEST_CASE_FIXTURE(Fixture, "a source outlives its client") {
    server.on("GET", "/file", {.body = "0123456789"});
    net::Response head;
    std::unique_ptr<io::Source> source;
    {
        const net::Http gone = http();
        source = gone.open(call, get("/file"), head);
    }
    CHECK(io::read_all(*source, 100) == "0123456789");
}

TEST_CASE_FIXTURE(Fixture, "a source left in the middle leaves the client as it was") {
    server.on("GET", "/file", {.body = pattern(std::size_t{4} << 20)});
    server.on("GET", "/a", {.body = "a"});
    const net::Http one = http();
    net::Response head;
    std::byte buffer[10];
    CHECK(one.open(call, get("/file"), head)->read(buffer) == 10);
    CHECK(one.send(call, get("/a")).body == "a");
}

TEST_CASE_FIXTURE(Fixture, "a large body needs little memory, even with a slow reader") {
    constexpr std::size_t size = std::size_t{64} << 20;
    server.on("GET", "/file", [](const HttpRequest&) { return Answer{.body = std::string(size, 'x')}; });
    net::Response head;
    const auto source = http().open(call, get("/file"), head);
    REQUIRE(source);
    // The server's copies of the body are in this process, too: from here on nothing of that size may be added.
    std::vector<std::byte> buffer(4096);
    CHECK(source->read(buffer) > 0);
    reset_peak();
    const long before = memory_line("VmRSS:");
    std::size_t total = buffer.size();
    buffer.resize(100'000);
    while (const std::size_t count = source->read(buffer)) total += count;
    CHECK(total >= size);
    CHECK(memory_line("VmHWM:") - before < 32 * 1024);
}
