// SPDX-License-Identifier: Apache-2.0
#include "contract/net/fixture.hpp"

using namespace vbackup;
using namespace vbackup::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view key = "s3cret-0123456789";

struct Guarded : Fixture {
    net::Http guarded() {
        net::Connection with_key = connection();
        with_key.secrets.emplace_back("api-key", Secret(std::string(key)));
        with_key.secrets.emplace_back("Authorization", Secret("Bearer " + std::string(key)));
        return net::Http(std::move(with_key), trace(), [] { return 0.5; });
    }

    void check_silent(const Error& error) const {
        CHECK(error.message().find(key) == std::string::npos);
        CHECK(error.hint().find(key) == std::string::npos);
        for (const auto& [name, value] : error.context()) CHECK(value.find(key) == std::string::npos);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Guarded, "secret headers reach the server") {
    guarded().send(call, get("/a"));
    CHECK(server.requests().at(0).header("api-key") == key);
    CHECK(server.requests().at(0).header("authorization") == "Bearer " + std::string(key));
}

TEST_CASE_FIXTURE(Guarded, "no trace and no error shows a secret") {
    const std::string query = "?api_key=" + std::string(key);
    server.on("GET", "/close", {.fault = Fault::close});
    server.on("GET", "/garbage", {.body = "garbage\r\n\r\n", .fault = Fault::garbage});
    server.on("GET", "/stall", {.fault = Fault::stall});
    server.on("GET", "/zip", {.body = "x", .headers = {{"Content-Encoding", "gzip"}}});
    server.on("GET", "/long", {.body = "0123456789"});
    server.on("GET", "/range", {.status = 206, .body = "x", .headers = {{"Content-Range", "bytes 1-1/2"}}});
    for (const std::string path : {"/close", "/garbage", "/stall", "/zip", "/long"}) {
        CAPTURE(path);
        net::Request request = get(path + query);
        request.silence = 200ms;
        request.most = 5;
        check_silent(error_of([&] { return guarded().send(call, request, false); }));
    }
    net::Response head;
    check_silent(error_of([&] { return guarded().open(call, get("/range" + query), head, 7); }));
    guarded().send(call, get("/fine" + query));
    CHECK(traced("GET " + server.base() + "/fine?api_key=*** -> 404"));
    CHECK(traced("GET " + server.base() + "/close?api_key=*** -> failed"));
    CHECK_FALSE(traced(key));
}

TEST_CASE_FIXTURE(Guarded, "each exchange leaves one line") {
    server.on("GET", "/v1/meta", {.body = std::string(103, 'x')});
    guarded().send(call, get("/v1/meta"));
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("GET " + server.base() + "/v1/meta -> 200 (103 B, ") == 0);
    CHECK(lines[0].ends_with("ms)"));
    guarded().send(call, post("/x", "0123456789"));
    REQUIRE(lines.size() == 2);
    CHECK(lines[1].find("POST " + server.base() + "/x -> 404 (sent 10 B, 0 B, ") == 0);
}
