// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/call.hpp"
#include "net/aws_profile.hpp"
#include "net/http.hpp"
#include "net/sigv4.hpp"

namespace vbackup::net {

// The keys of whoever asks, found where the AWS tools look for them, in this order ("Configuration settings and credential
// file settings" and "Credential provider chain" of the AWS SDKs reference guide):
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, unless a profile is named for the store
//   2. AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE, by STS
//   3. the profile: role_arn (with web_identity_token_file, source_profile or credential_source), keys, credential_process
//   4. a container's: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI
//   5. an instance's (IMDSv2), unless AWS_EC2_METADATA_DISABLED
// AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL and AWS_EC2_METADATA_SERVICE_ENDPOINT move the services. Profiles of SSO and with
// multi-factor authentication are refused: they need a person. Thread-safe.
class AwsCredentials {
public:
    // `profile` is what the configuration names, or empty.
    AwsCredentials(Environment environment, std::string profile, std::string region, Trace trace = {});

    // What was found, had anew five minutes before it expires. Error{configuration} when there are none, Error{denied} when
    // who gives them refuses. No error holds any of them. What cannot be renewed is used until it has expired.
    AwsKeys keys(Call& call);
    // The service says that these have expired: `keys` has others looked for, unless that was done meanwhile.
    void forget(const AwsKeys& used);

private:
    AwsKeys find(Call& call) const;

    const Environment environment_;
    const std::string profile_;
    const std::string region_;
    const Trace trace_;
    std::mutex mutex_;
    std::optional<AwsKeys> found_;
};

// What container and instance services and credential commands answer: a JSON object with AccessKeyId, SecretAccessKey, Token
// or SessionToken, Expiration. `who` names them in errors, which hold nothing of the text. Error{denied} when it is an
// object without keys, Error{not_understood} when it is no JSON.
AwsKeys parse_aws_keys(std::string_view text, std::string_view who);

}  // namespace vbackup::net
