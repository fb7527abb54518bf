// SPDX-License-Identifier: Apache-2.0
#include "contract/net/fixture.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(Fixture, "passing statuses are asked for four times more") {
    for (const int status : {408, 429, 500, 502, 503, 504}) {
        CAPTURE(status);
        const std::string path = "/" + std::to_string(status);
        server.on("GET", path, {.status = status, .body = "why"});
        const net::Response response = http().send(call, get(path));
        CHECK(response.status == status);
        CHECK(response.body == "why");
        CHECK(server.count("GET", path) == 5);
    }
    CHECK(clock.elapsed() == 6 * 1875ms);
}

TEST_CASE_FIXTURE(Fixture, "other statuses stand at once") {
    for (const int status : {200, 301, 400, 401, 403, 404, 409, 413, 422, 501, 507}) {
        CAPTURE(status);
        const std::string path = "/" + std::to_string(status);
        server.on("GET", path, {.status = status});
        CHECK(http().send(call, get(path)).status == status);
        CHECK(server.count("GET", path) == 1);
    }
}

TEST_CASE_FIXTURE(Fixture, "a broken line is tried again until it holds") {
    server.on("GET", "/a", {.fault = Fault::reset});
    server.on("GET", "/a", {.fault = Fault::close});
    server.on("GET", "/a", {.body = "0123456789", .fault = Fault::cut, .fault_at = 5});
    server.on("GET", "/a", {.body = "whole"});
    CHECK(http().send(call, get("/a")).body == "whole");
    CHECK(server.count("GET", "/a") == 4);
    CHECK(clock.sleeps() == 3);
    CHECK(traced("again in 125ms (1 of 4)"));
}

TEST_CASE_FIXTURE(Fixture, "a line that stays broken is unreachable after four repeats") {
    server.on("GET", "/a", {.fault = Fault::close});
    CHECK(error_of([&] { return http().send(call, get("/a")); }).kind() == ErrorKind::unreachable);
    CHECK(server.count("GET", "/a") == 5);
}

TEST_CASE_FIXTURE(Fixture, "polls are not repeated") {
    server.on("GET", "/a", {.status = 503});
    CHECK(http().send(call, get("/a"), false).status == 503);
    CHECK(server.count("GET", "/a") == 1);
}

TEST_CASE_FIXTURE(Fixture, "what changes something is never sent twice") {
    for (const std::string method : {"POST", "PUT", "PATCH", "DELETE"}) {
        for (const bool body : {false, true}) {
            CAPTURE(method);
            CAPTURE(body);
            const std::string path = "/" + method + (body ? "/body" : "/empty");
            server.on(method, path, {.status = 503});
            const net::Request request{.method = method, .path = path, .body = body ? "{}" : ""};
            CHECK(http().send(call, request).status == 503);
            CHECK(server.count(method, path) == 1);
            for (const Fault fault : {Fault::close, Fault::reset}) {
                const std::string broken = path + (fault == Fault::close ? "/close" : "/reset");
                server.on(method, broken, {.fault = fault});
                const net::Request other{.method = method, .path = broken, .body = body ? "{}" : ""};
                CHECK(error_of([&] { return http().send(call, other); }).kind() == ErrorKind::unreachable);
                CHECK(server.count(method, broken) == 1);
            }
        }
    }
    CHECK(clock.sleeps() == 0);
}

TEST_CASE_FIXTURE(Fixture, "what changes something is not sent twice on a connection that was used before") {
    // libcurl by itself sends again when a used connection closes without an answer.
    server.on("GET", "/warm");
    server.on("POST", "/a", {.fault = Fault::close});
    const net::Http one = http();
    one.send(call, get("/warm"));
    CHECK(error_of([&] { return one.send(call, post("/a")); }).kind() == ErrorKind::unreachable);
    CHECK(server.count("POST", "/a") == 1);
}

TEST_CASE_FIXTURE(Fixture, "a GET with a body is not repeated") {
    server.on("GET", "/a", {.status = 503});
    net::Request request = get("/a");
    request.body = "{}";
    CHECK(http().send(call, request).status == 503);
    CHECK(server.count("GET", "/a") == 1);
    CHECK(server.requests().at(0).body == "{}");
}

