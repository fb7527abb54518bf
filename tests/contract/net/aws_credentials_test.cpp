// SPDX-License-Identifier: Apache-2.0
#include "net/aws_credentials.hpp"

#include <fstream>

#include "base/text.hpp"
#include "contract/net/fixture.hpp"
#include "net/xml.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::test;
using net::AwsCredentials;
using net::Environment;

namespace {

const std::string hour_later = "2026-11-21T08:47:00Z";  // the fake clock begins at 07:47

std::string keys_json(const std::string& access, const std::string& expires) {
    return R"({"Code":"Success","AccessKeyId":")" + access +
           R"(","SecretAccessKey":"hunter2","Token":"tok","Expiration":")" + expires + "\"}";
}

std::string role_xml(const std::string& verb, const std::string& access) {
    return "<" + verb + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + verb +
           "Result><Credentials><AccessKeyId>" + access +
           "</AccessKeyId><SecretAccessKey>hunter2</SecretAccessKey><SessionToken>tok</SessionToken><Expiration>" +
           hour_later + "</Expiration></Credentials></" + verb + "Result></" + verb + "Response>";
}

struct Clouds : Fixture {
    TemporaryFolder home;
    Environment environment{{"HOME", home.path().string()},
                            {"PATH", "/usr/bin:/bin"},
                            {"AWS_EC2_METADATA_DISABLED", "true"},
                            {"AWS_ENDPOINT_URL_STS", server.base()}};

    void write(const std::string& name, const std::string& text) const {
        std::filesystem::create_directories(home / ".aws");
        std::ofstream(home / ".aws" / name) << text;
    }
    AwsCredentials credentials(const std::string& profile = {}) { return {environment, profile, "eu-west-1", trace()}; }
    std::string access(const std::string& profile = {}) {
        AwsCredentials all(environment, profile, "eu-west-1", trace());
        return all.keys(call).access_key;
    }
    Error refusal(const std::string& profile = {}) {
        return error_of([&] { return access(profile); });
    }
};

}  // namespace

TEST_CASE_FIXTURE(Clouds, "the environment comes first, but not before a profile that the store names") {
    write("credentials",
          "[default]\naws_access_key_id = D\naws_secret_access_key = d\n[work]\naws_access_key_id=W\n"
          "aws_secret_access_key=w\naws_session_token = t=t\n");
    CHECK(access() == "D");
    environment["AWS_ACCESS_KEY_ID"] = "E";
    CHECK(refusal().kind() == ErrorKind::configuration);
    environment["AWS_SECRET_ACCESS_KEY"] = "e";
    CHECK(access() == "E");
    CHECK(access("work") == "W");
    environment.erase("AWS_ACCESS_KEY_ID");
    environment.erase("AWS_SECRET_ACCESS_KEY");
    environment["AWS_PROFILE"] = "work";
    AwsCredentials all(environment, "", "eu-west-1");
    CHECK(all.keys(call).session_token.reveal() == "t=t");
    CHECK(refusal("wokr").message().find("wokr") != std::string::npos);
}

TEST_CASE_FIXTURE(Clouds, "the credentials file counts before the config file, and both may lie elsewhere") {
    write("c1",
          "# x\n[profile work]\nregion = eu-north-1\naws_access_key_id = C\naws_secret_access_key = c\ns3 =\n  "
          "addressing_style = path\nendpoint_url = http://e\n");
    write("c2", "[work]\naws_access_key_id = K\naws_secret_access_key = k\n");
    environment["AWS_CONFIG_FILE"] = "~/.aws/c1";
    CHECK(access("work") == "C");
    environment["AWS_SHARED_CREDENTIALS_FILE"] = (home / ".aws/c2").string();
    CHECK(access("work") == "K");
    const auto profile = net::read_aws_profile(environment, "work");
    CHECK(profile.value("region") == "eu-north-1");
    CHECK(profile.value("s3.addressing_style") == "path");
    CHECK(profile.value("endpoint_url") == "http://e");
}

TEST_CASE_FIXTURE(Clouds, "nothing anywhere is said") {
    CHECK(refusal().kind() == ErrorKind::configuration);
    CHECK(refusal().hint().find("AWS_ACCESS_KEY_ID") != std::string::npos);
    CHECK(server.requests().empty());
}

TEST_CASE_FIXTURE(Clouds, "a credential_process is run and its failure told, never its output") {
    write("config",
          "[profile p]\ncredential_process = printf '%s' '{\"Version\":1,\"AccessKeyId\":\"P\","
          "\"SecretAccessKey\":\"s\"}'\n[profile bad]\ncredential_process = echo hunter2; exit 3\n"
          "[profile odd]\ncredential_process = echo '[hunter2'\n[profile sso]\nsso_session = x\n");
    CHECK(access("p") == "P");
    CHECK(refusal("bad").kind() == ErrorKind::denied);
    CHECK(refusal("odd").kind() == ErrorKind::not_understood);
    CHECK(refusal("odd").message().find("hunter2") == std::string::npos);
    CHECK(refusal("sso").hint().find("credential_process") != std::string::npos);
}

