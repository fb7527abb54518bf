// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace vbackup::net {

using Environment = std::map<std::string, std::string>;

// What the shared files of the AWS tools say of one profile: ~/.aws/config (AWS_CONFIG_FILE) under [profile NAME] or [default],
// and ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE) under [NAME], which counts before. Settings inside another one are
// called such as "s3.addressing_style".
struct AwsProfile {
    std::string name;
    bool found = false;  // in one of the files
    std::map<std::string, std::string> values;

    std::string value(const std::string& key) const;  // "" for none
};

// The profile `named`, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default". Error{configuration} when one that is named
// is in neither file, and for a file that is there and cannot be read. A missing file is none.
AwsProfile read_aws_profile(const Environment& environment, const std::string& named);

// The sections of such a file, each with its settings. Lines that make no sense are passed over, as the AWS tools do.
std::map<std::string, std::map<std::string, std::string>> parse_aws_file(std::string_view text);

// A variable's value; "" when it is not set.
std::string variable_of(const Environment& environment, const std::string& name);

}  // namespace vbackup::net
