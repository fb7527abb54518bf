// SPDX-License-Identifier: Apache-2.0
// What examples/ and the manual tell people to type is what the program takes.
#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <sstream>

#include "base/program.hpp"
#include "cli/command/arguments.hpp"
#include "config/config.hpp"
#include "golden.hpp"
#include "program.hpp"

using namespace vbackup;

namespace {

const std::filesystem::path examples = std::filesystem::path(REPOSITORY) / "examples";

// As a shell would split it, as far as these lines go; what is redirected or piped is no argument.
std::vector<std::string> words_of(const std::string& line) {
    std::vector<std::string> words;
    std::string word;
    char quote = 0;
    for (const char letter : line + " ") {
        if (quote != 0 ? letter == quote : letter == '\'' || letter == '"') {
            quote = quote == 0 ? letter : char(0);
        } else if (letter == ' ' && quote == 0) {
            if (word.starts_with('>') || word.starts_with('<') || word == "|" || word == "&&") break;
            if (!word.empty()) words.push_back(word);
            word.clear();
        } else {
            word += letter;
        }
    }
    return words;
}

void check_taken(const std::string& line) {
    CAPTURE(line);
    auto words = words_of(line);
    REQUIRE_FALSE(words.empty());
    CHECK(words.front().ends_with("vbackup"));
    words.erase(words.begin());
    const auto all = cli::commands();
    try {
        CHECK(cli::parse(words, all).command != nullptr);
    } catch (const Error& error) {
        FAIL_CHECK(error.message());
    }
}

// What follows `mark` in the lines of a file that have it.
std::vector<std::string> after(const std::filesystem::path& file, const std::string& mark) {
    std::vector<std::string> found;
    std::istringstream in(test::read_whole(file));
    for (std::string line; std::getline(in, line);)
        if (const auto at = line.find(mark); at != std::string::npos && !line.starts_with("#"))
            found.push_back(line.substr(at + mark.size()));
    return found;
}

}  // namespace

TEST_CASE("every example of help and manual is a command line that the program takes") {
    for (const auto& page : cli::pages())
        for (const auto& example : page.examples) check_taken(example);
}

TEST_CASE("the crontab's lines are taken, and have the six fields of /etc/cron.d") {
    const auto lines = after(examples / "cron/vbackup", " * * * vbackup ");
    CHECK(lines.size() == 2);
    for (const auto& line : lines) check_taken(line);
}

TEST_CASE("what the systemd service starts is taken, and systemd finds nothing wrong with it") {
    const auto lines = after(examples / "systemd/vbackup.service", "ExecStart=");
    REQUIRE(lines.size() == 1);
    check_taken(lines[0]);
    const std::string analyze = "/usr/bin/systemd-analyze";
    if (!std::filesystem::exists(analyze)) {
        MESSAGE("skipped: systemd-analyze is not installed");
        return;
    }
    // The program and its manual are not where they will be: everything else is looked at.
    const test::TemporaryFolder folder;
    for (const auto* name : {"vbackup.service", "vbackup.timer"}) {
        std::istringstream in(test::read_whole(examples / "systemd" / name));
        std::ofstream out(folder / name);
        for (std::string line; std::getline(in, line);) {
            if (line.starts_with("Documentation=")) continue;
            if (line.starts_with("ExecStart=")) line = "ExecStart=/bin/true";
            out << line << "\n";
        }
    }
    const std::array<std::string, 4> words{analyze, "verify", (folder / "vbackup.service").string(),
                                           (folder / "vbackup.timer").string()};
    const auto result =
        run_program(words, {{"PATH", "/usr/bin:/bin"}}, 100'000, std::chrono::minutes(1), {}, {.messages = true});
    CHECK_MESSAGE(result.code == 0, result.output);
    CHECK_MESSAGE(result.output.find("vbackup.") == std::string::npos, result.output);
}

TEST_CASE("what the Kubernetes CronJobs start is taken, and their configuration is one") {
    for (const auto* name : {"kubernetes/cronjob.yaml", "kubernetes/run-cronjob.yaml"}) {
        const auto lines = after(examples / name, "args: [");
        REQUIRE(lines.size() == 1);
        std::string line = "vbackup ";
        for (const char letter : lines[0])
            if (letter != ',' && letter != ']') line += letter;
        check_taken(line);
    }
    // The lines below `vbackup.toml: |` that are indented as its text is.
    std::istringstream in(test::read_whole(examples / "kubernetes/run-cronjob.yaml"));
    std::string text;
    bool inside = false;
    for (std::string line; std::getline(in, line);) {
        if (inside && line.starts_with("    ")) text += line.substr(4) + "\n";
        if (inside && !line.starts_with("    ")) break;
        inside = inside || line == "  vbackup.toml: |";
    }
    const test::TemporaryFolder folder;
    std::ofstream(folder / "vbackup.toml") << text;
    const auto config = config::load(folder / "vbackup.toml");
    CHECK(config.require_target("prod").url == "qdrant+http://qdrant.vectors.svc:6333");
    CHECK(config.defaults.keep.daily == 7);
}
