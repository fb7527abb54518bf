// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "program.hpp"

using namespace vbackup;
using test::Program;

namespace {

struct Case {
    std::vector<std::string> arguments;
    int code;
    std::string message;  // part of what stands on stderr
};

const std::string toy = Program::target;

const std::vector<Case> cases{
    {{"crate", "prod"}, 2, "did you mean 'create'?"},
    {{"frobnicate"}, 2, "there is no verb 'frobnicate'"},
    {{"--frobnicate"}, 2, "there is no option --frobnicate without a verb"},
    {{"create"}, 2, "TARGET is missing"},
    {{"create", ""}, 2, "TARGET is empty"},
    {{"restore", "prod"}, 2, "ID is missing"},
    {{"delete", "prod"}, 2, "ID is missing"},
    {{"list", "prod", "more"}, 2, "'more' is one argument too many for list"},
    {{"create", "prod", "--colection", "x"}, 2, "did you mean '--collection'?"},
    {{"list", "prod", "-x"}, 2, "list has no option -x"},
    {{"list", "prod", "--to", "/x/"}, 2, "list has no option --to"},
    {{"create", "prod", "--collection"}, 2, "--collection needs NAME"},
    {{"create", "prod", "--collection="}, 2, "--collection needs NAME"},
    {{"create", "prod", "--exclude", "--yes"}, 2, "--exclude needs NAME"},
    {{"restore", "prod", "id", "--rename", "a"}, 2, "--rename needs OLD NEW"},
    {{"list", "prod", "--output", "yaml"}, 2, "--output cannot be 'yaml'"},
    {{"create", toy, "--timeout", "soon"}, 2, "--timeout"},
    {{"create", toy, "--stall", "soon"}, 2, "--stall"},
    {{"create", toy, "--parallel", "0"}, 2, "--parallel"},
    {{"create", toy, "--parallel", "many"}, 2, "--parallel"},
    {{"create", toy, "--limit-rate", "fast"}, 2, "--limit-rate: 'fast' is no rate"},
    {{"download", toy, "id", "--limit-rate", "0"}, 2, "--limit-rate"},
    {{"list", toy, "--limit-rate", "1M"}, 2, "list has no option --limit-rate"},
    {{"create", toy, "-o", "unit"}, 2, "-o takes NAME=VALUE"},
    {{"create", toy, "-o", "unit=shard", "-o", "unit=shard"}, 2, "-o unit is given twice"},
    {{"create", toy, "-o", "unti=shard"}, 2, "did you mean unit?"},
    {{"create", toy, "-o", "unit=node"}, 2, "unit=node is none of shard|collection"},
    {{"create", toy, "-o", "level=10"}, 2, "level=10 is no whole number from 1 to 9"},
    {{"list", toy, "-o", "unit=shard"}, 2, "means nothing for list"},
    {{"create", toy, "--to", "/x/y", "--no-wait"}, 2, "exclude each other"},
    {{"create", toy, "--id", "Not an id"}, 2, "cannot be the id of a backup"},
    {{"restore", toy, "id", "--rename", "a", "b", "--rename", "a", "c"}, 2, "names the collection a twice"},
    {{"list", "prod"}, 19, "there is no target 'prod'"},
    {{"list", "My_Target"}, 19, "names of targets are [a-z0-9-]+"},
    {{"list", "@nightly"}, 19, "there is no store"},
    {{"list", "localhost:6333"}, 2, "http://localhost:6333"},
    {{"list", "http://db.example:99999"}, 2, "the port"},
    {{"list", "http://"}, 2, "is no URL"},
    {{"list", "tyo+http://db.example"}, 2, "did you mean toy+http://?"},
    {{"list", "ftp://db.example"}, 2, "no database is addressed by ftp://"},
    {{"list", "toy+ftp://db.example"}, 2, "no database is addressed by"},
    {{"list", "toy://db.example"}, 2, "no database is addressed by"},
    {{"list", "zillis://abc"}, 2, "no database is addressed by zillis://"},
    {{"create", "/some/folder"}, 2, "is a store, and a target is wanted"},
    {{"create", toy, "--to", "plain"}, 2, "'plain' is no store"},
    {{"create", toy, "--to", "s3://b/prefix"}, 2, "'b' is no name of a bucket"},
    {{"create", toy, "--to", "ftp://h/x"}, 2, "no store"},
    {{"create", toy, "--config", "/nowhere/vbackup.toml"}, 19, "/nowhere/vbackup.toml"},
};

}  // namespace

TEST_CASE("bad input is refused with its exit code, a sentence and no output") {
    for (const auto& one : cases) {
        Program program;
        const auto ran = program(one.arguments);
        CAPTURE(one.arguments.front());
        CAPTURE(ran.err);
        CHECK(ran.code == one.code);
        CHECK(ran.err.find(one.message) != std::string::npos);
        CHECK(ran.err.starts_with("vbackup: "));
        CHECK(ran.out.empty());
        CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 1);
        CHECK(program.database.changes.empty());
    }
}

TEST_CASE("under --output json every refusal is one object on stderr") {
    for (auto one : cases) {
        if (std::find(one.arguments.begin(), one.arguments.end(), "--output") != one.arguments.end()) continue;
        Program program;
        one.arguments.insert(one.arguments.begin(), {"--output", "json"});
        const auto ran = program(one.arguments);
        CAPTURE(ran.err);
        CHECK(ran.code == one.code);
        CHECK(ran.out.empty());
        const auto document = nlohmann::json::parse(ran.err);
        CHECK(document.at("version") == 1);
        CHECK(document.at("error").at("exit") == one.code);
        CHECK_FALSE(document.at("error").at("message").get<std::string>().empty());
        CHECK(document.at("error").at("context").is_object());
    }
}

TEST_CASE("a secret in the arguments is refused with 2, and never repeated") {
    const std::vector<std::vector<std::string>> all{{"list", toy, "--api-key", "hunter2"},
                                                    {"list", toy, "--api-key=hunter2"},
                                                    {"list", toy, "--password=hunter2"},
                                                    {"--token", "hunter2", "list", toy},
                                                    {"list", toy, "--apikey", "hunter2"},
                                                    {"list", toy, "--secret=hunter2"},
                                                    {"list", toy, "-o", "api_key=hunter2"},
                                                    {"list", toy, "-otoken=hunter2"},
                                                    {"list", "http://me:hunter2@db.example"},
                                                    {"list", "me:hunter2@db.example:6333"},
                                                    {"list", "http://db.example?api_key=hunter2"},
                                                    {"create", toy, "--to", "s3://me:hunter2@bucket/x"},
                                                    {"frob", "--api-key=hunter2"}};
    for (const auto& arguments : all) {
        for (const bool json : {false, true}) {
            Program program;
            auto words = arguments;
            if (json) words.insert(words.end(), {"--output", "json"});
            const auto ran = program(words);
            CAPTURE(ran.err);
            CHECK(ran.code == 2);
            CHECK((ran.out + ran.err).find("hunter2") == std::string::npos);
            CHECK(ran.err.find("api_key_file") != std::string::npos);
        }
    }
}

TEST_CASE("--output and --config may stand before the verb") {
    Program program;
    const auto ran = program({"--output", "json", "list", program.store()});
    CHECK(ran.code == 0);
    CHECK(nlohmann::json::parse(ran.out).at("backups").empty());
}

TEST_CASE("what follows -- is no option") {
    Program program;
    const auto ran = program({"status", "--", program.store(), "--api-key"});
    CHECK(ran.code == 7);
    CHECK(ran.err.find("there is no backup --api-key") != std::string::npos);
}
