// SPDX-License-Identifier: Apache-2.0
// Any file and any variable is a configuration or Error{configuration}.
#include "support/fuzz.hpp"

#include <doctest/doctest.h>

#include "config/config.hpp"
#include "config/environment.hpp"
#include "config/start.hpp"
#include "scratch.hpp"

using namespace vbackup;
using test::must;

namespace {

// As if each setting of it held.
std::string start() {
    std::string text(config::start_text());
    for (auto at = text.find("\n#"); at != std::string::npos; at = text.find("\n#", at + 1)) {
        if (at + 2 < text.size() && text[at + 2] != ' ' && !text.substr(at).starts_with("\n#include"))
            text.erase(at + 1, 1);
    }
    return text;
}

void load(const std::filesystem::path& file, const config::Environment& environment) {
    try {
        const auto config = config::load(file.string(), environment);
        for (const auto& [name, target] : config.targets) must(config::is_name(name), "a target has no good name");
        must(!config.settings.empty(), "nothing holds");
    } catch (const Error& error) {
        must(error.kind() == ErrorKind::configuration, "it was refused by another kind of error: " + error.message());
        must(error.message().size() < 2000, "the error repeats too much");
    }
}

}  // namespace

TEST_CASE("fuzz: configurations") {
    const test::Scratch scratch;
    const auto file = scratch / "vbackup.toml";
    const test::Fuzz about{
        .corpus = "config",
        .words = {"[targets.a]\n",
                  "[[",
                  "]]",
                  "=",
                  "\"",
                  "'''",
                  "\"\"\"",
                  "{",
                  "}",
                  ",",
                  ".",
                  "#",
                  "inf",
                  "nan",
                  "0x",
                  "1979-05-27",
                  "\\u0000",
                  "\\UFFFFFFFF",
                  "include = [\"*\"]\n",
                  "url = ",
                  "store = \"@a\"\n"},
        .values = {" \"\"", " []", " {}", " [[]]", " true", " -1", " 1e308", " 9223372036854775807", " 07:32:00",
                   " \"@x\"", " \"http://h\"", " [\"\"]", " \"1h\"", " \"0\"", " {a=1}", " nan"},
        .nests = {{"=", "[", "]", "\nx="}, {"=", "{a=", "}", "\nx="}, {"\n[", "a.", "", "a]\n["}, {"", "[", "]", ""}},
        .more = {start()},
        .rounds = 150};
    const auto wrong = test::fuzz(about, [&](const std::string& text) {
        std::ofstream(file, std::ios::binary) << text;
        load(file, {});
        config::check(file.string(), {});
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: variables of the environment") {
    const test::Scratch scratch;
    const auto file = scratch.write("vbackup.toml", "[targets.prod]\nurl = \"http://localhost:1\"\n");
    const test::Fuzz about{
        .corpus = "environment",
        .words = {"VBACKUP_", "TARGETS_", "DEFAULTS_", "STORES_", "_", "URL", "=", "\n", "true", "1h", "prod", "PROD"},
        .values = {"", "1", "true", "http://h", "[]", "@x"},
        .rounds = 300};
    const auto wrong = test::fuzz(about, [&](const std::string& text) {
        config::Environment environment;
        for (std::size_t at = 0; at < text.size();) {
            const auto line = text.substr(at, text.find('\n', at) - at);
            at += line.size() + 1;
            if (const auto equals = line.find('='); equals != std::string::npos)
                environment[line.substr(0, equals)] = line.substr(equals + 1);
        }
        environment.erase("VBACKUP_CONFIG");
        load(file, environment);
    });
    CHECK(wrong == "");
}
