// SPDX-License-Identifier: Apache-2.0
// run: all targets of the configuration, side by side, each for itself.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "golden.hpp"
#include "program.hpp"
#include "store/store.hpp"

using namespace vbackup;
using nlohmann::json;
using test::Program;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// prod and test are good ones; bad has a key that is not there.
std::string two(const Program& program, const std::string& more = "") {
    return "store = \"" + program.store() +
           "\"\n[targets.prod]\nurl = \"toy+http://prod.example:1\"\n[targets.test]\nurl = "
           "\"toy+http://test.example:1\"\n" +
           more;
}

const std::string bad = "[targets.bad]\nurl = \"toy+http://bad.example:1\"\napi_key_file = \"/no/such/key\"\n";

// A script that appends what it is told to a file.
std::string script(const Program& program, const std::string& name, const std::string& lines) {
    const auto path = program.folder / name;
    std::ofstream(path) << "#!/bin/sh\n" << lines << "\n";
    REQUIRE(::chmod(path.c_str(), 0700) == 0);
    return path.string();
}

json run_json(Program& program, std::vector<std::string> arguments, int code) {
    arguments.insert(arguments.begin(), "run");
    arguments.insert(arguments.end(), {"--output", "json"});
    const auto ran = program(arguments);
    CHECK_MESSAGE(ran.code == code, ran.err);
    const auto document = json::parse(ran.out, nullptr, false);
    REQUIRE_MESSAGE((document.is_object() && document.contains("targets")), ran.err);
    return document;
}

}  // namespace

TEST_CASE("run backs up every target, and says so in one table") {
    Program program;
    program.configure(two(program));
    const auto ran = program({"run", "--at-once", "1"});
    CHECK_MESSAGE(ran.code == 0, ran.err);
    CHECK(ran.err.empty());
    test::require_golden("run.txt", ran.out);
    CHECK(has(program({"list", program.store()}).out, "prod-20261121t074700z"));
    CHECK(has(program({"list", program.store()}).out, "test-2026"));
    program.clock.advance(std::chrono::hours(24));
    const auto quiet = program({"run", "--quiet"});
    CHECK(quiet.code == 0);
    CHECK(quiet.out.empty());
    CHECK(quiet.err.empty());
}

TEST_CASE("a target that fails does not stop the others: 3, and the worst one's code when none is good") {
    Program program;
    program.configure(two(program, bad));
    const auto report = run_json(program, {}, 3);
    REQUIRE(report["targets"].size() == 3);
    CHECK(report["targets"][0]["target"] == "bad");
    CHECK(report["targets"][0]["exit"] == 19);
    CHECK(report["targets"][0]["good"] == false);
    CHECK(report["targets"][1]["good"] == true);
    CHECK(report["targets"][2]["good"] == true);
    CHECK(run_json(program, {"bad"}, 19)["targets"][0]["error"]["kind"] == "configuration");
    program.database.end = model::Phase::failed;
    program.clock.advance(Seconds(60));
    CHECK(run_json(program, {"prod", "test"}, 11)["targets"][1]["error"]["exit"] == 11);
    const auto line = program({"run", "bad", "--quiet"});
    CHECK(line.out.empty());
    CHECK(line.err.find('\n') == line.err.size() - 1);
}

TEST_CASE("run takes names of targets, each once, and says what could have been meant") {
    Program program;
    CHECK(program({"run"}).code == 19);
    program.configure(two(program));
    CHECK(has(program({"run", "prdo"}).err, "did you mean 'prod'?"));
    CHECK(program({"run", "prdo"}).code == 19);
    CHECK(program({"run", "toy+http://h:1"}).code == 2);
    CHECK(run_json(program, {"prod", "prod"}, 0)["targets"].size() == 1);
    CHECK(program.database.changes.size() == 4);  // two collections: begun and tidied
}

TEST_CASE("what the keep rules do not keep goes only after a good backup, and only with a yes") {
    Program program;
    program.configure(two(program, "[defaults.keep]\nlast = 1\n"));
    CHECK(program({"run", "prod"}).code == 12);
    CHECK(program.database.changes.empty());
    CHECK(run_json(program, {"prod", "--yes"}, 0)["targets"][0]["removed"] == 0);
    program.clock.advance(std::chrono::hours(48));
    program.database.end = model::Phase::failed;
    CHECK(run_json(program, {"prod", "--yes"}, 11)["targets"][0]["removed"].is_null());
    program.database.end = model::Phase::succeeded;
    program.clock.advance(std::chrono::hours(48));
    CHECK(run_json(program, {"prod", "--no-prune"}, 0)["targets"][0]["removed"].is_null());
    program.clock.advance(std::chrono::hours(48));
    // Two good ones that the rule does not keep, and the one that went wrong.
    CHECK(run_json(program, {"prod", "--yes"}, 0)["targets"][0]["removed"] == 3);
    program.terminal = true;
    std::string question;
    program.ask = [&](std::string_view text) {
        question = text;
        return "n";
    };
    CHECK(program({"run", "prod"}).code == 12);
    CHECK(has(question, "backups of prod"));
}

