// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include "contract/net/fixture.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

namespace {

struct Limited : Fixture {
    Rate rate{1'000'000, clock.now()};
    Limited() { call.rate = &rate; }

    Milliseconds time_of(const std::function<void()>& work) const {
        const auto before = clock.elapsed();
        work();
        return clock.elapsed() - before;
    }
};

void check_rate(Milliseconds took, Milliseconds expected) {
    CHECK(took >= expected * 95 / 100);
    CHECK(took <= expected * 105 / 100);
}

}  // namespace

TEST_CASE_FIXTURE(Limited, "a download flows at the rate") {
    const std::string bytes = pattern(5'000'000);
    server.on("GET", "/file", {.body = bytes});
    std::string read;
    check_rate(time_of([&] {
                   net::Response head;
                   read = io::read_all(*http().open(call, get("/file"), head), bytes.size());
               }),
               5s);
    CHECK((read == bytes));
}

TEST_CASE_FIXTURE(Limited, "an upload flows at the rate") {
    const std::string bytes = pattern(5'000'000);
    server.on("POST", "/upload");
    const auto source = io::memory_source(bytes);
    net::Request request{.method = "POST", .path = "/upload", .upload = source.get()};
    check_rate(time_of([&] { CHECK(http().send(call, request).status == 200); }), 5s);
    CHECK((server.requests().back().body.find(bytes) != std::string::npos));
    CHECK(tally.bytes_done == bytes.size());
}

TEST_CASE_FIXTURE(Limited, "two downloads share the rate") {
    server.on("GET", "/file", {.body = pattern(1'000'000)});
    const auto client = http();
    net::Response head;
    const auto one = client.open(call, get("/file"), head);
    const auto other = client.open(call, get("/file"), head);
    std::vector<std::byte> buffer(100'000);
    check_rate(time_of([&] {
                   bool more = true;
                   while (more) {
                       more = one->read(buffer) > 0;
                       more = other->read(buffer) > 0 || more;
                   }
               }),
               2s);
}

TEST_CASE_FIXTURE(Limited, "of a compressed body the rate counts what is on the wire") {
    const std::string text(50'000'000, 'x');
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
    server.on("GET", "/file", {.body = packed, .headers = {{"Content-Encoding", "zstd"}}});
    auto request = get("/file");
    request.zstd = true;
    CHECK(time_of([&] {
              net::Response head;
              CHECK(io::read_all(*http().open(call, request, head), text.size()).size() == text.size());
          }) < 1s);
}

TEST_CASE_FIXTURE(Limited, "a stop ends an upload that is held up") {
    server.on("POST", "/upload");
    const auto source = io::memory_source(pattern(5'000'000));
    clock.on_sleep = [&](Milliseconds) { stop.request_stop(); };
    net::Request request{.method = "POST", .path = "/upload", .upload = source.get()};
    CHECK(error_of([&] { return http().send(call, request); }).kind() == ErrorKind::interrupted);
}