TEST_CASE_FIXTURE(Clouds, "a web identity's token is exchanged at STS") {
    write("token", "to+ken\n");
    environment["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/r";
    environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = (home / ".aws/token").string();
    std::vector<Answer> answers{{.status = 503}, {.body = role_xml("AssumeRoleWithWebIdentity", "R")}};
    server.on("POST", "/", Responder([&](const HttpRequest&) {
                  const auto next = answers.front();
                  if (answers.size() > 1) answers.erase(answers.begin());
                  return next;
              }));
    CHECK(access() == "R");
    CHECK(server.requests().back().body ==
          "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=vbackup&Version="
          "2011-06-15&WebIdentityToken=to%2Bken");
    answers = {
        {.status = 403,
         .body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"}};
    CHECK(refusal().kind() == ErrorKind::denied);
    CHECK(refusal().message().find("AccessDenied: no") != std::string::npos);
}

TEST_CASE_FIXTURE(Clouds, "a role is asked for with the keys of another profile, signed") {
    write("config",
          "[profile r]\nrole_arn = arn:r\nsource_profile = base\nexternal_id = x y\n[profile base]\n"
          "aws_access_key_id = B\naws_secret_access_key = b\n[profile a]\nrole_arn = arn:a\nsource_profile = c\n"
          "[profile c]\nrole_arn = arn:c\nsource_profile = a\n[profile m]\nrole_arn=arn:m\nmfa_serial=1\n");
    server.on("POST", "/", {.body = role_xml("AssumeRole", "R")});
    CHECK(access("r") == "R");
    const auto seen = server.requests().back();
    CHECK(seen.body.find("ExternalId=x%20y") != std::string::npos);
    CHECK(seen.header("authorization").find("Credential=B/20261121/eu-west-1/sts/aws4_request") != std::string::npos);
    CHECK(refusal("a").message().find("circle") != std::string::npos);
    CHECK(refusal("m").kind() == ErrorKind::configuration);
}

TEST_CASE_FIXTURE(Clouds, "a container's service is asked with its token, and only where nobody listens") {
    write("token", "secret-token\n");
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.base() + "/get?id=1";
    environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = (home / ".aws/token").string();
    server.on("GET", "/get", {.body = keys_json("C", hour_later)});
    CHECK(access() == "C");
    CHECK(server.requests().back().query == "id=1");
    CHECK(server.requests().back().header("authorization") == "secret-token");
    CHECK_FALSE(traced("secret-token"));
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/get";
    CHECK(refusal().kind() == ErrorKind::configuration);
}

TEST_CASE_FIXTURE(Clouds, "an instance's service is asked last, and one that is not there is no error of its own") {
    environment.erase("AWS_EC2_METADATA_DISABLED");
    environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server.base();
    const std::string folder = "/latest/meta-data/iam/security-credentials/";
    Answer token{.body = "tt"};
    server.on("PUT", "/latest/api/token", Responder([&](const HttpRequest&) { return token; }));
    server.on("GET", folder, {.body = "my role"});
    server.on("GET", folder + "my%20role", {.body = keys_json("I", hour_later)});
    CHECK(access() == "I");
    CHECK(server.requests().back().header("x-aws-ec2-metadata-token") == "tt");
    token.fault = Fault::reset;
    CHECK(refusal().message() == "there are no AWS credentials");
}

TEST_CASE_FIXTURE(Clouds, "keys are had anew before they expire, and at once when they are said to have expired") {
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server.base() + "/get";
    server.on("GET", "/get", {.body = keys_json("one", hour_later)});
    server.on("GET", "/get", {.body = keys_json("two", "2026-11-21T09:47:00Z")});
    server.on("GET", "/get", {.status = 403});
    AwsCredentials all(environment, "", "eu-west-1");
    const auto first = all.keys(call);
    CHECK(first.access_key == "one");
    clock.advance(std::chrono::minutes(54));
    CHECK(all.keys(call).access_key == "one");
    clock.advance(std::chrono::minutes(2));
    CHECK(all.keys(call).access_key == "two");
    all.forget(first);  // somebody who still used the old ones
    CHECK(all.keys(call).access_key == "two");
    CHECK(server.requests().size() == 2);
    clock.advance(std::chrono::minutes(58));
    CHECK(all.keys(call).access_key == "two");  // not renewed, but good for two minutes
    all.forget(all.keys(call));
    CHECK(error_of([&] { return all.keys(call); }).kind() == ErrorKind::denied);
}

TEST_CASE("XML is read as far as answers need it, and refused when it is none") {
    const auto top =
        net::parse_xml(" \n<?xml version=\"1.0\"?><a xmlns=\"u\" x='1'><s:b>t&amp;<![CDATA[<]]></s:b><c/></a>");
    CHECK(top.name == "a");
    CHECK(top.text_of("b") == "t&<");
    CHECK(top.child("c") != nullptr);
    CHECK(top.child("d") == nullptr);
    std::string deep;
    for (int i = 0; i < 40; ++i) deep += "<a>";
    for (int i = 0; i < 40; ++i) deep += "</a>";
    for (const std::string& bad : {std::string(), std::string("{}"), std::string("<a>"), std::string("<a></b>"), deep})
        CHECK(error_of([&] { return net::parse_xml(bad); }).kind() == ErrorKind::not_understood);
}