TEST_CASE("a backup that cannot be read again is no good one: nothing is removed, and the hook is that of a failure") {
    Program program;
    const auto log = (program.folder / "log").string();
    const auto hook = script(program, "hook", "echo $VBACKUP_HOOK $VBACKUP_EXIT_CODE >> " + log);
    program.configure(two(program, "[defaults]\nkeep = { last = 1 }\nhooks = { after = [\"" + hook +
                                       "\"], failed = [\"" + hook + "\"] }\n"));
    // The toy database has no verify.
    const auto file = (program.folder / "m.prom").string();
    const auto report = run_json(program, {"prod", "--verify", "--yes", "--metrics-file", file}, 14);
    CHECK(report["targets"][0]["good"] == false);
    CHECK(report["targets"][0]["id"] != nullptr);
    CHECK(report["targets"][0]["error"]["kind"] == "unsupported");
    CHECK(report["targets"][0]["removed"].is_null());
    CHECK(test::read_whole(log) == "failed 14\n");
    CHECK_FALSE(has(test::read_whole(file), "last_success_timestamp_seconds{"));
}

TEST_CASE("two runs exclude each other per target; --lock-wait waits, else it is 9") {
    Program program;
    program.configure(two(program));
    const auto journal = store::open_directory(program.folder / ".local/state/vbackup");
    auto held = journal->lock("run-prod");
    const auto busy = run_json(program, {}, 3);
    CHECK(busy["targets"][0]["exit"] == 9);
    CHECK(busy["targets"][1]["good"] == true);
    program.clock.advance(Seconds(60));
    CHECK(program({"run", "prod"}).code == 9);
    CHECK(program({"run", "prod", "--lock-wait", "10s"}).code == 9);
    CHECK(program({"run", "prod", "--lock-wait", "soon"}).code == 2);
    program.clock.on_sleep = [&](Milliseconds) { held.reset(); };
    CHECK(program({"run", "prod", "--lock-wait", "10s"}).code == 0);
}

TEST_CASE("a dry run shows the plans and changes nothing") {
    Program program;
    program.configure(two(program, "[defaults.keep]\nlast = 1\n"));
    const auto ran = program({"run", "--dry-run", "--at-once", "1"});
    CHECK_MESSAGE(ran.code == 0, ran.err);
    CHECK(has(ran.out, "plan of create prod-"));
    CHECK(has(ran.out, "nothing was changed"));
    CHECK(program.database.changes.empty());
    CHECK_FALSE(std::filesystem::exists(program.store()));
}

TEST_CASE("a signal ends a run with its own code, and says which targets") {
    Program program;
    program.configure(two(program));
    program.signal = 15;
    program.database.before = [&](const std::string&, const std::string&) {
        throw Error(ErrorKind::interrupted, "ended by a signal");
    };
    const auto ran = program({"run", "prod"});
    CHECK(has(ran.err, "signal"));
    CHECK(ran.code > 128);
}

TEST_CASE("hooks run around a backup, with the facts and without secrets") {
    Program program;
    const auto log = (program.folder / "log").string();
    const auto hook = script(program, "hook",
                             "echo \"$1 $VBACKUP_HOOK $VBACKUP_TARGET ${VBACKUP_EXIT_CODE-none} ${CANARY-clean} "
                             "${VBACKUP_API_KEY-clean}\" >> " +
                                 log + "\ncat >> " + log);
    program.environment["CANARY"] = "canary-secret";
    program.environment["VBACKUP_API_KEY"] = "canary-secret";
    program.configure(two(program, "[defaults.hooks]\nbefore = [\"" + hook + "\", \"a b\"]\nafter = [\"" + hook +
                                       "\", \"c\"]\nfailed = [\"" + hook + "\", \"d\"]\n"));
    CHECK(program({"create", "prod"}).code == 0);
    const auto text = test::read_whole(log);
    CHECK_MESSAGE(has(text, "a b before prod none clean clean\n"), text);
    CHECK_MESSAGE(has(text, "c after prod 0 clean clean\n"), text);
    CHECK_FALSE(has(text, "canary"));
    CHECK_FALSE(has(text, "d failed"));
    const auto facts = json::parse(text.substr(text.rfind("{\"version\"")));
    CHECK(facts["hook"] == "after");
    CHECK(facts["exit_code"] == 0);
    CHECK(facts["size"].is_number());
    program.database.end = model::Phase::failed;
    program.clock.advance(Seconds(60));
    CHECK(program({"run", "prod"}).code == 11);
    CHECK(has(test::read_whole(log), "d failed prod 11 clean clean\n"));
}

