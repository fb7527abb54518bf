// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/aws_profile.hpp"
#include "store/store.hpp"

namespace vbackup::store::s3 {

// "s3://bucket/prefix" taken apart, as it is written: nothing in it is decoded.
struct BucketUrl {
    std::string bucket;
    std::string prefix;  // of all keys: "" or ends with '/'
};

// Throws Error{usage} for what no bucket can be called, and for a '?'.
BucketUrl parse_bucket_url(std::string_view url);

// Where and how a bucket is asked.
struct Settings {
    std::string bucket;
    std::string prefix;
    std::string endpoint;         // "https://s3.eu-west-1.amazonaws.com", without the bucket
    bool usual_endpoint = false;  // Amazon's own: it goes with the region
    std::string region;
    bool path_style = false;  // https://endpoint/bucket/key instead of https://bucket.endpoint/key
    std::string ca_file;
    std::string profile;
    std::string storage_class;
    std::string encryption;
    std::string encryption_key;
};

// From the configuration, the environment (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION,
// AWS_CA_BUNDLE) and the profile (endpoint_url, region, ca_bundle, s3.addressing_style), in this order; the region is
// us-east-1 when nobody says otherwise. Path style is usual with endpoints other than Amazon's, and with buckets that are no
// single label of a name, since no certificate covers those. Error{configuration} for an endpoint that is no address.
Settings settings_of(std::string_view url, const BucketOptions& options, const net::Environment& environment);

// Amazon's endpoint of a region.
std::string usual_endpoint_of(std::string_view region);

}  // namespace vbackup::store::s3
