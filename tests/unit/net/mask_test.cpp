// SPDX-License-Identifier: Apache-2.0
#include "net/mask.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace vbackup::net;

TEST_CASE("values below names that look secret are masked in JSON") {
    CHECK(mask_text(R"({"api_key":"abc","n":1})") == R"({"api_key":"***","n":1})");
    CHECK(mask_text(R"({"Password" : "a\"b c", "x":"y"})") == R"({"Password" : "***", "x":"y"})");
    CHECK(mask_text(R"({"token":12345,"x":2})") == R"({"token":***,"x":2})");
    CHECK(mask_text(R"({"credentials":{"a":"b","c":["d"]},"x":2})") == R"({"credentials":***,"x":2})");
    CHECK(mask_text(R"({"token":null,"secret":""})") == R"({"token":null,"secret":""})");
    CHECK(mask_text(R"({"token":"cut in the mid)") == R"({"token":"***)");
    CHECK(mask_text(R"({"body":"{\"password\":\"abc\",\"x\":\"y\"}"})") ==
          R"({"body":"{\"password\":\"***\",\"x\":\"y\"}"})");
}

TEST_CASE("so they are in forms, elements, headers and addresses") {
    CHECK(mask_text("Action=Assume&WebIdentityToken=abc&Version=1") == "Action=Assume&WebIdentityToken=***&Version=1");
    CHECK(mask_text("<Credentials><SecretAccessKey>abc</SecretAccessKey></Credentials>") ==
          "<Credentials><SecretAccessKey>***</SecretAccessKey></Credentials>");
    CHECK(mask_text("Bearer abc.def, next") == "Bearer ***, next");
    CHECK(mask_text("authorization: Basic abc") == "authorization: ***");
    CHECK(mask_text("see https://user:pw@h/x?X-Amz-Signature=abc&n=1") ==
          "see https://***@h/x?X-Amz-Signature=***&n=1");
}

TEST_CASE("what only sounds like a secret is left") {
    const std::array<std::string_view, 5> plain{
        R"({"shard_key":"eu","tokenization":"word"})", "<Key>prod/manifest.json</Key><KeyCount>2</KeyCount>",
        "no api-key was given", "http://127.0.0.1:6333/collections?wait=true", R"({"status":"ok","time":0.1})"};
    for (const auto text : plain) CHECK(mask_text(text) == text);
}

TEST_CASE("a known secret is masked wherever it stands, and its beginning where the text was cut") {
    const std::array<std::string_view, 2> known{"canary-123", "abc"};
    CHECK(mask_text("got canary-123!", known) == "got ***!");
    CHECK(mask_text("canary-123canary-123", known) == "******");
    CHECK(mask_text("the end is canary", known) == "the end is ***");
    CHECK(mask_text("abc", known) == "abc");  // as short as that it would be everywhere
}

TEST_CASE("of a header's value the part that authenticates counts too") {
    CHECK(parts_of_secret("Bearer x y") == std::vector<std::string_view>{"Bearer x y", "x y"});
    CHECK(parts_of_secret("x") == std::vector<std::string_view>{"x"});
}
