// SPDX-License-Identifier: Apache-2.0
// The requests and signatures are those that Amazon publishes in "Signature Calculations for the Authorization Header" and
// "Authenticating Requests: Using Query Parameters" of the S3 API reference.
#include "net/sigv4.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.hpp"
#include "io/digest.hpp"

using namespace vbackup;
using namespace vbackup::net;

namespace {

const Moment day = *parse_time("2013-05-24T00:00:00Z");
const SigningScope scope{.region = "us-east-1", .service = "s3"};

AwsKeys keys(std::string token = {}) {
    return {"AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), Secret(std::move(token)), {}};
}

std::string value_of(const Headers& headers, std::string_view name) {
    for (const auto& [one, value] : headers)
        if (one == name) return value;
    return {};
}

std::string authorization(const Signable& request, const AwsKeys& with = keys()) {
    return value_of(sign(request, with, scope, day), "Authorization");
}

std::string signature_of(const std::string& text) {
    return text.substr(text.rfind('=') + 1);
}

const Headers host{{"host", "examplebucket.s3.amazonaws.com"}};

}  // namespace

TEST_CASE("the published signatures come out") {
    CHECK(authorization({.method = "GET",
                         .path = encode_key("test.txt"),
                         .query = {},
                         .headers = {{"Host", "examplebucket.s3.amazonaws.com"}, {"Range", "bytes=0-9"}},
                         .payload_sha256 = std::string(empty_sha256)}) ==
          "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
          "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
          "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    CHECK(signature_of(authorization({.method = "PUT",
                                      .path = encode_key("test$file.text"),
                                      .query = {},
                                      .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                                  {"Host", "examplebucket.s3.amazonaws.com"},
                                                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                                      .payload_sha256 = io::sha256("Welcome to Amazon S3.")})) ==
          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    CHECK(signature_of(authorization({.method = "GET",
                                      .path = "/",
                                      .query = {{"lifecycle", ""}},
                                      .headers = host,
                                      .payload_sha256 = std::string(empty_sha256)})) ==
          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    CHECK(signature_of(authorization({.method = "GET",
                                      .path = "/",
                                      .query = {{"prefix", "J"}, {"max-keys", "2"}},
                                      .headers = host,
                                      .payload_sha256 = std::string(empty_sha256)})) ==
          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("the published presigned address comes out") {
    const Signable request{.method = "GET", .path = "/test.txt", .query = {}, .headers = host, .payload_sha256 = {}};
    CHECK(presign(request, keys(), scope, day, Seconds(86400)) ==
          "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_"
          "request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
          "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_CASE("keys are encoded once, whatever they hold; a '/' stays") {
    CHECK(encode_key("a/b c/=*:()'!,;@&+$~-._") == "/a/b%20c/%3D%2A%3A%28%29%27%21%2C%3B%40%26%2B%24~-._");
    CHECK(encode_key("%2E/\xC3\xA4\x01\x7F?#[]\\") == "/%252E/%C3%A4%01%7F%3F%23%5B%5D%5C");
    CHECK(encode_key("a//b/") == "/a//b/");
}

TEST_CASE("a query is sorted by what it is encoded to") {
    CHECK(encode_query({{"uploads", ""}, {"prefix", "a b/="}, {"max-keys", "2"}}) ==
          "max-keys=2&prefix=a%20b%2F%3D&uploads=");
    CHECK(encode_query({{"b", "2"}, {"a-", "1"}, {"a", "2"}, {"a", "1"}, {"A", "0"}}) == "A=0&a=1&a=2&a-=1&b=2");
    CHECK(encode_query({}).empty());
}

TEST_CASE("a token of keys that expire is sent and signed") {
    const Signable request{
        .method = "GET", .path = "/", .query = {}, .headers = host, .payload_sha256 = std::string(empty_sha256)};
    const auto made = sign(request, keys("to/ken=="), scope, day);
    CHECK(value_of(made, "x-amz-security-token") == "to/ken==");
    CHECK(value_of(made, "Authorization").find(";x-amz-security-token,") != std::string::npos);
    CHECK(presign(request, keys("to/ken=="), scope, day, Seconds(60)).find("X-Amz-Security-Token=to%2Fken%3D%3D&") !=
          std::string::npos);
}

TEST_CASE("blanks in values are signed as one, and names as lower case") {
    const auto with = [](const std::string& name, const std::string& value) {
        return signature_of(authorization({.method = "GET",
                                           .path = "/",
                                           .query = {},
                                           .headers = {{"host", "h"}, {name, value}},
                                           .payload_sha256 = std::string(empty_sha256)}));
    };
    CHECK(with("X-Amz-Meta-A", "  a   b \t c ") == with("x-amz-meta-a", "a b c"));
    CHECK(with("x-amz-meta-a", "ab") != with("x-amz-meta-a", "a b"));
}
