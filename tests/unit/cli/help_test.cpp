// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "cli/command/command.hpp"
#include "cli/output/config.hpp"
#include "golden.hpp"
#include "program.hpp"

using namespace vbackup;
using test::Program;

TEST_CASE("help of every verb") {
    Program program;
    for (const auto& page : cli::pages()) {
        const auto ran = program({page.name, "--help"});
        CHECK(ran.code == 0);
        CHECK(ran.err.empty());
        test::require_golden("help-" + page.name + ".txt", ran.out);
    }
}

TEST_CASE("help of the whole, and no verb at all") {
    Program program;
    const auto ran = program({"--help"});
    CHECK(ran.code == 0);
    test::require_golden("help.txt", ran.out);
    CHECK(program({"help"}).out == ran.out);
    CHECK(program({"help", "create"}).out == program({"create", "-h"}).out);
    const auto bare = program({});
    CHECK(bare.code == 2);
    CHECK(bare.out.empty());
}

TEST_CASE("examples come first, and every exit code is told") {
    Program program;
    for (const auto& page : cli::pages()) {
        const auto out = program({page.name, "--help"}).out;
        CAPTURE(page.name);
        CHECK(out.find("Examples:") < out.find("Usage:"));
        CHECK_FALSE(page.examples.empty());
        for (const auto& example : page.examples) CHECK(example.starts_with("vbackup " + page.name));
    }
    const auto out = program({"--help"}).out;
    for (const auto& info : error_kinds()) {
        if (info.kind == ErrorKind::interrupted) continue;
        CAPTURE(info.word);
        CHECK(out.find(std::to_string(info.exit_code) + "  " + std::string(info.meaning)) != std::string::npos);
    }
}

TEST_CASE("-o options are listed for the verbs they belong to") {
    Program program;
    CHECK(program({"create", "--help"}).out.find("unit=shard|collection") != std::string::npos);
    CHECK(program({"restore", "--help"}).out.find("unit=") == std::string::npos);
    CHECK(program({"restore", "--help"}).out.find("level=1-9") != std::string::npos);
}

TEST_CASE("the drivers as a table and as JSON") {
    Program program;
    const auto table = program({"drivers"});
    CHECK(table.code == 0);
    test::require_golden("drivers.txt", table.out);
    test::require_golden("drivers.json", program({"drivers", "--output", "json"}).out);
}

TEST_CASE("the version") {
    Program program;
    CHECK(program({"--version"}).out == "vbackup " VBACKUP_VERSION "\n");
    CHECK(program({"--version"}).code == 0);
}

TEST_CASE("committed completions and manual are what the program prints") {
    const auto pages = cli::pages();
    const auto drivers = driver::drivers();
    const std::filesystem::path top = REPOSITORY;
    test::require_same(top / "completions/vbackup.bash", cli::render_bash(pages, drivers));
    test::require_same(top / "completions/_vbackup", cli::render_zsh(pages, drivers));
    test::require_same(top / "completions/vbackup.fish", cli::render_fish(pages, drivers));
    test::require_same(top / "man/vbackup.1", cli::render_man(pages, drivers, VBACKUP_VERSION));
    test::require_same(top / "man/vbackup.toml.5", cli::render_config_man(VBACKUP_VERSION));
    test::require_same(top / "lib/config/vbackup.schema.json", cli::render_config_schema());
}

TEST_CASE("completion prints for each shell, and refuses an unknown one") {
    Program program;
    for (const auto* shell : {"bash", "zsh", "fish", "man"}) {
        const auto ran = program({"completion", shell});
        CAPTURE(shell);
        CHECK(ran.code == 0);
        CHECK(ran.err.empty());
        CHECK(ran.out.find("vbackup completion " + std::string(shell)) != std::string::npos);
        CHECK(ran.out.find("unit=") != std::string::npos);
    }
    CHECK(program({"completion", "tcsh"}).code == 2);
}
