// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"

#include "scratch.hpp"

using namespace vbackup;
using namespace vbackup::config;
using test::refusal;

namespace {

constexpr std::string_view full = R"(
store = "@nightly"

[targets.prod]
url = "qdrant+https://node-0.example:6333"
driver = "qdrant"
nodes = ["https://node-1.example:6333", "https://[::1]:6333"]
api_key_file = "keys/prod.key"
ca_file = "/etc/ssl/own-ca.pem"
client_cert_file = "../client.pem"
client_key_file = "client.key"
options = { unit = "shard", parts = 3, fast = true }
base_url = "https://control.example"
kubeconfig = "kubeconfig"
context = "prod"
store = "backups"

[targets.test-2]
url = "http://localhost:8080"
api_key_env = "TEST_KEY"
store = "s3://bucket/test"

[targets.third]
url = "http://localhost:8081"
api_key_command = "pass show third | head -n 1"

[stores.nightly]
url = "s3://bucket/prefix"
endpoint = "https://minio.example:9000"
region = "eu-west-1"
profile = "backup"
addressing = "virtual"
ca_file = "minio.pem"
storage_class = "STANDARD_IA"
encryption = "aws:kms"
kms_key = "alias/backup"
passphrase_file = "nightly.pass"

[stores.disk]
url = "/var/backups"

[journal]
store = "@disk"

[defaults]
timeout = "12h"
stall = "90"
parallel = 8
limit_rate = "1.5M"
)";

// A whole file around the lines of one target.
std::string target(const std::string& lines) {
    return "[targets.a]\nurl = \"http://h\"\n" + lines + "\n";
}

std::optional<Error> reading(const std::string& text) {
    const test::Scratch scratch;
    const auto file = scratch.write("vbackup.toml", text);
    auto error = refusal([&file] { load(file); });
    if (error) CHECK(test::context(*error, "file") == file.string());
    return error;
}

void check_refused(const std::string& text, const std::string& message, const std::string& line,
                   const std::string& hint = "") {
    CAPTURE(text);
    const auto error = reading(text);
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::configuration);
    CHECK_MESSAGE(error->message().find(message) != std::string::npos, error->message());
    CHECK_MESSAGE(error->hint().find(hint) != std::string::npos, error->hint());
    CHECK(test::context(*error, "line") == line);
    CHECK(test::context(*error, "column") != "");
}

}  // namespace

TEST_CASE("a full configuration is read into values") {
    const test::Scratch scratch;
    const auto file = scratch.write("etc/vbackup.toml", full);
    const std::string folder = file.parent_path().string();
    const Config config = load(file);
    CHECK(config.path == file);
    CHECK(config.store == "@nightly");
    CHECK(config.journal_store == "@disk");
    CHECK(config.defaults.timeout == std::chrono::hours(12));
    CHECK(config.defaults.stall == Seconds(90));
    CHECK(config.defaults.parallel == 8);
    CHECK(config.defaults.limit_rate == 3 << 19);
    REQUIRE(config.targets.size() == 3);
    const TargetConfig& prod = config.require_target("prod");
    CHECK(prod.name == "prod");
    CHECK(prod.url == "qdrant+https://node-0.example:6333");
    CHECK(prod.driver == "qdrant");
    CHECK(prod.nodes == std::vector<std::string>{"https://node-1.example:6333", "https://[::1]:6333"});
    CHECK(prod.api_key_file == folder + "/keys/prod.key");
    CHECK(prod.ca_file == "/etc/ssl/own-ca.pem");
    CHECK(prod.client_cert_file == (scratch.path() / "client.pem").string());
    CHECK(prod.client_key_file == folder + "/client.key");
    CHECK(prod.options == std::map<std::string, std::string>{{"fast", "true"}, {"parts", "3"}, {"unit", "shard"}});
    CHECK(prod.base_url == "https://control.example");
    CHECK(prod.kubeconfig == folder + "/kubeconfig");
    CHECK(prod.context == "prod");
    CHECK(prod.store == folder + "/backups");
    CHECK(config.require_target("test-2").api_key_env == "TEST_KEY");
    CHECK(config.require_target("test-2").store == "s3://bucket/test");
    CHECK(config.require_target("third").api_key_command == "pass show third | head -n 1");
    CHECK(config.require_target("third").api_key_file.empty());
    REQUIRE(config.stores.size() == 2);
    CHECK(config.require_store("nightly").name == "nightly");
    CHECK(config.require_store("nightly").url == "s3://bucket/prefix");
    CHECK(config.require_store("nightly").endpoint == "https://minio.example:9000");
    CHECK(config.require_store("nightly").region == "eu-west-1");
    CHECK(config.require_store("nightly").profile == "backup");
    CHECK(config.require_store("nightly").addressing == "virtual");
    CHECK(config.require_store("nightly").ca_file == folder + "/minio.pem");
    CHECK(config.require_store("nightly").storage_class == "STANDARD_IA");
    CHECK(config.require_store("nightly").encryption == "aws:kms");
    CHECK(config.require_store("nightly").kms_key == "alias/backup");
    CHECK(config.require_store("nightly").passphrase_file == folder + "/nightly.pass");
    CHECK(config.require_store("nightly").key_file.empty());
    CHECK(config.require_store("disk").url == "/var/backups");
}

