// SPDX-License-Identifier: Apache-2.0
#include "process.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <mutex>
#include <semaphore>

#include "support/http_server.hpp"

using namespace vbackup::test;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Nothing may be listening there once the server has gone.
std::string address_without_server() {
    return HttpServer().base();
}

// Takes every request and never answers; `taken` is released when one came.
void never_answer(HttpServer& server, std::binary_semaphore& taken) {
    server.on("GET", "*", [&](const HttpRequest&) {
        taken.release();
        return Answer{.fault = Fault::stall};
    });
}

}  // namespace

TEST_CASE("an address where nothing listens is 15, in one line") {
    const auto ended = Process({"list", address_without_server()}).end();
    CHECK(ended.code == 15);
    CHECK(ended.out.empty());
    CHECK(has(ended.err, "vbackup: "));
    CHECK(has(ended.err, "hint: "));
    CHECK(ended.err.find('\n') == ended.err.size() - 1);
}

TEST_CASE("a web page of a proxy is 17, and so is a server that is no database") {
    HttpServer page;
    page.on("GET", "*", {.body = "<html><body>Welcome</body></html>", .headers = {{"Content-Type", "text/html"}}});
    CHECK(Process({"check", page.base()}).end().code == 17);
    HttpServer other;
    other.on("GET", "*", {.body = "{\"hello\":\"world\"}", .headers = {{"Content-Type", "application/json"}}});
    CHECK(Process({"create", other.base()}).end().code == 17);
}

TEST_CASE("a server that never answers ends at the deadline or at the silence, never later") {
    HttpServer server;
    server.on("GET", "*", {.fault = Fault::stall});
    const auto ended = Process({"list", server.base(), "--timeout", "1s"}).end();
    CHECK((ended.code == 4 || ended.code == 5));
}

TEST_CASE("the key of the environment is sent, and never shown") {
    HttpServer server;
    std::mutex mutex;
    std::string seen;
    server.on("GET", "*", [&](const HttpRequest& request) {
        const std::scoped_lock lock(mutex);
        seen = request.header("api-key");
        return Answer{.status = 500, .body = "{}"};
    });
    const auto ended = Process({"list", server.base(), "--verbose", "--timeout", "3s"}, Process::Out::file,
                               {"VBACKUP_API_KEY=hunter2"})
                           .end();
    CHECK(ended.code != 0);
    {
        const std::scoped_lock lock(mutex);
        CHECK(seen == "hunter2");
    }
    CHECK(has(ended.err, "trace: GET " + server.base()));
    CHECK_FALSE(has(ended.err, "hunter2"));
}

TEST_CASE("the first signal ends the wait with 128 and its number") {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        HttpServer server;
        std::binary_semaphore taken{0};
        never_answer(server, taken);
        Process process({"list", server.base()});
        taken.acquire();
        process.signal(number);
        const auto ended = process.end();
        CAPTURE(ended.err);
        CHECK(ended.code == 128 + number);
        CHECK(has(ended.err, "interrupted"));
        CHECK(ended.out.empty());
    }
}

TEST_CASE("a result that cannot be written is 18, and a reader that left ends quietly") {
    const auto full = Process({"drivers"}, Process::Out::full).end();
    CHECK(full.code == 18);
    CHECK(has(full.err, "No space left on device"));
    CHECK(Process({"drivers"}, Process::Out::closed).end().code == 18);
    const auto left = Process({"drivers"}, Process::Out::left).end();
    CHECK(left.code == 128 + SIGPIPE);
    CHECK(left.err.empty());
}

TEST_CASE("no terminal, no progress, no colour") {
    const auto ended = Process({"drivers"}, Process::Out::file, {"TERM=xterm"}).end();
    CHECK(ended.code == 0);
    CHECK(ended.err.empty());
    CHECK_FALSE(has(ended.out, "\x1b"));
}
