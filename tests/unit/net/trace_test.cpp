// SPDX-License-Identifier: Apache-2.0
#include "net/trace.hpp"

#include <doctest/doctest.h>

using namespace vbackup::net;
using namespace std::chrono_literals;

TEST_CASE("values that look secret are not shown") {
    CHECK(safe_url("http://h:1/a?wait=true&api_key=abc&x=1") == "http://h:1/a?wait=true&api_key=***&x=1");
    CHECK(safe_url("http://h/a?X-Amz-Signature=abc&X-Amz-Credential=def") ==
          "http://h/a?X-Amz-Signature=***&X-Amz-Credential=***");
    CHECK(safe_url("http://h/a?TOKEN=abc") == "http://h/a?TOKEN=***");
    CHECK(safe_url("http://h/a?password=a=b&sig=c") == "http://h/a?password=***&sig=***");
    CHECK(safe_url("http://user:pw@h/a@b") == "http://***@h/a@b");
}

TEST_CASE("the rest of an address stays as it is") {
    CHECK(safe_url("http://h:1/v1/meta") == "http://h:1/v1/meta");
    CHECK(safe_url("/v1/objects?limit=5&wait") == "/v1/objects?limit=5&wait");
    CHECK(safe_url("http://h/a?") == "http://h/a?");
    CHECK(safe_url("") == "");
}

TEST_CASE("a line for each exchange") {
    CHECK(trace_answer("GET", "http://h/v1/meta", 200, 0, 103, 12ms) == "GET http://h/v1/meta -> 200 (103 B, 12ms)");
    CHECK(trace_answer("POST", "http://h/x?token=t", 202, 1536, 2, 5ms) ==
          "POST http://h/x?token=*** -> 202 (sent 1.5 KiB, 2 B, 5ms)");
    CHECK(trace_failure("GET", "http://h/?key=k", "connection refused", 1ms) ==
          "GET http://h/?key=*** -> failed: connection refused (1ms)");
}
