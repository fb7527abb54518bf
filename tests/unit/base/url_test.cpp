// SPDX-License-Identifier: Apache-2.0
#include "base/url.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "base/error.hpp"

using namespace vbackup;

namespace {

std::optional<Error> refusal(std::string_view text) {
    try {
        parse_url(text);
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("a URL is split") {
    const Url url = parse_url("Weaviate+HTTPS://DB-1.Example.com:8443/Some/path/?a=1&b=");
    CHECK(url.scheme == "weaviate+https");
    CHECK(url.host == "db-1.example.com");
    CHECK(url.port == 8443);
    CHECK(url.path == "/Some/path");
    CHECK(url.query == "a=1&b=");
    CHECK(url.text() == "weaviate+https://db-1.example.com:8443/Some/path");
}

TEST_CASE("the schemes of targets and stores") {
    CHECK(parse_url("http://localhost").host == "localhost");
    CHECK(parse_url("http://my_service:6333").host == "my_service");
    CHECK(parse_url("http://10.0.0.1:6333/").text() == "http://10.0.0.1:6333");
    const Url cluster = parse_url("qdrant-k8s://vectors/prod");
    CHECK(cluster.scheme == "qdrant-k8s");
    CHECK(cluster.host == "vectors");
    CHECK(cluster.path == "/prod");
    CHECK(parse_url("zilliz://in01-0123abc").host == "in01-0123abc");
    CHECK(parse_url("dragonflys://cache.example:6380").port == 6380);
    CHECK(parse_url("s3://bucket/a/b//").text() == "s3://bucket/a/b");
    CHECK(parse_url("file:///var/my backups").path == "/var/my backups");
    CHECK(parse_url("file:///var/backups/").text() == "file:///var/backups");
    CHECK(parse_url("http://h/path@with:signs").path == "/path@with:signs");
}

TEST_CASE("IPv6 addresses stand in brackets") {
    const Url url = parse_url("http://[2001:DB8::1]:6333/x");
    CHECK(url.host == "2001:db8::1");
    CHECK(url.port == 6333);
    CHECK(url.text() == "http://[2001:db8::1]:6333/x");
    CHECK(parse_url("http://[::1]").text() == "http://[::1]");
}

TEST_CASE("ports are numbers from 1 to 65535") {
    CHECK(parse_url("http://h:1").port == 1);
    CHECK(parse_url("http://h:65535").port == 65535);
    for (const char* text : {"http://h:0", "http://h:65536", "http://h:", "http://h:80a", "http://h:-1",
                             "http://h:000080", "http://[::1]:", "http://[::1]80"}) {
        CAPTURE(text);
        REQUIRE(refusal(text));
        CHECK(refusal(text)->kind() == ErrorKind::usage);
    }
}

TEST_CASE("what is no URL is a usage error that shows it") {
    for (const char* text :
         {"", "prod", "http:/h", "://h", "1http://h", "ht tp://h", "http://", "http:///path", "http://[::1",
          "http://[nonsense]", "http://h h", "http://h\\x", "http://ho\x01st", "http://h/a b", "http://h/a\nb",
          "http://h/#part", "file://:80/x", "http://[]", "http://h\xc3\xa4"}) {
        CAPTURE(text);
        REQUIRE(refusal(text));
        CHECK(refusal(text)->kind() == ErrorKind::usage);
        CHECK(!refusal(text)->hint().empty());
    }
    CHECK(refusal("prod")->message() == "'prod' is no URL: '://' is missing");
}

TEST_CASE("credentials in a URL are refused and not repeated") {
    for (const char* text :
         {"http://user:hunter2@h:80/x", "http://hunter2@h", "https://h/?api_key=hunter2",
          "https://h/?a=1&API-KEY=hunter2", "https://h/?access_token=hunter2", "https://h/?password=hunter2",
          "https://h/x?X-Amz-Signature=hunter2", "https://h/?key=hunter2", "s3://b/p?secret_access_key=hunter2",
          "http://:hunter2@h", "https://h?token=hunter2", "https://h/?a=1;pwd=hunter2"}) {
        CAPTURE(text);
        const auto error = refusal(text);
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::usage);
        for (const std::string& shown : {error->message(), error->hint()}) {
            CHECK(shown.find("hunter2") == std::string::npos);
        }
        for (const char* way : {"api_key_file", "api_key_env", "api_key_command"}) {
            CHECK(error->hint().find(way) != std::string::npos);
        }
    }
}

TEST_CASE("a malformed URL that may hold a secret is not repeated") {
    for (const char* text :
         {"user:hunter2@h", "http://user:hunter2/x@h", "h?token=hunter2", "http://h:hunter2@x:99999"}) {
        CAPTURE(text);
        REQUIRE(refusal(text));
        CHECK(refusal(text)->message().find("hunter2") == std::string::npos);
    }
}

TEST_CASE("parameters that name a secret without giving one pass") {
    CHECK(parse_url("https://h/?api_key=").query == "api_key=");
    CHECK(parse_url("https://h/?token").query == "token");
    CHECK(parse_url("https://h/?monkey=1&keys=2").query == "monkey=1&keys=2");
}

TEST_CASE("percent-encoding leaves only unreserved characters") {
    CHECK(percent_encode("Az09-._~") == "Az09-._~");
    CHECK(percent_encode("a/b c%\xc3\xa4?&=+") == "a%2Fb%20c%25%C3%A4%3F%26%3D%2B");
    CHECK(percent_encode("..") == "..");
    CHECK(percent_encode(std::string_view("\0", 1)) == "%00");
}
