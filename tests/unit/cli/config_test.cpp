// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "golden.hpp"
#include "program.hpp"

using namespace vbackup;
using test::Program;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void write(const Program& program, const std::string& name, const std::string& text, mode_t mode) {
    std::ofstream(program.folder / name) << text;
    REQUIRE(::chmod((program.folder / name).c_str(), mode) == 0);
}

}  // namespace

TEST_CASE("config show says who said each value: flag, variable, file and line, default") {
    Program program;
    program.configure(
        "store = \"/s/t\"\n[defaults]\nstall = \"1h\"\n[targets.prod]\nurl = \"toy+http://db:1\"\nretention = \"7d\"\n"
        "ping_url = \"https://hc.example/canary-secret\"\n");
    program.environment["VBACKUP_PARALLEL"] = "6";
    const auto ran = program({"config", "show", "--timeout", "5m"});
    CHECK(ran.code == 0);
    CHECK(ran.err.empty());
    CHECK_FALSE(has(ran.out, "canary"));
    const auto json = program({"config", "show", "--timeout", "5m", "--output", "json"});
    CHECK_FALSE(has(json.out, "canary"));
    std::map<std::string, nlohmann::json> all;
    const auto document = nlohmann::json::parse(json.out);
    for (const auto& one : document["settings"]) all[one["key"]] = one;
    CHECK(all.at("targets.prod.timeout")["from"] == "flag");
    CHECK(all.at("targets.prod.timeout")["value"] == "5m");
    CHECK(all.at("targets.prod.parallel")["from"] == "environment");
    CHECK(all.at("targets.prod.parallel")["name"] == "VBACKUP_PARALLEL");
    CHECK(all.at("targets.prod.stall")["line"] == 3);
    CHECK(all.at("targets.prod.stall")["through"] == "defaults.stall");
    CHECK(all.at("targets.prod.retention")["line"] == 6);
    CHECK(all.at("targets.prod.verify")["from"] == "default");
    CHECK(all.at("targets.prod.ping_url")["value"] == "***");
    auto text = ran.out;
    for (auto at = text.find(program.folder.path().string()); at != std::string::npos;
         at = text.find(program.folder.path().string()))
        text.replace(at, program.folder.path().string().size(), "~");
    test::require_golden("config-show.txt", text);
}

TEST_CASE("config check finds everything at once and is 19") {
    Program program;
    write(program, "open.key", "k\n", 0644);
    program.configure("[targets.prod]\nurl = \"toy+http://db:1\"\napi_key_file = \"" +
                      (program.folder / "missing.key").string() +
                      "\"\nretenton = \"7d\"\n[targets.test]\nurl = \"toy+http://db:2\"\noptions = { unti = \"a\" }\n"
                      "[targets.open]\nurl = \"toyy+http://db:3\"\napi_key_file = \"" +
                      (program.folder / "open.key").string() + "\"\n");
    REQUIRE(::chmod((program.folder / ".config/vbackup/vbackup.toml").c_str(), 0620) == 0);
    const auto ran = program({"config", "check"});
    CHECK(ran.code == 19);
    for (const auto* part :
         {"'targets.prod.retenton'", "did you mean 'retention'?", "No such file", "option unti", "toyy+http://",
          "api_key_file can be read by other users", "can be changed by other users"})
        CHECK_MESSAGE(has(ran.out, part), part << " in " << ran.out);
    CHECK(has(ran.err, "6 mistakes"));
    const auto json = nlohmann::json::parse(program({"config", "check", "--output", "json"}).out);
    CHECK(json["good"] == false);
    CHECK(json["mistakes"].size() == 6);
}

TEST_CASE("config check of a good configuration, and of none") {
    Program program;
    CHECK(program({"config", "check"}).code == 0);
    write(program, "good.key", "k\n", 0600);
    program.configure("[targets.prod]\nurl = \"toy+http://db:1\"\napi_key_file = \"" +
                      (program.folder / "good.key").string() + "\"\n");
    REQUIRE(::chmod((program.folder / ".config/vbackup/vbackup.toml").c_str(), 0600) == 0);
    const auto ran = program({"config", "check"});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "good, 1 target and 0 stores"));
}

TEST_CASE("config init begins a configuration and never touches one") {
    Program program;
    const auto ran = program({"config", "init"});
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "vbackup config check"));
    const auto file = program.folder / ".config/vbackup/vbackup.toml";
    CHECK(std::filesystem::exists(file));
    CHECK(program({"config", "check"}).code == 0);
    program.configure("store = \"/mine\"\n");
    const auto again = program({"config", "init"});
    CHECK(again.code == 8);
    CHECK(test::read_whole(file) == "store = \"/mine\"\n");
    CHECK(program({"config", "ini"}).code == 2);
    CHECK(has(program({"config", "ini"}).err, "did you mean 'init'?"));
}

TEST_CASE("config schema is JSON and knows the keys") {
    Program program;
    const auto schema = nlohmann::json::parse(program({"config", "schema"}).out);
    const auto& target = schema["properties"]["targets"]["patternProperties"]["^[a-z0-9-]+$"];
    CHECK(target["properties"]["url"]["type"] == "string");
    CHECK(target["required"][0] == "url");
    CHECK(target["additionalProperties"] == false);
    CHECK(target["properties"]["keep"]["properties"]["daily"]["maximum"] == 100000);
}

TEST_CASE("what the configuration says of a target holds for create and prune, and a flag goes before it") {
    Program program;
    program.configure(
        "store = \"" + program.store() +
        "\"\n[targets.prod]\nurl = \"toy+http://db.example:1\"\ncollections = [\"Docs\"]\nretention = \"7d\"\n"
        "description = \"nightly\"\nkeep = { last = 1 }\n");
    const auto first = nlohmann::json::parse(program({"create", "prod", "--output", "json"}).out)["backup"];
    CHECK(first["collections"].size() == 1);
    CHECK(first["description"] == "nightly");
    CHECK(first["expires"].is_string());
    program.clock.advance(std::chrono::hours(24 * 8));
    const auto second = nlohmann::json::parse(
        program({"create", "prod", "--collection", "*", "--description", "by hand", "--output", "json"}).out)["backup"];
    CHECK(second["collections"].size() == 2);
    CHECK(second["description"] == "by hand");
    const auto pruned = program({"prune", "prod", "--dry-run"});
    CHECK(has(pruned.out, "last 1 of 1"));
    CHECK(has(pruned.out, "1 to remove, 1 kept"));
    CHECK(has(program({"prune", "prod", "--keep-last", "5", "--dry-run"}).out, "0 to remove, 2 kept"));
}
