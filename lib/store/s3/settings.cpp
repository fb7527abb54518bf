// SPDX-License-Identifier: Apache-2.0
#include "store/s3/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace vbackup::store::s3 {

namespace {

constexpr std::string_view scheme = "s3://";
constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz0123456789-";

// The S3 manual's "Bucket naming rules", and the capitals and '_' of older buckets.
bool can_be_bucket(std::string_view name) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    };
    return name.size() >= 3 && name.size() <= 255 && std::all_of(name.begin(), name.end(), good) &&
           name.find("..") == std::string_view::npos && name.front() != '.';
}

std::string first_of(std::initializer_list<std::string> texts) {
    for (const auto& text : texts)
        if (!text.empty()) return text;
    return {};
}

std::string require_address(std::string endpoint) {
    try {
        const Url url = parse_url(endpoint);
        if ((url.scheme == "http" || url.scheme == "https") && url.query.empty()) return url.text();
    } catch (const Error&) {
        // It may hold a password, so nothing of it is repeated.
    }
    throw Error(ErrorKind::configuration, "the endpoint of the bucket is neither an http nor an https address",
                "such as https://minio.example:9000");
}

}  // namespace

BucketUrl parse_bucket_url(std::string_view url) {
    if (url.starts_with(scheme)) url.remove_prefix(scheme.size());
    const auto name = url.substr(0, url.find('/'));
    if (name.find('@') != std::string_view::npos) {
        throw Error(ErrorKind::usage, "the address of a bucket holds no keys",
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them into ~/.aws/credentials");
    }
    if (!can_be_bucket(name)) {
        throw Error(ErrorKind::usage, fmt::format("'{}' is no name of a bucket", one_line(name, 80)),
                    "a bucket is addressed by s3://BUCKET or s3://BUCKET/PREFIX");
    }
    auto rest = url.substr(name.size());
    if (rest.find('?') != std::string_view::npos)
        throw Error(ErrorKind::usage, "the address of a bucket has no '?'", "s3://BUCKET/PREFIX");
    while (rest.starts_with('/')) rest.remove_prefix(1);
    while (rest.ends_with('/')) rest.remove_suffix(1);
    return {std::string(name), rest.empty() ? "" : std::string(rest) + "/"};
}

std::string usual_endpoint_of(std::string_view region) {
    return fmt::format("https://s3.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

Settings settings_of(std::string_view url, const BucketOptions& options, const net::Environment& environment) {
    auto [bucket, prefix] = parse_bucket_url(url);
    const auto profile = net::read_aws_profile(environment, options.profile);
    const auto variable = [&](const char* name) { return net::variable_of(environment, name); };
    Settings settings{.bucket = std::move(bucket), .prefix = std::move(prefix)};
    settings.region = first_of(
        {options.region, variable("AWS_REGION"), variable("AWS_DEFAULT_REGION"), profile.value("region"), "us-east-1"});
    const auto endpoint = first_of({options.endpoint, variable("AWS_ENDPOINT_URL_S3"), variable("AWS_ENDPOINT_URL"),
                                    profile.value("endpoint_url")});
    settings.usual_endpoint = endpoint.empty();
    settings.endpoint = require_address(endpoint.empty() ? usual_endpoint_of(settings.region) : endpoint);
    const bool is_label = settings.bucket.find_first_not_of(lower) == std::string::npos;
    const auto style = first_of({options.addressing, profile.value("s3.addressing_style")});
    settings.path_style = style == "path" || (style != "virtual" && (!settings.usual_endpoint || !is_label));
    settings.ca_file = first_of({options.ca_file, variable("AWS_CA_BUNDLE"), profile.value("ca_bundle")});
    settings.profile = options.profile;
    settings.storage_class = options.storage_class;
    settings.encryption = options.encryption;
    settings.encryption_key = options.encryption_key;
    return settings;
}

}  // namespace vbackup::store::s3