TEST_CASE("a hook before that fails stops the backup, one after makes it 1 beside a good backup") {
    Program program;
    const auto fails = script(program, "fails", "echo from the hook >&2; exit 3");
    program.configure(two(program, "hooks = { before = [\"" + fails + "\"] }\n"));
    const auto before = program({"create", "test"});
    CHECK(before.code == 12);
    CHECK(has(before.err, "the hook 'before' of test ended with exit code 3: from the hook; no backup was begun"));
    CHECK(program.database.changes.empty());
    program.configure(two(program, "hooks = { after = [\"" + fails + "\"] }\n"));
    const auto after = program({"create", "test"});
    CHECK(after.code == 1);
    CHECK(has(after.err, "the backup is good, but the hook 'after' of test"));
    CHECK(program({"status", "test"}).code == 0);
    program.clock.advance(Seconds(60));
    CHECK(run_json(program, {"test"}, 1)["targets"][0]["good"] == true);
}

TEST_CASE("the metrics of a run: success moves on a good one and never on a failure") {
    Program program;
    program.configure(two(program, "[defaults]\nmax_age = \"26h\"\n"));
    const auto file = (program.folder / "vbackup.prom").string();
    CHECK(program({"run", "prod", "--metrics-file", file}).code == 0);
    const auto good = test::read_whole(file);
    test::require_golden("metrics.prom", good);
    program.database.end = model::Phase::failed;
    program.clock.advance(std::chrono::hours(24));
    CHECK(program({"run", "prod", "--metrics-file", file}).code == 11);
    const auto failed = test::read_whole(file);
    CHECK(has(failed, "vbackup_last_run_exit_code{target=\"prod\"} 11\n"));
    const auto line = [](const std::string& text, const std::string& name) {
        const auto at = text.find("\n" + name);
        return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    };
    CHECK(line(good, "vbackup_last_success_timestamp_seconds{") != "");
    CHECK(line(failed, "vbackup_last_success_timestamp_seconds{") ==
          line(good, "vbackup_last_success_timestamp_seconds{"));
    CHECK(line(failed, "vbackup_last_run_timestamp_seconds{") != line(good, "vbackup_last_run_timestamp_seconds{"));
    program.database.end = model::Phase::succeeded;
    program.clock.advance(Seconds(60));
    CHECK(program({"create", "test", "--metrics-file", file}).code == 0);
    CHECK(has(test::read_whole(file), "vbackup_last_run_exit_code{target=\"prod\"} 11\n"));
    CHECK(has(test::read_whole(file), "vbackup_last_run_exit_code{target=\"test\"} 0\n"));
    CHECK(program({"status", "prod", "--metrics-file", file}).code != 0);
    CHECK(has(test::read_whole(file), "vbackup_status_exit_code{target=\"prod\"} 11\n"));
    struct stat facts {};
    REQUIRE(::stat(file.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0644);
    // Where it cannot be written the backup is what it is, and a warning says so.
    program.clock.advance(Seconds(60));
    const auto nowhere = program({"create", "test", "--metrics-file", "/no/such/folder/x.prom"});
    CHECK(nowhere.code == 0);
    CHECK(has(nowhere.err, "warning: "));
}

TEST_CASE("status for Nagios: one line and the codes of its plugins") {
    Program program;
    program.configure(two(program, "[defaults]\nmax_age = \"26h\"\n"));
    const auto never = program({"status", "prod", "--nagios"});
    CHECK(never.code == 2);
    CHECK(never.out.starts_with("VBACKUP CRITICAL - "));
    CHECK(never.err.empty());
    REQUIRE(program({"create", "prod"}).code == 0);
    program.clock.advance(std::chrono::hours(3));
    const auto good = program({"status", "prod", "--nagios"});
    CHECK(good.code == 0);
    CHECK(has(good.out, "3h"));
    CHECK(has(good.out, " | age="));
    CHECK(good.out.find('\n') == good.out.size() - 1);
    program.clock.advance(std::chrono::hours(24));
    CHECK(program({"status", "prod", "--nagios"}).code == 2);
    CHECK(program({"status", "prod"}).code == 13);
    CHECK(program({"status", "prod", "--nagios", "--max-age", "7d"}).code == 0);
    program.database.unreached = "node 7";
    CHECK(program({"status", "prod", "--nagios", "--max-age", "7d"}).code == 1);
    test::fail_at(program, "list", ErrorKind::unreachable, "nobody answers");
    const auto unknown = program({"status", "prod", "--nagios"});
    CHECK(unknown.code == 3);
    CHECK(has(unknown.out, "UNKNOWN - prod: nobody answers"));
    CHECK(program({"status", "prod", "x", "--nagios"}).code == 2);
    CHECK(program({"status", "prod", "--nagios", "--output", "json"}).code == 2);
}
