// SPDX-License-Identifier: Apache-2.0
#include "net/http.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace vbackup;
using namespace vbackup::net;

namespace {

ErrorKind refusal(const Connection& connection) {
    try {
        const Http http(connection);
    } catch (const Error& error) {
        CHECK(error.message().find("s3cret") == std::string::npos);
        CHECK(error.hint().find("s3cret") == std::string::npos);
        return error.kind();
    }
    return ErrorKind::failed;
}

}  // namespace

TEST_CASE("the base keeps no slash at its end") {
    CHECK(Http({.base = "http://127.0.0.1:6333/"}).base() == "http://127.0.0.1:6333");
    CHECK(Http({.base = "https://db.example/prefix"}).base() == "https://db.example/prefix");
}

TEST_CASE("only http and https addresses can be asked") {
    CHECK(refusal({.base = "ftp://db.example"}) == ErrorKind::usage);
    CHECK(refusal({.base = "file:///etc/passwd"}) == ErrorKind::usage);
    CHECK(refusal({.base = "db.example"}) == ErrorKind::usage);
    CHECK(refusal({.base = "http://user:s3cret@db.example"}) == ErrorKind::usage);
}

TEST_CASE("a key with a line break cannot become a header of its own") {
    Connection connection{.base = "http://127.0.0.1:1"};
    connection.secrets.emplace_back("api-key", Secret("s3cret\r\nX-Other: 1"));
    CHECK(refusal(connection) == ErrorKind::configuration);
}