TEST_CASE("an empty file and no file are an empty configuration") {
    const test::Scratch scratch;
    const auto file = scratch.write("vbackup.toml", "");
    CHECK(load(file).targets.empty());
    CHECK_FALSE(load(file).defaults.parallel);
    CHECK(load(file.string(), {}).path == file);
    CHECK(load("", {{"VBACKUP_CONFIG", file.string()}}).path == file);
}

TEST_CASE("a file that cannot be read is an error") {
    const test::Scratch scratch;
    const auto folder = refusal([&] { load(scratch.path()); });
    REQUIRE(folder);
    CHECK(folder->kind() == ErrorKind::configuration);
    CHECK(folder->message().find("directory") != std::string::npos);
    const auto missing = refusal([&] { load(scratch.path() / "missing.toml"); });
    REQUIRE(missing);
    CHECK(missing->kind() == ErrorKind::configuration);
    CHECK(missing->message().find("No such file") != std::string::npos);
    const auto endless = refusal([] { load("/dev/zero"); });
    REQUIRE(endless);
    CHECK(endless->message().find("1 MiB") != std::string::npos);
}

TEST_CASE("what is no TOML is refused with its place") {
    check_refused("store = \"/a/b\"\n[targets", "no TOML", "2");
    check_refused("a = 1\na = 2\n", "no TOML", "2");
    check_refused("store = /var/backups\n", "no TOML", "1");
}

TEST_CASE("unknown keys are refused with what could have been meant") {
    check_refused("\nstroe = \"/a/b\"\n", "'stroe' is not known", "2", "did you mean 'store'?");
    check_refused("[target.a]\nurl = \"http://h\"\n", "'target' is not known", "1", "did you mean 'targets'?");
    check_refused(target("api_key_fil = \"x\""), "'targets.a.api_key_fil' is not known", "3",
                  "did you mean 'api_key_file'?");
    check_refused(target("colour = \"blue\""), "'targets.a.colour' is not known", "3", "known are: api_key_command");
    check_refused("[stores.a]\nurl = \"/a/b\"\nendpiont = \"http://h\"\n", "'stores.a.endpiont'", "3", "'endpoint'");
    check_refused("[defaults]\nparalel = 2\n", "'defaults.paralel'", "2", "'parallel'");
    check_refused("[journal]\nstores = \"/a\"\n", "'journal.stores'", "2", "'store'");
}

TEST_CASE("wrong types are named") {
    check_refused("store = 7\n", "'store' is a whole number where text belongs", "1");
    check_refused("targets = \"a\"\n", "'targets' is text where a table belongs", "1");
    check_refused("[targets]\na = \"http://h\"\n", "'targets.a' is text where a table belongs", "2");
    check_refused("[[targets.a]]\nurl = \"http://h\"\n", "'targets.a' is a list where a table belongs", "1");
    check_refused(target("nodes = \"http://h\""), "'targets.a.nodes' is text where a list of texts belongs", "3");
    check_refused(target("nodes = [\"http://h\",\n 5]"), "'targets.a.nodes' is a whole number where text belongs", "4");
    check_refused(target("ca_file = true"), "'targets.a.ca_file' is true or false where text belongs", "3");
    check_refused(target("options = []"), "'targets.a.options' is a list where a table belongs", "3");
    check_refused(target("options = { a = 1.5 }"), "'targets.a.options.a' is a number with a fraction", "3");
    check_refused(target("context = 2026-11-21"), "'targets.a.context' is a time where text belongs", "3");
    check_refused("[defaults]\nparallel = \"4\"\n", "'defaults.parallel' is text where a whole number belongs", "2");
    check_refused("[defaults]\ntimeout = 90\n", "'defaults.timeout' is a whole number where text belongs", "2");
}