TEST_CASE_FIXTURE(Fixture, "Retry-After is the least that is waited") {
    server.on("GET", "/a", {.status = 429, .headers = {{"Retry-After", "30"}}});
    server.on("GET", "/a", {.status = 503, .headers = {{"retry-after", "Sat, 21 Nov 2026 07:48:30 GMT"}}});
    server.on("GET", "/a", {.body = "there"});
    CHECK(http().send(call, get("/a")).body == "there");
    // The clock began at 07:47:00: 30 s by the first, and until 07:48:30 by the second.
    CHECK(clock.elapsed() == 90s);
}

TEST_CASE_FIXTURE(Fixture, "no repeat is begun that the deadline would not see") {
    server.on("GET", "/a", {.status = 429, .headers = {{"Retry-After", "30"}}});
    call.deadline = clock.now() + 29s;
    CHECK(http().send(call, get("/a")).status == 429);
    CHECK(server.count("GET", "/a") == 1);
    CHECK(clock.sleeps() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the head of a stream is repeated, too") {
    server.on("GET", "/file", {.fault = Fault::reset});
    server.on("GET", "/file", {.status = 503});
    server.on("GET", "/file", {.body = "bytes"});
    net::Response head;
    const auto source = http().open(call, get("/file"), head);
    REQUIRE(source);
    CHECK(head.status == 200);
    CHECK(io::read_all(*source, 100) == "bytes");
    CHECK(clock.sleeps() == 2);
}

TEST_CASE_FIXTURE(Fixture, "what says that it may be repeated is, from the same bytes, signed anew each time") {
    server.on("PUT", "/a", {.status = 503});
    server.on("PUT", "/a", {.status = 500});
    server.on("PUT", "/a", {.status = 200, .body = "good"});
    const std::string bytes = pattern(3 << 20);
    int signatures = 0;
    const net::Request request{.method = "PUT",
                               .path = "/a",
                               .content_type = "",
                               .bytes = std::as_bytes(std::span(bytes)),
                               .repeatable = true,
                               .sign = [&] {
                                   return net::Headers{{"x-try", std::to_string(++signatures)}};
                               }};
    CHECK(http().send(call, request).body == "good");
    const auto seen = server.requests();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].body == bytes);
    CHECK(seen[2].body == bytes);
    CHECK(seen[2].header("content-length") == std::to_string(bytes.size()));
    CHECK(seen[2].header("content-type").empty());
    CHECK(seen[0].header("x-try") == "1");
    CHECK(seen[2].header("x-try") == "3");
    CHECK(tally.bytes_done == 0);
}

TEST_CASE_FIXTURE(Fixture, "bytes in memory that nobody calls repeatable go out once") {
    server.on("PUT", "/a", {.status = 503});
    const std::string bytes = "abc";
    CHECK(http().send(call, {.method = "PUT", .path = "/a", .bytes = std::as_bytes(std::span(bytes))}).status == 503);
    CHECK(server.count("PUT", "/a") == 1);
}

TEST_CASE_FIXTURE(Fixture, "repeatable bytes use a connection again, also one that turned out to be dead") {
    server.on("PUT", "/a", Answer{});
    const std::string bytes = pattern(100'000);
    const net::Request request{
        .method = "PUT", .path = "/a", .bytes = std::as_bytes(std::span(bytes)), .repeatable = true};
    const auto one = http();
    CHECK(one.send(call, request).ok());
    CHECK(one.send(call, request).ok());
    CHECK(server.connections() == 1);
    server.disconnect();
    CHECK(one.send(call, request).ok());
    for (const auto& seen : server.requests()) CHECK(seen.body == bytes);
}

TEST_CASE_FIXTURE(Fixture, "an answer that a service calls passing is asked for again") {
    server.on("GET", "/a", {.body = "later"});
    server.on("GET", "/a", {.body = "whole"});
    auto request = get("/a");
    request.passing = [](const net::Response& answer) { return answer.body == "later"; };
    CHECK(http().send(call, request).body == "whole");
}
