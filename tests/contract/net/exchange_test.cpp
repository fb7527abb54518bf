// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <thread>

#include "base/text.hpp"
#include "contract/net/fixture.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

namespace {

// A real clock for what must end in real time, with a limit that says "at once".
Milliseconds took(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begin);
}

// A port that nothing listens on: a server's that has gone.
std::string dead_base() {
    return HttpServer().base();
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "status, headers and body come back, whatever the status") {
    server.on("GET", "/v1/meta", {.status = 418, .body = "tea", .headers = {{"X-Pot", "round"}}});
    const net::Response response = http().send(call, get("/v1/meta?output=minimal"));
    CHECK(response.status == 418);
    CHECK(response.body == "tea");
    CHECK(response.header("x-pot") == "round");
    CHECK(server.requests().at(0).target == "/v1/meta?output=minimal");
}

TEST_CASE_FIXTURE(Fixture, "each method goes out as it is named") {
    for (const std::string method : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}) {
        CAPTURE(method);
        server.on(method, "/x", {.body = "answer"});
        const net::Response response = http().send(call, {.method = method, .path = "/x"});
        CHECK(response.status == 200);
        CHECK(response.body == (method == "HEAD" ? "" : "answer"));
        CHECK(server.requests().back().method == method);
        CHECK(server.requests().back().body.empty());
        CHECK(server.requests().back().header("content-type") == "");
    }
}

TEST_CASE_FIXTURE(Fixture, "a body goes out with its type and length and without Expect") {
    const std::string large(std::size_t{3} << 20, 'x');
    for (const std::string method : {"POST", "PUT", "PATCH", "DELETE"}) {
        CAPTURE(method);
        http().send(call, {.method = method, .path = "/x", .body = large});
        const HttpRequest request = server.requests().back();
        CHECK(request.method == method);
        CHECK((request.body == large));
        CHECK(request.header("content-type") == "application/json");
        CHECK(request.header("content-length") == std::to_string(large.size()));
        CHECK(request.header("expect") == "");
    }
}

TEST_CASE_FIXTURE(Fixture, "the headers that every request carries") {
    net::Request request = get("/");
    request.headers = {{"X-Azure-Block-Size", "4"}, {"X-Empty", ""}};
    http().send(call, request);
    const HttpRequest seen = server.requests().at(0);
    CHECK(seen.header("accept-encoding") == "identity");
    CHECK(seen.header("user-agent") == "vbackup");
    CHECK(seen.header("x-azure-block-size") == "4");
    CHECK(seen.headers.back().first == "X-Empty");
}

TEST_CASE_FIXTURE(Fixture, "a path is sent as it was given") {
    http().send(call, get("/collections/../a%2Fb/./c"));
    CHECK(server.requests().at(0).target == "/collections/../a%2Fb/./c");
}

TEST_CASE_FIXTURE(Fixture, "a header cannot bring another one along") {
    net::Request request = get("/");
    request.headers = {{"X-One", "1\r\nX-Two: 2"}};
    CHECK(error_of([&] { return http().send(call, request); }).kind() == ErrorKind::usage);
    CHECK(server.requests().empty());
}

