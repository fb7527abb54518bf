// SPDX-License-Identifier: Apache-2.0
#include "config/environment.hpp"

#include "scratch.hpp"

using namespace vbackup;
using namespace vbackup::config;
using test::refusal;

TEST_CASE("a variable set to nothing is not set") {
    const Environment environment{{"A", "1"}, {"B", ""}};
    CHECK(variable(environment, "A") == "1");
    CHECK_FALSE(variable(environment, "B"));
    CHECK_FALSE(variable(environment, "C"));
}

TEST_CASE("the process's own environment is copied") {
    const Environment environment = process_environment();
    const char* path = std::getenv("PATH");
    CHECK(variable(environment, "PATH").value_or("") == (path == nullptr ? "" : path));
}

TEST_CASE("the configuration file is looked for in this order") {
    const test::Scratch scratch;
    const auto flag = scratch.write("flag.toml", "");
    const auto named = scratch.write("named.toml", "");
    const auto xdg = scratch.write("xdg/vbackup/vbackup.toml", "");
    const auto own = scratch.write("home/.config/vbackup/vbackup.toml", "");
    const auto system = scratch.write("etc/vbackup.toml", "");
    Environment environment{{"VBACKUP_CONFIG", named.string()},
                            {"XDG_CONFIG_HOME", (scratch.path() / "xdg").string()},
                            {"HOME", (scratch.path() / "home").string()}};
    CHECK(find_path(flag.string(), environment, system) == flag);
    CHECK(find_path("", environment, system) == named);
    environment["VBACKUP_CONFIG"] = "";
    CHECK(find_path("", environment, system) == xdg);
    environment["XDG_CONFIG_HOME"] = "xdg";  // relative: as if it were not set
    CHECK(find_path("", environment, system) == own);
    environment["XDG_CONFIG_HOME"] = (scratch.path() / "empty").string();
    CHECK(find_path("", environment, system) == system);
    environment.clear();
    CHECK(find_path("", environment, system) == system);
    CHECK(find_path("", {{"HOME", "home"}}, system) == system);
    CHECK_FALSE(find_path("", environment, scratch.path() / "none.toml"));
}

TEST_CASE("a named configuration file that is missing is an error") {
    const test::Scratch scratch;
    const std::string missing = (scratch.path() / "missing.toml").string();
    const auto system = scratch.write("vbackup.toml", "");
    for (const auto& [named, environment] :
         {std::pair<std::string, Environment>{missing, {}}, {"", {{"VBACKUP_CONFIG", missing}}}}) {
        const auto error = refusal([&] { find_path(named, environment, system); });
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::configuration);
        CHECK(test::context(*error, "file") == missing);
    }
}

TEST_CASE("a file that may be there but cannot be seen is an error, not a missing file") {
    const test::Scratch scratch;
    const auto file = scratch.write("file", "");
    // A path through a file and a name that is too long fail for root, too.
    const std::string long_name(300, 'x');
    const Environment environment{{"XDG_CONFIG_HOME", (scratch.path() / long_name).string()}};
    const auto error = refusal([&] { find_path("", environment, file); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::configuration);
}

TEST_CASE("the state directory follows XDG") {
    CHECK(state_directory({{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}}) == "/s/vbackup");
    CHECK(state_directory({{"XDG_STATE_HOME", "s"}, {"HOME", "/h"}}) == "/h/.local/state/vbackup");
    CHECK(state_directory({{"HOME", "/h"}}) == "/h/.local/state/vbackup");
    for (const Environment& environment : {Environment{}, {{"HOME", ""}}, {{"HOME", "h"}}}) {
        const auto error = refusal([&environment] { state_directory(environment); });
        REQUIRE(error);
        CHECK(error->kind() == ErrorKind::configuration);
    }
}
