// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "program.hpp"

using namespace vbackup;
using test::Program;

namespace {

const std::string toy = Program::target;

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a schedule is set, read back, listed, shown and removed") {
    Program program;
    const auto set = program({"schedule", "set", toy, "--cron", "0 2 * * *"});
    CAPTURE(set.err);
    REQUIRE(set.code == 0);
    CHECK(has(set.err, "toys forget easily"));
    CHECK(has(set.out, "done and read back: schedule:nightly"));
    CHECK(program.database.schedules.at("nightly").cron == "0 2 * * *");
    REQUIRE(program({"schedule", "set", toy, "--cron", "@weekly", "--name", "archive"}).code == 0);

    const auto listed = program({"schedule", "list", toy});
    CHECK(listed.code == 0);
    CHECK(listed.out.find("archive") < listed.out.find("nightly"));
    const auto shown = program({"schedule", "show", toy, "--name", "archive", "--output", "json"});
    const auto document = nlohmann::json::parse(shown.out);
    REQUIRE(document.at("schedules").size() == 1);
    CHECK(document.at("schedules").at(0).at("cron") == "@weekly");
    const auto missing = program({"schedule", "show", toy, "--name", "archiv"});
    CHECK(missing.code == 7);
    CHECK(has(missing.err, "did you mean archive?"));

    const std::vector<std::string> remove{"schedule", "remove", toy, "--name", "nightly"};
    CHECK(program(remove).code == 12);
    CHECK(program.database.schedules.size() == 2);
    auto agreed = remove;
    agreed.emplace_back("--yes");
    CHECK(program(agreed).code == 0);
    CHECK(program.database.schedules.size() == 1);
    CHECK(program(agreed).code == 7);
}

TEST_CASE("schedule: --dry-run prints the plan and changes nothing; --quiet hides the report and no list") {
    Program program;
    const auto planned = program({"schedule", "set", toy, "--cron", "0 2 * * *", "--dry-run"});
    CHECK(planned.code == 0);
    CHECK(has(planned.out, "nothing was changed"));
    CHECK(has(planned.out, "note: toys forget easily"));
    CHECK(program.database.changes.empty());
    const auto quiet = program({"schedule", "set", toy, "--cron", "0 2 * * *", "--quiet"});
    CHECK(quiet.code == 0);
    CHECK(quiet.out.empty());
    CHECK(quiet.err.empty());
    CHECK(has(program({"schedule", "list", toy, "--quiet"}).out, "nightly"));
}

TEST_CASE("a schedule that the server took and does not hold is no success") {
    Program program;
    program.database.forgets_schedules = true;
    const auto ran = program({"schedule", "set", toy, "--cron", "0 2 * * *"});
    CHECK(ran.code == 17);
    CHECK(has(ran.err, "does not show it"));
    CHECK(ran.out.empty());
}

TEST_CASE("a set whose answer was lost is not sent twice") {
    Program program;
    int lost = 0;
    program.database.before = [&](const std::string& function, const std::string&) {
        if (function == "answer" && lost++ == 0) throw Error(ErrorKind::unreachable, "reset");
    };
    CHECK(program({"schedule", "set", toy, "--cron", "0 2 * * *"}).code == 0);
    CHECK(program.database.changes.size() == 1);
}

TEST_CASE("what a database cannot hold or keep is 14, what makes no sense is 2") {
    Program program;
    const auto refused = program({"schedule", "set", toy, "--weekdays", "mon", "--hours", "2"});
    CHECK(refused.code == 14);
    CHECK(has(refused.err, "say it as --cron"));
    program.database.keeps_schedules = false;
    for (const auto* action : {"show", "list"}) CHECK(program({"schedule", action, toy}).code == 14);
    CHECK(program({"schedule", "remove", toy}).code == 14);

    const std::vector<std::vector<std::string>> senseless = {
        {"schedule", "sett", toy},
        {"schedule", "set", toy},
        {"schedule", "set", toy, "--cron", "0 2 * * *", "--hours", "2"},
        {"schedule", "set", toy, "--cron", "0 25 * * *"},
        {"schedule", "set", toy, "--cron", "nightly", "--disable"},
        {"schedule", "set", toy, "--weekdays", "mon,,tue", "--hours", "2"},
        {"schedule", "set", toy, "--weekdays", "mo", "--hours", "2"},
        {"schedule", "set", toy, "--hours", "24"},
        {"schedule", "set", toy, "--hours", "-1"},
        {"schedule", "set", toy, "--hours", "2x"},
        {"schedule", "set", toy, "--cron", "0 2 * * *", "--retention", "soon"},
        {"schedule", "list", toy, "--cron", "0 2 * * *"},
        {"schedule", "remove", toy, "--disable"},
        {"schedule", "show"},
    };
    for (const auto& arguments : senseless) {
        CAPTURE(arguments.back());
        CHECK(program(arguments).code == 2);
    }
    CHECK(has(program({"schedule", "sett", toy}).err, "did you mean 'set'?"));
    CHECK(program.database.changes.empty());
}
