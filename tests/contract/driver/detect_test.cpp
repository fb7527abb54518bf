// SPDX-License-Identifier: Apache-2.0
#include "contract/net/fixture.hpp"
#include "driver/registry.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

// As recorded in shared/transcripts.
const std::string qdrant_root =
    R"({"title":"qdrant - vector search engine","version":"1.19.0","commit":"74f3e85b9473c62560006c043e13737ce6b48412"})";
const std::string weaviate_meta =
    R"({"grpcMaxMessageSize":104858000,"hostname":"http://[::]:8080","modules":{},"version":"1.39.0"})";

Answer json(std::string body) {
    return {.body = std::move(body), .headers = {{"Content-Type", "application/json"}}};
}

struct Unknown : Fixture {
    Error error() {
        const net::Http asked = http();
        return error_of([&] { return driver::detect(call, asked).name; });
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a database is known by what it answers") {
    SUBCASE("Qdrant") {
        server.on("GET", "/", json(qdrant_root));
        CHECK(driver::detect(call, http()).name == "qdrant");
    }
    SUBCASE("Weaviate") {
        server.on("GET", "/v1/meta", json(weaviate_meta));
        CHECK(driver::detect(call, http()).name == "weaviate");
    }
}

TEST_CASE_FIXTURE(Unknown, "something else is told with the beginning of its answer") {
    server.on("GET", "/", json(R"({"name":"es-1","tagline":"You Know, for Search)" + std::string(200, '!') + "\"}"));
    const Error told = error();
    CHECK(told.kind() == ErrorKind::not_understood);
    CHECK(told.message().find(server.base() + " is no database that vbackup knows: it answers HTTP 200: {\"name\":") ==
          0);
    CHECK(told.message().size() < 220);
}

TEST_CASE_FIXTURE(Unknown, "nothing but 404 is told, too") {
    CHECK(error().kind() == ErrorKind::not_understood);
    CHECK(error().message().ends_with("it answers HTTP 404"));
}

TEST_CASE_FIXTURE(Unknown, "a web page comes from a proxy") {
    server.on("GET", "*",
              {.body = "<html><body>Welcome to nginx!</body></html>", .headers = {{"Content-Type", "text/html"}}});
    const Error told = error();
    CHECK(told.kind() == ErrorKind::not_understood);
    CHECK(told.message().find("web page") != std::string::npos);
    CHECK(told.hint().find("proxy") != std::string::npos);
    CHECK(told.message().find("nginx") == std::string::npos);
}

TEST_CASE_FIXTURE(Unknown, "a redirect is not followed") {
    server.on("GET", "*", {.status = 302, .headers = {{"Location", "https://login.example/start?token=s3cret"}}});
    const Error told = error();
    CHECK(told.kind() == ErrorKind::not_understood);
    CHECK(told.message().find("https://login.example") != std::string::npos);
    CHECK(told.message().find("s3cret") == std::string::npos);
}

TEST_CASE_FIXTURE(Unknown, "a server that does not answer is unreachable") {
    server.on("GET", "*", {.fault = Fault::close});
    CHECK(error().kind() == ErrorKind::unreachable);
}

TEST_CASE_FIXTURE(Unknown, "asking changes nothing") {
    error();
    for (const HttpRequest& request : server.requests()) CHECK(request.method == "GET");
}