TEST_CASE("values that make no sense are refused") {
    check_refused("[targets.Prod]\nurl = \"http://h\"\n", "'Prod' is no name", "1", "a-z");
    check_refused("[targets.\"a b\"]\nurl = \"http://h\"\n", "'a b' is no name", "1");
    check_refused("[stores.\"\"]\nurl = \"/a\"\n", "'' is no name", "1");
    check_refused("[targets.a]\n", "'targets.a.url' is missing", "1");
    check_refused("[stores.a]\n", "'stores.a.url' is missing", "1");
    check_refused("[targets.a]\nurl = \"h:6333\"\n", "'targets.a.url' is wrong", "2");
    check_refused(target("nodes = [\"http://h:0\"]"), "'targets.a.nodes' is wrong", "3");
    check_refused(target("store = \"@nightly\""), "'targets.a.store' names a store that is not there", "3",
                  "has no stores");
    check_refused("store = \"@nigthly\"\n[stores.nightly]\nurl = \"/a\"\n", "'store' names a store", "1", "'nightly'");
    check_refused("[stores.a]\nurl = \"s3://bucket\"\naddressing = \"host\"\n", "neither path nor virtual", "3");
    check_refused("[stores.a]\nurl = \"@b\"\n", "names another store", "2");
    check_refused(target("ca_file = \"\""), "'targets.a.ca_file' is empty", "3");
    check_refused(target("ca_file = \"~/ca.pem\""), "begins with '~'", "3", "whole path");
    check_refused(target("context = \"a\\u0007\""), "control character", "3");
    check_refused(target("client_cert_file = \"c.pem\""), "is there alone", "3", "client_key_file");
    check_refused(target("client_key_file = \"c.key\""), "is there alone", "3");
    check_refused("[defaults]\nparallel = 0\n", "from 1 to 64", "2");
    check_refused("[defaults]\nlimit_rate = \"fast\"\n", "'defaults.limit_rate' is wrong", "2", "10M");
    check_refused("[defaults]\nparallel = 65\n", "from 1 to 64", "2");
    check_refused("[defaults]\nstall = \"soon\"\n", "'defaults.stall' is wrong", "2", "30m");
    check_refused(target("api_key_file = \"k\"\napi_key_env = \"K\""), "not the only place", "3", "keep one");
    check_refused(target("api_key_env = \"K\"\napi_key_command = \"k\""), "not the only place", "3");
}

TEST_CASE("a secret in the file is refused, with the safe ways and without the secret") {
    for (const std::string& text :
         {target("api_key = \"hunter2secret\""), target("API-Key = \"hunter2secret\""),
          target("token = \"hunter2secret\""), target("password = \"hunter2secret\""),
          std::string("api_key = \"hunter2secret\"\n"),
          std::string("[stores.a]\nurl = \"/a\"\nsecret_access_key = \"hunter2secret\"\n"),
          target("options = { password = \"hunter2secret\" }"),
          std::string("[targets.a]\nurl = \"https://u:hunter2secret@h\"\n"),
          std::string("[targets.a]\nurl = \"https://h?api_key=hunter2secret\"\n"),
          target("nodes = [\"https://hunter2secret@h\"]"), std::string("store = \"s3://id:hunter2secret@bucket\"\n")}) {
        CAPTURE(text);
        const auto error = reading(text);
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::configuration);
        CHECK(test::everything(*error).find("hunter2") == std::string::npos);
        for (const char* way : {"api_key_file", "api_key_env", "api_key_command"}) {
            CHECK_MESSAGE(error->hint().find(way) != std::string::npos, error->hint());
        }
    }
}

TEST_CASE("a secret is not repeated when the file is no TOML") {
    for (const char* line : {"api_key = hunter2secret", "api_key = \"hunter2secret", "api_key = 'hunter2secret\n",
                             "hunter2secret", "api_key = \"hunter2secret\" x", "api_key = 99999999999999999999777",
                             "api_key = true2hunter2secret", "api_key = 0xhunter2secret", "api_key = [hunter2secret]",
                             "hunter2secret = 1\nhunter2secret = 2", "[hunter2secret]\n[hunter2secret]"}) {
        CAPTURE(line);
        const auto error = reading(line);
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::configuration);
        CHECK_MESSAGE(test::everything(*error).find("hunter2") == std::string::npos, test::everything(*error));
        CHECK_MESSAGE(test::everything(*error).find("99999777") == std::string::npos, test::everything(*error));
    }
}

TEST_CASE("a target or a store that is not there is named, with what could have been meant") {
    Config config;
    config.targets["prod"].name = "prod";
    config.stores["nightly"].name = "nightly";
    CHECK(config.target("prod") != nullptr);
    CHECK(config.target("other") == nullptr);
    CHECK(config.find_store("nightly") != nullptr);
    const auto error = refusal([&config] { config.require_target("prdo"); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::configuration);
    CHECK(error->message() == "there is no target 'prdo'");
    CHECK(error->hint() == "did you mean 'prod'?");
    const auto other = refusal([&config] { config.require_target("staging-7"); });
    REQUIRE(other);
    CHECK(other->hint() == "there are: prod");
    const auto store = refusal([&config] { config.require_store("nigthly"); });
    REQUIRE(store);
    CHECK(store->message() == "there is no store '@nigthly'");
    CHECK(store->hint() == "did you mean 'nightly'?");
}

TEST_CASE("a key that leads tens of thousands of tables deep is refused, and does not end the process") {
    std::string deep = "a";
    for (int i = 0; i < 60'000; ++i) deep += ".a";
    for (const auto& text : {"[" + deep + "]\n", deep + " = 1\n"}) {
        const auto error = reading(text);
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::configuration);
        CHECK(error->message() == "a line has more than 1000 dots");
    }
}

TEST_CASE("names") {
    CHECK(is_name("prod-2"));
    for (const char* text : {"", "Prod", "a b", "a_b", "a/b", "ä", "a."}) CHECK_FALSE(is_name(text));
}
