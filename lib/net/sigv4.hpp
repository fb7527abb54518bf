// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "net/http.hpp"

namespace vbackup::net {

// AWS Signature Version 4, as the manuals "Signature Version 4 signing process" and "Authenticating Requests (Amazon S3)"
// describe it. Pure functions.

// Who asks.
struct AwsKeys {
    std::string access_key;
    Secret secret_key;
    Secret session_token;           // empty: the keys are lasting ones
    std::optional<Moment> expires;  // empty: they do not
};

struct SigningScope {
    std::string region;
    std::string service = "s3";
};

// Names and values, not encoded.
using Query = std::vector<std::pair<std::string, std::string>>;

// The request as it is signed. All `headers` are signed; "host" must be among them. `path` is encoded as it is sent.
struct Signable {
    std::string method;
    std::string path;
    Query query;
    Headers headers;
    std::string payload_sha256;  // hex of the body
};

// The hash of no body.
inline constexpr std::string_view empty_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// A key of an object as a path: everything but unreserved characters and '/' becomes %XX. Begins with '/'.
std::string encode_key(std::string_view key);
// Encoded and sorted as it is signed and sent: "a=1&b="; "" for none.
std::string encode_query(const Query& query);

// What is to be sent besides `request.headers`: Authorization, x-amz-date, x-amz-content-sha256 (of S3 alone) and, for keys
// that expire, x-amz-security-token.
Headers sign(const Signable& request, const AwsKeys& keys, const SigningScope& scope, Moment now);

// The query that makes an address which anybody may use for `lifetime`, at most 7 days, with that method: to be sent behind
// '?'. The body is not signed.
std::string presign(const Signable& request, const AwsKeys& keys, const SigningScope& scope, Moment now,
                    Seconds lifetime);

}  // namespace vbackup::net