TEST_CASE_FIXTURE(Fixture, "redirects are answers") {
    server.on("GET", "/a", {.status = 302, .headers = {{"Location", server.base() + "/b"}}});
    const net::Response response = http().send(call, get("/a"));
    CHECK(response.status == 302);
    CHECK(server.requests().size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "an interim answer is not the answer") {
    server.on("GET", "/a",
              {.body = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
               .fault = Fault::garbage});
    const net::Response response = http().send(call, get("/a"));
    CHECK(response.status == 200);
    CHECK(response.header("link") == "");
    CHECK(response.body == "ok");
}

TEST_CASE_FIXTURE(Fixture, "an answer longer than the most that was allowed is refused") {
    server.on("GET", "/a", {.body = std::string(1001, 'x')});
    net::Request request = get("/a");
    request.most = 1001;
    CHECK(http().send(call, request).body.size() == 1001);
    request.most = 1000;
    const Error error = error_of([&] { return http().send(call, request); });
    CHECK(error.kind() == ErrorKind::not_understood);
    CHECK(error.message().find("longer than") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a compressed answer is not taken for text") {
    server.on("GET", "/a", {.body = "\x1f\x8b...", .headers = {{"Content-Encoding", "gzip"}}});
    CHECK(error_of([&] { return http().send(call, get("/a")); }).kind() == ErrorKind::not_understood);
}

TEST_CASE_FIXTURE(Fixture, "a connection is used again for reading, a new one made for what must not be sent twice") {
    const net::Http one = http();
    one.send(call, get("/a"));
    one.send(call, get("/b"));
    CHECK(server.connections() == 1);
    one.send(call, post("/c"));
    CHECK(server.connections() == 2);
    one.send(call, {.method = "DELETE", .path = "/d"});
    CHECK(server.connections() == 3);
}

TEST_CASE_FIXTURE(Fixture, "loopback is reached without the environment's proxy") {
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    server.on("GET", "/a", {.body = "straight"});
    const net::Response response = http().send(call, get("/a"));
    unsetenv("http_proxy");
    CHECK(response.body == "straight");
}

TEST_CASE_FIXTURE(Fixture, "nobody listens") {
    const std::string base = dead_base();
    const net::Http nobody({.base = base}, trace());
    const Error error = error_of([&] { return nobody.send(call, get("/a"), false); });
    CHECK(error.kind() == ErrorKind::unreachable);
    CHECK(error.message() == "cannot connect to " + base + ": connection refused");
    CHECK(traced("-> failed: cannot connect"));
}

TEST_CASE_FIXTURE(Fixture, "a name that does not exist") {
    // RFC 2606 reserves .invalid: no name server knows it, and none is needed to fail.
    const net::Http nobody({.base = "http://vbackup-test.invalid:1"});
    const Error error = error_of([&] { return nobody.send(call, get("/a"), false); });
    CHECK(error.kind() == ErrorKind::unreachable);
    CHECK(error.message().find("cannot be resolved") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "lines that break are unreachable") {
    server.on("GET", "/close", {.fault = Fault::close});
    server.on("GET", "/reset", {.fault = Fault::reset});
    server.on("GET", "/cut", {.body = "0123456789", .fault = Fault::cut, .fault_at = 5});
    server.on("GET", "/cut-reset", {.body = "0123456789", .fault = Fault::cut_reset, .fault_at = 5});
    server.on("GET", "/cut-chunk", {.body = "0123456789", .chunked = true, .fault = Fault::cut, .fault_at = 5});
    server.on("GET", "/lie", {.body = "0123456789", .announced = 11});
    for (const std::string path : {"/close", "/reset", "/cut", "/cut-reset", "/cut-chunk", "/lie"}) {
        CAPTURE(path);
        const Error error = error_of([&] { return http().send(call, get(path), false); });
        CHECK(error.kind() == ErrorKind::unreachable);
        CHECK(error.message().find("GET " + server.base() + path + ": ") == 0);
    }
}

TEST_CASE_FIXTURE(Fixture, "what is not HTTP is not understood") {
    server.on("GET", "/ssh", {.body = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", .fault = Fault::garbage});
    server.on("GET", "/resp", {.body = "-ERR unknown command 'GET'\r\n", .fault = Fault::garbage});
    server.on("GET", "/chunk",
              {.body = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno hex\r\n", .fault = Fault::garbage});
    server.on("GET", "/head", {.body = "HTTP/1.1 200 OK\r\nX: " + std::string(2 << 20, 'x'), .fault = Fault::garbage});
    for (const std::string path : {"/ssh", "/resp", "/chunk"}) {
        CAPTURE(path);
        CHECK(error_of([&] { return http().send(call, get(path), false); }).kind() == ErrorKind::not_understood);
    }
    CHECK_THROWS_AS(http().send(call, get("/head"), false), Error);
}

TEST_CASE_FIXTURE(Fixture, "a stop ends a stalled call at once") {
    server.on("GET", "/stall", {.fault = Fault::stall});
    server.on("GET", "/stall-body", {.body = "0123456789", .fault = Fault::stall_body, .fault_at = 5});
    std::size_t seen = 0;
    for (const std::string path : {"/stall", "/stall-body"}) {
        CAPTURE(path);
        std::stop_source source;
        const Call stoppable{clock, tally, Instant::max(), source.get_token()};
        const std::jthread stopper([&, wanted = ++seen] {
            server.wait_for_requests(wanted);
            source.request_stop();
        });
        Call mine = stoppable;
        const Milliseconds length = took(
            [&] { CHECK(error_of([&] { return http().send(mine, get(path)); }).kind() == ErrorKind::interrupted); });
        CHECK(length < 30s);
    }
}

TEST_CASE_FIXTURE(Fixture, "a stop before the call sends nothing") {
    stop.request_stop();
    CHECK(error_of([&] { return http().send(call, get("/a")); }).kind() == ErrorKind::interrupted);
    CHECK(server.connections() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the deadline ends a stalled call") {
    server.on("GET", "/stall", {.fault = Fault::stall});
    server.on("POST", "/unread", {.fault = Fault::never_read});
    call.deadline = clock.now() + 1h;
    {
        const std::jthread hand([&] {
            server.wait_for_requests(1);
            clock.advance(2h);
        });
        CHECK(error_of([&] { return http().send(call, get("/stall")); }).kind() == ErrorKind::deadline);
    }
    call.deadline = clock.now() + 1h;
    const std::jthread hand([&] {
        server.wait_for_requests(2);
        clock.advance(2h);
    });
    CHECK(error_of([&] {
              return http().send(call, post("/unread", std::string(std::size_t{16} << 20, 'x')));
          }).kind() == ErrorKind::deadline);
}

TEST_CASE_FIXTURE(Fixture, "a deadline that passes while the answer comes in does not take it away") {
    call.deadline = clock.now() + 1h;
    const net::Http late(connection(), [&](std::string_view) { clock.advance(2h); });
    CHECK(late.send(call, post("/a")).status == 404);
}

TEST_CASE_FIXTURE(Fixture, "silence ends a call") {
    server.on("GET", "/stall", {.fault = Fault::stall});
    server.on("GET", "/stall-body", {.body = "0123456789", .fault = Fault::stall_body, .fault_at = 5});
    server.on("POST", "/unread", {.fault = Fault::never_read});
    for (net::Request request :
         {get("/stall"), get("/stall-body"), post("/unread", std::string(std::size_t{16} << 20, 'x'))}) {
        CAPTURE(request.path);
        request.silence = 200ms;
        const Milliseconds length = took([&] {
            const Error error = error_of([&] { return http().send(call, request, false); });
            CHECK(error.kind() == ErrorKind::stalled);
            CHECK(error.message().find("not a byte for " + format_duration(200ms)) != std::string::npos);
        });
        CHECK(length >= 200ms);
        CHECK(length < 60s);
    }
}

TEST_CASE_FIXTURE(Fixture, "a slow answer is not silent") {
    server.on("GET", "/slow", {.body = "0123456789", .drip = 250ms, .piece = 1});
    net::Request request = get("/slow");
    request.silence = 2'000ms;
    CHECK(http().send(call, request).body == "0123456789");
}

TEST_CASE_FIXTURE(Fixture, "many threads share one server") {
    server.on("GET", "/*", [](const HttpRequest& request) { return Answer{.body = request.path}; });
    const net::Http shared = http();
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for (int number = 0; number < 8; ++number) {
            threads.emplace_back([&, path = "/" + std::to_string(number)] {
                for (int i = 0; i < 20; ++i) good += shared.send(call, get(path)).body == path ? 1 : 0;
            });
        }
    }
    CHECK(good == 160);
    CHECK(server.connections() <= 160);
}
