// SPDX-License-Identifier: Apache-2.0
#include "net/aws_credentials.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/program.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "io/digest.hpp"
#include "io/files.hpp"
#include "net/trace.hpp"
#include "net/xml.hpp"

namespace vbackup::net {

namespace {

constexpr Seconds renewed_before = std::chrono::minutes(5);
constexpr Milliseconds patience{60'000};
constexpr std::size_t longest = std::size_t{1} << 20;
constexpr int deepest_chain = 5;

using Found = std::optional<AwsKeys>;

std::string read_named(const std::string& path, std::string_view what) {
    try {
        auto text = io::read_file(io::real_files(), path, longest);
        text.resize(text.find_last_not_of(" \t\r\n") + 1);
        return text;
    } catch (const Error& error) {
        throw Error(ErrorKind::configuration, fmt::format("{} cannot be read: {}", what, error.message()),
                    error.hint());
    }
}

// Everything that one search for keys needs.
struct Search {
    Call& call;
    const Environment& environment;
    const std::string& region;
    const Trace& trace;

    std::string variable(const std::string& name) const { return variable_of(environment, name); }

    Response ask(const std::string& base, Request request, Milliseconds connect = Milliseconds(5'000)) const {
        request.repeatable = true;
        return Http({.base = base, .connect_timeout = connect}, trace).send(call, request);
    }
};

AwsKeys made_of(std::string access, std::string secret, std::string token, std::optional<Moment> expires = {}) {
    return {std::move(access), Secret(std::move(secret)), Secret(std::move(token)), expires};
}

Found from_environment(const Search& search) {
    auto access = search.variable("AWS_ACCESS_KEY_ID");
    auto secret = search.variable("AWS_SECRET_ACCESS_KEY");
    if (access.empty() && secret.empty()) return std::nullopt;
    if (access.empty() || secret.empty()) {
        throw Error(
            ErrorKind::configuration,
            fmt::format("{} is set and {} is not", access.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                        access.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"),
            "set both, or neither");
    }
    return made_of(std::move(access), std::move(secret), search.variable("AWS_SESSION_TOKEN"));
}

std::string sts_base(const Search& search) {
    for (const auto* name : {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"})
        if (auto given = search.variable(name); !given.empty()) return given;
    return fmt::format("https://sts.{}.amazonaws.com", search.region);
}

// What STS answered: AssumeRoleResponse or AssumeRoleWithWebIdentityResponse.
AwsKeys keys_of_role(const Response& answer, const std::string& role) {
    const auto refused = [&](std::string_view why) {
        return Error(ErrorKind::denied,
                     fmt::format("no keys for the role {}: {}", one_line(role, 200), one_line(why, 200)),
                     "see whether the role trusts whoever asks");
    };
    const Xml top = parse_xml(answer.body);
    if (!answer.ok()) {
        const Xml* error = top.child("Error");
        throw refused(error == nullptr ? fmt::format("status {}", answer.status)
                                       : fmt::format("{}: {}", error->text_of("Code"), error->text_of("Message")));
    }
    for (const auto& result : top.children) {
        const Xml* keys = result.child("Credentials");
        if (keys == nullptr || keys->text_of("AccessKeyId").empty()) continue;
        return made_of(std::string(keys->text_of("AccessKeyId")), std::string(keys->text_of("SecretAccessKey")),
                       std::string(keys->text_of("SessionToken")), parse_time(keys->text_of("Expiration")));
    }
    throw refused("the answer holds none");
}

std::string form(const Query& fields) {
    return encode_query(fields);
}

std::string session_of(std::string given) {
    return given.empty() ? "vbackup" : given;
}

AwsKeys by_web_identity(const Search& search, const std::string& role, const std::string& token_file,
                        std::string session) {
    const Secret token(read_named(token_file, "the web identity token"));
    const auto body = form({{"Action", "AssumeRoleWithWebIdentity"},
                            {"Version", "2011-06-15"},
                            {"RoleArn", role},
                            {"RoleSessionName", session_of(std::move(session))},
                            {"WebIdentityToken", std::string(token.reveal())}});
    return keys_of_role(
        search.ask(sts_base(search), {.method = "POST",
                                      .path = "/",
                                      .body = body,
                                      .content_type = "application/x-www-form-urlencoded; charset=utf-8"}),
        role);
}

AwsKeys by_role(const Search& search, const AwsKeys& source, const AwsProfile& profile) {
    const auto role = profile.value("role_arn");
    Query fields{{"Action", "AssumeRole"},
                 {"Version", "2011-06-15"},
                 {"RoleArn", role},
                 {"RoleSessionName", session_of(profile.value("role_session_name"))}};
    if (auto id = profile.value("external_id"); !id.empty()) fields.emplace_back("ExternalId", std::move(id));
    if (auto time = profile.value("duration_seconds"); !time.empty())
        fields.emplace_back("DurationSeconds", std::move(time));
    const auto body = form(fields);
    const auto base = sts_base(search);
    const Url url = parse_url(base);
    const auto host = url.port == 0 ? url.host : fmt::format("{}:{}", url.host, url.port);
    const auto signature = [&] {
        return sign({.method = "POST",
                     .path = "/",
                     .query = {},
                     .headers = {{"host", host}},
                     .payload_sha256 = io::sha256(std::string_view(body))},
                    source, {.region = search.region, .service = "sts"}, search.call.clock.wall());
    };
    return keys_of_role(search.ask(base, {.method = "POST",
                                          .path = "/",
                                          .body = body,
                                          .content_type = "application/x-www-form-urlencoded; charset=utf-8",
                                          .sign = signature}),
                        role);
}

AwsKeys by_command(const Search& search, const std::string& command) {
    const std::array<std::string, 3> words{"/bin/sh", "-c", command};
    const auto result = run_program(words, search.environment, longest, search.call.left(patience), search.call.stop);
    search.call.require_time();
    if (result.end != ProgramResult::End::exited || result.code != 0) {
        throw Error(ErrorKind::denied, "no AWS keys: the profile's credential_process failed",
                    "run it by hand to see why; a login may be due");
    }
    return parse_aws_keys(result.output, "the profile's credential_process");
}

// A container's service is asked over plain HTTP only where nobody can listen.
void require_near(const Url& url) {
    constexpr std::array near{"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost", "::1"};
    const bool listed = std::find(near.begin(), near.end(), url.host) != near.end() || url.host.starts_with("127.");
    if (url.scheme == "https" || listed) return;
    throw Error(ErrorKind::configuration,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this machine or its host");
}

Found from_container(const Search& search) {
    auto address = search.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (const auto relative = search.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); !relative.empty())
        address = "http://169.254.170.2" + relative;
    if (address.empty()) return std::nullopt;
    const Url url = parse_url(address);
    require_near(url);
    Request request{.path = url.path + (url.query.empty() ? "" : "?" + url.query)};
    Secret token(search.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
    if (const auto file = search.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty())
        token = Secret(read_named(file, "the container's authorization token"));
    if (!token.empty()) request.headers.emplace_back("Authorization", std::string(token.reveal()));
    const auto base = address.substr(0, address.find('/', address.find("://") + 3));
    const auto answer = search.ask(base, std::move(request));
    if (!answer.ok())
        throw Error(ErrorKind::denied, fmt::format("the container's credentials: status {}", answer.status));
    return parse_aws_keys(answer.body, "the container's service for credentials");
}

// IMDSv2: a token first. Off Amazon's machines nobody answers at that address.
Found from_instance(const Search& search) {
    if (search.variable("AWS_EC2_METADATA_DISABLED") == "true") return std::nullopt;
    auto base = search.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (base.empty()) base = "http://169.254.169.254";
    const Http service({.base = base, .connect_timeout = Milliseconds(1'000)}, search.trace);
    const auto ask = [&](const std::string& method, const std::string& path, Headers headers) {
        return service.send(
            search.call, {.method = method, .path = path, .headers = std::move(headers), .silence = Seconds(2)}, false);
    };
    const std::string folder = "/latest/meta-data/iam/security-credentials/";
    try {
        const auto token = ask("PUT", "/latest/api/token", {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}});
        if (!token.ok()) return std::nullopt;
        const Headers with{{"X-aws-ec2-metadata-token", token.body}};
        const auto roles = ask("GET", folder, with);
        if (!roles.ok()) return std::nullopt;
        const auto role = roles.body.substr(0, roles.body.find_first_of("\r\n"));
        const auto answer = ask("GET", folder + percent_encode(role), with);
        if (!answer.ok()) return std::nullopt;
        return parse_aws_keys(answer.body, "the instance's metadata service");
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unreachable && error.kind() != ErrorKind::stalled) throw;
        return std::nullopt;
    }
}

Found from_profile(const Search& search, const AwsProfile& profile, int depth);

AwsKeys source_of_role(const Search& search, const AwsProfile& profile, int depth) {
    Found source;
    const auto named = profile.value("credential_source");
    if (const auto other = profile.value("source_profile"); !other.empty()) {
        auto from = read_aws_profile(search.environment, other);
        // A profile that names itself means its own keys.
        if (other == profile.name) from.values.erase("role_arn");
        source = from_profile(search, from, depth + 1);
    } else if (named == "Environment") {
        source = from_environment(search);
    } else if (named == "EcsContainer") {
        source = from_container(search);
    } else if (named == "Ec2InstanceMetadata") {
        source = from_instance(search);
    }
    if (source) return *source;
    throw Error(ErrorKind::configuration,
                fmt::format("the AWS profile '{}' has a role_arn, and no keys to ask for it with", profile.name),
                "name them by source_profile or credential_source");
}

Found from_profile(const Search& search, const AwsProfile& profile, int depth) {
    const auto fail = [&](std::string_view why, const std::string& hint) {
        return Error(ErrorKind::configuration, fmt::format("the AWS profile '{}' {}", profile.name, why), hint);
    };
    if (depth > deepest_chain) throw fail("takes part in a circle of source_profile", "let the last one hold keys");
    if (const auto role = profile.value("role_arn"); !role.empty()) {
        if (const auto file = profile.value("web_identity_token_file"); !file.empty())
            return by_web_identity(search, role, file, profile.value("role_session_name"));
        if (!profile.value("mfa_serial").empty())
            throw fail("asks for a code of a device", "give vbackup a role that needs none");
        return by_role(search, source_of_role(search, profile, depth), profile);
    }
    auto access = profile.value("aws_access_key_id");
    if (auto secret = profile.value("aws_secret_access_key"); !access.empty() && !secret.empty())
        return made_of(std::move(access), std::move(secret), profile.value("aws_session_token"));
    if (const auto command = profile.value("credential_process"); !command.empty()) return by_command(search, command);
    if (!profile.value("sso_session").empty() || !profile.value("sso_start_url").empty())
        throw fail("signs in by SSO, which needs a browser",
                   "let credential_process run `aws configure export-credentials --format process`");
    return std::nullopt;
}

std::string json_text(const YAML::Node& top, const char* key) {
    const auto value = top[key];
    return value.IsDefined() && value.IsScalar() ? value.Scalar() : std::string();
}

}  // namespace

AwsKeys parse_aws_keys(std::string_view text, std::string_view who) {
    try {
        const auto top = YAML::Load(std::string(text));
        if (!top.IsMap()) throw Error(ErrorKind::not_understood, fmt::format("{} gave no JSON object", who));
        auto token = json_text(top, "SessionToken");
        if (token.empty()) token = json_text(top, "Token");
        auto keys = made_of(json_text(top, "AccessKeyId"), json_text(top, "SecretAccessKey"), std::move(token),
                            parse_time(json_text(top, "Expiration")));
        if (keys.access_key.empty() || keys.secret_key.empty())
            throw Error(ErrorKind::denied, fmt::format("{} gave no keys", who));
        return keys;
    } catch (const YAML::Exception&) {
        throw Error(ErrorKind::not_understood, fmt::format("{} gave no JSON", who));
    }
}

AwsCredentials::AwsCredentials(Environment environment, std::string profile, std::string region, Trace trace)
    : environment_(std::move(environment)),
      profile_(std::move(profile)),
      region_(std::move(region)),
      trace_(without_bodies(trace)) {}

AwsKeys AwsCredentials::find(Call& call) const {
    const Search search{call, environment_, region_, trace_};
    if (profile_.empty()) {
        if (auto found = from_environment(search)) return *found;
        const auto role = search.variable("AWS_ROLE_ARN");
        const auto token_file = search.variable("AWS_WEB_IDENTITY_TOKEN_FILE");
        if (!role.empty() && !token_file.empty())
            return by_web_identity(search, role, token_file, search.variable("AWS_ROLE_SESSION_NAME"));
    }
    if (auto found = from_profile(search, read_aws_profile(environment_, profile_), 0)) return *found;
    if (auto found = from_container(search)) return *found;
    if (auto found = from_instance(search)) return *found;
    throw Error(ErrorKind::configuration, "there are no AWS credentials",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them into ~/.aws/credentials");
}

AwsKeys AwsCredentials::keys(Call& call) {
    const std::scoped_lock lock(mutex_);
    const auto now = call.clock.wall();
    if (found_ && (!found_->expires || now + renewed_before < *found_->expires)) return *found_;
    try {
        found_ = find(call);
    } catch (const Error& error) {
        const bool lasts = found_ && found_->expires && now < *found_->expires;
        if (!lasts || error.kind() == ErrorKind::interrupted || error.kind() == ErrorKind::deadline) throw;
    }
    return *found_;
}

void AwsCredentials::forget(const AwsKeys& used) {
    const std::scoped_lock lock(mutex_);
    const bool same = found_ && found_->access_key == used.access_key &&
                      found_->session_token.reveal() == used.session_token.reveal();
    if (same) found_.reset();
}

}  // namespace vbackup::net
