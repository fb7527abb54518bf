// SPDX-License-Identifier: Apache-2.0
// Every verb of the program, as people and scripts see it, against the scripted control plane.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "program.hpp"

using namespace vbackup;
using test::Fault;
using test::require_golden_zilliz;
using Program = test::ZillizProgram;
using Ran = test::ZillizRan;
using Rig = test::ZillizRig;

namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void make(Program& program, const std::string& id, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"create", "prod", "--id", id};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto made = program(arguments);
    CAPTURE(made.err);
    REQUIRE(made.code == 0);
}

std::string name_at_server(Program& program) {
    return program.server.backups().back().id;
}

}  // namespace

TEST_CASE("create, list, status and delete, word for word") {
    Program program;
    require_golden_zilliz("create.txt", program({"create", "prod", "--id", "nightly-1"}));
    require_golden_zilliz("create-collection.json", program({"create", "prod", "--id", "articles-1", "--collection",
                                                             "articles", "--output", "json"}));
    program.server.add_backup(
        {.name = "Dedicated-01_auto", .cluster = Rig::cluster, .method = "AUTO", .expires = "2026-11-28T08:00:00Z"});
    require_golden_zilliz("list.txt", program({"list", "prod"}));
    require_golden_zilliz("list.json", program({"list", "prod", "--output", "json"}));
    require_golden_zilliz("list-auto.txt", program({"list", "prod", "-o", "method=AUTO"}));
    require_golden_zilliz("status.txt", program({"status", "prod", "nightly-1"}));
    require_golden_zilliz("delete-refused.txt", program({"delete", "prod", "nightly-1"}));
    CHECK(program.server.count("DELETE", "*") == 0);
    require_golden_zilliz("delete.txt", program({"delete", "prod", "nightly-1", "articles-1", "--yes"}));
    CHECK(program.server.backups().size() == 1);
    CHECK(program({"status", "prod", "nightly-1"}).code == 7);
}

TEST_CASE("prune takes the filters of a list: those made by hand go, those of the policy stay") {
    Program program;
    program.server.change([](auto& script) { script.now -= std::chrono::hours(1); });
    for (const auto* method : {"AUTO", "MANUAL", "AUTO", "MANUAL"})
        program.server.add_backup({.cluster = Rig::cluster, .method = method});
    make(program, "n");
    program.clock.sleep(std::chrono::minutes(1), {});
    make(program, "m");
    const auto ran = program({"prune", "prod", "-o", "method=MANUAL", "--unmanaged", "--keep-last", "1", "--yes"});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    std::vector<std::string> left;
    for (const auto& backup : program.server.backups()) left.push_back(backup.method);
    CHECK(left == std::vector<std::string>{"AUTO", "AUTO", "MANUAL"});
    CHECK(program({"status", "prod", "m"}).code == 0);
    CHECK(program({"status", "prod", "n"}).code == 7);
    CHECK(program({"prune", "prod", "-o", "wait-for-slot=true", "--yes"}).code == 2);
}

TEST_CASE("check, and the plans of create and restore, word for word") {
    Program program;
    require_golden_zilliz("check.txt", program({"check", "prod"}));
    require_golden_zilliz("check.json", program({"check", "prod", "--output", "json"}));
    require_golden_zilliz("create-dry-run.txt", program({"create", "prod", "--id", "n", "--dry-run", "-o",
                                                         "copy-to=aws-us-east-2", "-o", "wait-for-slot=true"}));
    make(program, "n");
    require_golden_zilliz("restore-dry-run.txt",
                          program({"restore", "prod", "n", "--dry-run", "--rename", "articles", "articles_2"}));
    require_golden_zilliz("restore-cluster-dry-run.txt",
                          program({"restore", "prod", "n", "--dry-run", "-o", "new-cluster=Restored-01"}));
    CHECK(program.server.count("POST", "*") == 1);
}

TEST_CASE("one collection comes back under another name, proven by its job and the cluster") {
    Program program;
    make(program, "n");
    const auto whole = name_at_server(program);
    const auto ran =
        program({"restore", "prod", "n", "--collection", "articles", "--rename", "articles", "articles_2"});
    require_golden_zilliz("restore.txt", ran);
    CHECK(ran.code == 0);
    CHECK(program.server.script().clusters.at(Rig::cluster).collections.at("default").contains("articles_2"));
    CHECK(program({"restore", "prod", "n", "--collection", "articles"}).code == 8);
    CHECK(program({"restore", "prod", "n", "--collection", "nothing"}).code == 7);
    CHECK(program({"restore", "prod", "n", "--overwrite"}).code == 14);
    // A name with its database is the same name.
    make(program, "one", {"--collection", "default.articles"});
    CHECK(program({"restore", "prod", "one", "--collection", "articles", "-o", "database=archive"}).code == 0);
    // By the name that the service has for it, and from another cluster.
    CHECK(program({"restore", "prod", whole, "-o", std::string("to-cluster=") + Rig::other}).code == 0);
}

TEST_CASE("a restore that another process goes on with is proven by each of its jobs") {
    auto script = Rig::two_clusters();
    script.looks = 100;
    Program program(script);
    REQUIRE(program({"create", "prod", "--id", "n", "--no-wait"}).code == 0);
    program.server.finish();
    REQUIRE(program({"wait", "prod", "n"}).code == 0);
    const std::vector<std::string> restore{"restore",         "prod", "n", "--collection", "articles", "-o",
                                           "database=archive"};
    auto hasty = restore;
    hasty.insert(hasty.end(), {"--timeout", "30s"});
    REQUIRE(program(hasty).code == 4);
    program.server.finish();
    const auto ran = program(restore);
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(has(ran.out, "proven: collection articles as archive.articles restored in"));
    CHECK(program.server.count("POST", "*/restoreCollection") == 1);
}

TEST_CASE("a restore that nothing comes of any more can be forgotten, though the service ends no job") {
    Program program;
    make(program, "n");
    for (int look = 0; look < 60; ++look)
        program.server.fault_once("POST", "*/restoreCollection", {.fault = Fault::reset});
    REQUIRE(program({"restore", "prod", "n", "--collection", "articles", "-o", "database=archive"}).code != 0);
    program.clock.advance(std::chrono::hours(25));
    CHECK(program({"wait", "prod", "n"}).code == 12);
    const auto ran = program({"cancel", "prod", "n"});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(program({"wait", "prod", "n"}).code == 0);
    CHECK(program({"cancel", "prod", "n"}).code == 14);
}

TEST_CASE("some of several collections: 3, with what is where") {
    auto script = Rig::two_clusters();
    script.failing = {{"images", "out of memory"}};
    Program program(script);
    make(program, "n");
    const auto ran = program({"restore", "prod", "n", "-o", "database=archive"});
    CHECK(ran.code == 3);
    CHECK(has(ran.err, "out of memory"));
    CHECK(has(ran.err, "collection articles is restored"));
    CHECK(has(ran.err, "collection images is not whole"));
    CHECK(program.server.script().clusters.at(Rig::cluster).collections.at("archive").size() == 2);
    CHECK(program({"restore", "prod", "n", "--collection", "images", "-o", "database=again"}).code == 11);
}

TEST_CASE("the password of a new cluster goes to a file that only its owner reads, and nowhere else") {
    Program program;
    make(program, "n");
    const auto file = program.folder / "password";
    const auto ran = program({"restore", "prod", "n", "-o", "new-cluster=Restored-01", "-o",
                              "password-file=" + file.string(), "--verbose", "--output", "json"});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    CHECK(Program::read(file) == "s3cr3t-once\n");
    struct stat now = {};
    REQUIRE(::stat(file.c_str(), &now) == 0);
    CHECK((now.st_mode & 0777) == 0600);
    CHECK_FALSE(has(ran.out + ran.err + program.journal(), "s3cr3t"));
    CHECK(has(ran.out, "user db_admin"));

    // Not over what is there, and nothing is sent then.
    const auto posts = program.server.count("POST", "*");
    const auto again =
        program({"restore", "prod", "n", "-o", "new-cluster=Restored-02", "-o", "password-file=" + file.string()});
    CHECK(again.code == 8);
    CHECK(Program::read(file) == "s3cr3t-once\n");
    const auto nowhere = program({"restore", "prod", "n", "-o", "new-cluster=Restored-02", "-o",
                                  "password-file=" + (program.folder / "no/such/folder").string()});
    CHECK(nowhere.code == 18);
    // A pipe would have the program wait for somebody who reads it.
    const auto pipe = (program.folder / "pipe").string();
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const auto piped =
        program({"restore", "prod", "n", "-o", "new-cluster=Restored-02", "-o", "password-file=" + pipe});
    CHECK(piped.code == 18);
    CHECK(has(piped.err, "is no file of yours"));
    const auto none = program({"restore", "prod", "n", "-o", "new-cluster=Restored-02"});
    CHECK(none.code == 2);
    CHECK(has(none.err, "-o password-file=FILE"));
    CHECK(program.server.count("POST", "*") == posts);
}

TEST_CASE("a backup is restored although its cluster is lost: as a new cluster, or into another one") {
    Program program;
    make(program, "n");
    program.server.change([](auto& script) { script.clusters.erase(Rig::cluster); });
    const auto ran = program({"restore", "prod", "n", "-o", "new-cluster=Restored-01", "-o", "cu-size=2", "-o",
                              "password-file=" + (program.folder / "password").string()});
    CAPTURE(ran.err);
    CHECK(ran.code == 0);
    const auto there = std::string("to-cluster=") + Rig::other;
    CHECK(program({"restore", "prod", "n", "-o", there}).code == 0);
    // Only where the cluster itself is needed, its loss stands in the way.
    CHECK(program({"restore", "prod", "n"}).code == 7);
    CHECK(program({"create", "prod", "--id", "m"}).code == 7);
    CHECK(program({"check", "prod"}).code == 7);
}

TEST_CASE("the password of a new cluster is told on the terminal when there is one") {
    Program program;
    make(program, "n");
    std::string told;
    program.tell = [&](std::string_view text) {
        told += text;
        return true;
    };
    const auto ran = program({"restore", "prod", "n", "-o", "new-cluster=Restored-01"});
    CHECK(ran.code == 0);
    CHECK(told == "the password of the new cluster Restored-01, told only now: s3cr3t-once\n");
    CHECK_FALSE(has(ran.out + ran.err + program.journal(), "s3cr3t"));
    // It is lost when nobody can be told; the cluster is there all the same.
    program.tell = [](std::string_view) { return false; };
    const auto lost = program({"restore", "prod", "n", "-o", "new-cluster=Restored-02"});
    CHECK(lost.code == 0);
    CHECK(has(lost.err, "the password of the new cluster Restored-02 is lost"));
}

TEST_CASE("a new cluster whose answer and process were lost is waited for, without a place for its lost password") {
    Program program;
    make(program, "n");
    const auto file = (program.folder / "password").string();
    // The answer is lost, and so is every look that could tell whether the request arrived.
    program.server.fault_once("POST", "*/restoreCluster", {.fault = Fault::reset}, true);
    program.server.fault_once("GET", "/v2/clusters", {.body = R"({"code":0,"data":{"count":0,"clusters":[]}})"});
    for (int look = 0; look < 60; ++look) program.server.fault_once("GET", "/v2/clusters", {.status = 503});
    const auto ran = program({"restore", "prod", "n", "-o", "new-cluster=Restored-01", "-o", "password-file=" + file});
    CHECK(ran.code == 9);
    program.server.finish();
    Ran waited;
    for (int attempt = 0; attempt < 20 && (attempt == 0 || waited.code != 0); ++attempt)
        waited = program({"wait", "prod", "n"});
    CAPTURE(waited.err);
    CHECK(waited.code == 0);
    CHECK(has(waited.err, "password of in01-"));
    CHECK(program.server.count("POST", "*/restoreCluster") == 1);
}

TEST_CASE("a job left under way is found again: status 4, wait, status 0") {
    auto script = Rig::two_clusters();
    script.looks = 20;
    Program program(script);
    const auto begun = program({"create", "prod", "--id", "n", "--no-wait"});
    CAPTURE(begun.err);
    CHECK(begun.code == 0);
    CHECK(has(begun.out, "under way"));
    const auto runs = program({"status", "prod", "n"});
    CHECK(runs.code == 4);
    CHECK(has(runs.out, "progress"));
    const auto document = nlohmann::json::parse(program({"status", "prod", "n", "--output", "json"}).out);
    CHECK(document.at("backup").at("progress").at("done") > 0);
    CHECK(document.at("backup").at("progress").at("total") == 100);
    CHECK(program({"wait", "prod", "n"}).code == 0);
    CHECK(program({"status", "prod", "n"}).code == 0);
    // Or finished by a look, once job and backup are good.
    REQUIRE(program({"create", "prod", "--id", "m", "--no-wait"}).code == 0);
    program.server.finish();
    const auto status = program({"status", "prod", "m"});
    CHECK(status.code == 0);
    CHECK(has(status.out, "complete"));
}

TEST_CASE("while the job is over and its backup still in the making, a look says so and waits for nothing") {
    auto script = Rig::two_clusters();
    script.looks = 1;
    script.settling = 40;
    Program program(script);
    REQUIRE(program({"create", "prod", "--id", "n", "--no-wait"}).code == 0);
    const auto status = program({"status", "prod", "n"});
    CHECK(status.code == 4);
    CHECK(has(status.out, "CREATING"));
    CHECK(program.clock.elapsed() < std::chrono::seconds(5));
    CHECK(program({"wait", "prod", "n"}).code == 0);
}

TEST_CASE("a backup that failed is explained by its job, also later and when nobody waited") {
    auto script = Rig::two_clusters();
    script.ending = "FAILED";
    script.reason = "not enough quota";
    Program program(script);
    const auto ran = program({"create", "prod", "--id", "n"});
    CHECK(ran.code == 11);
    CHECK(has(ran.err, "not enough quota"));
    const auto status = program({"status", "prod", "n"});
    CHECK(status.code == 11);
    CHECK(has(status.out, "not enough quota"));
    REQUIRE(program({"create", "prod", "--id", "m", "--no-wait"}).code == 0);
    for (int look = 0; look < 4; ++look) program({"list", "prod"});
    const auto later = program({"status", "prod", "m"});
    CHECK(later.code == 11);
    CHECK(has(later.out, "not enough quota"));
    CHECK(program.server.backups().empty());
}

TEST_CASE("the answer to a create is lost: one backup is made") {
    Program program;
    program.server.fault_once("POST", "*/create", {.fault = Fault::reset}, true);
    make(program, "n");
    CHECK(program.server.backups().size() == 1);
    CHECK(program.server.count("POST", "*/create") == 1);
    // And when it never arrived, it is sent again.
    program.server.fault_once("POST", "*/create", {.fault = Fault::close});
    make(program, "m");
    CHECK(program.server.backups().size() == 2);
    CHECK(program.server.count("POST", "*/create") == 3);
}

TEST_CASE("a create that was taken and answered with a failure of the server is made once") {
    for (const int status : {500, 503, 408}) {
        CAPTURE(status);
        Program program;
        program.server.fault_once("POST", "*/create", {.status = status}, true);
        make(program, "n");
        CHECK(program.server.backups().size() == 1);
        CHECK(program.server.count("POST", "*/create") == 1);
        CHECK(program({"status", "prod", "n"}).code == 0);
    }
}

TEST_CASE("a look that meets a failure of the server ends no wait") {
    const std::vector<test::Answer> failures{{.status = 500, .body = R"({"code":1,"message":"no"})"},
                                             {.status = 500},
                                             {.status = 404, .body = "404 page not found"},
                                             {.status = 507}};
    for (const auto& failure : failures) {
        CAPTURE(failure.status);
        Program program;
        program.server.fault_once("GET", "/v2/jobs/*", failure);
        make(program, "n");
        program.server.fault_once("GET", "/v2/jobs/*", failure);
        const auto restored = program({"restore", "prod", "n", "-o", "database=archive"});
        CAPTURE(restored.err);
        CHECK(restored.code == 0);
        // Of the backup itself, of the slot, and of a new cluster.
        program.server.fault_once("GET", "/v2/clusters/*/backups/*", failure);
        make(program, "m");
        program.server.begin_backup(Rig::cluster, "MANUAL");
        program.server.fault_once("GET", "/v2/backups", {.body = R"({"code":0,"data":{"count":0,"backups":[]}})"});
        program.server.fault_once("GET", "/v2/backups", failure);
        make(program, "o", {"-o", "wait-for-slot=true"});
    }
}

TEST_CASE("a second backup of the cluster is 9 and names the first; or waits for it") {
    auto script = Rig::two_clusters();
    script.looks = 12;
    Program program(script);
    const auto running = program.server.begin_backup(Rig::cluster, "MANUAL");
    const auto refused = program({"create", "prod", "--id", "n"});
    CHECK(refused.code == 9);
    CHECK(has(refused.err, running));
    CHECK(program.server.count("POST", "*/create") == 0);
    make(program, "n", {"-o", "wait-for-slot=true"});
    CHECK(program.server.backups().size() == 2);
}

TEST_CASE("--to is 14; the store of the configuration is not meant for it") {
    Program program;
    const auto ran = program({"create", "prod", "--id", "n", "--to", (program.folder / "store").string()});
    CHECK(ran.code == 14);
    CHECK(has(ran.err, "offers no download"));
    make(program, "n");
}

TEST_CASE("download is 14 but for an export; cancel and verify are 14") {
    Program program;
    make(program, "n");
    const auto refused = program({"download", "prod", "n"});
    CHECK(refused.code == 14);
    CHECK(has(refused.err, "-o integration=ID -o directory=DIR"));
    const std::vector<std::string> wish{"download", "prod", "n", "-o", "integration=integ-1", "-o", "directory=d/"};
    auto planned = wish;
    planned.emplace_back("--dry-run");
    CHECK(program(planned).code == 0);
    CHECK(program.server.count("POST", "*/export") == 0);
    const auto exported = program(wish);
    CAPTURE(exported.err);
    CHECK(exported.code == 0);
    CHECK(has(exported.out, "ended well"));
    program.server.change([](auto& script) {
        script.ending = "FAILED";
        script.reason = "access to the bucket was refused";
    });
    const auto failed = program(wish);
    CHECK(failed.code == 11);
    CHECK(has(failed.err, "access to the bucket was refused"));
    const auto cancel = program({"cancel", "prod", "n"});
    CHECK(cancel.code == 14);
    CHECK(has(cancel.err, "Jobs page"));
    CHECK(program({"verify", "prod", "n"}).code == 14);
}

TEST_CASE("an export that is not waited for to its end says which job goes on, and that is found by its id") {
    Program program;
    make(program, "n");
    program.server.change([](auto& script) { script.looks = 100'000; });
    const std::vector<std::string> wish{"download", "prod", "n", "-o", "integration=integ-1", "-o", "directory=d/"};
    auto brief = wish;
    brief.insert(brief.end(), {"--timeout", "2m", "--output", "json"});
    const auto late = program(brief);
    CHECK(late.code == 4);
    const auto error = nlohmann::json::parse(late.err.substr(late.err.rfind("{\"version\""))).at("error");
    const auto job = error.at("context").at("job").get<std::string>();
    CHECK(job.starts_with("job-"));
    CHECK(has(error.at("message"), "but the job goes on at the server"));
    CHECK(has(error.at("hint"), "`vbackup status prod " + job + "` shows it"));
    CHECK_FALSE(has(late.err, "nothing was begun"));
    const auto status = program({"status", "prod", job});
    CHECK(status.code == 4);
    CHECK(has(status.out, "MIGRATION"));
    auto impatient = wish;
    impatient.insert(impatient.end(), {"--stall", "10m"});
    CHECK(has(program(impatient).err, "`vbackup wait prod job-"));
    program.server.finish();
    CHECK(program({"wait", "prod", job}).code == 0);
    CHECK(program({"status", "prod", job}).code == 0);
    CHECK(program({"status", "prod", "job-none"}).code == 7);
    // A job is no backup.
    CHECK(program({"restore", "prod", job}).code == 12);
    CHECK(program({"delete", "prod", job, "--yes"}).code == 12);
    // The answer is lost: then nobody knows, and that is said.
    program.server.fault_once("POST", "*/export", {.body = "{}"}, true);
    const auto lost = program(wish);
    CHECK(lost.code == 17);
    CHECK(has(lost.err, "it is not known whether the server took the request"));
}

TEST_CASE("an export goes to no store: --to is 14, and nothing is sent") {
    Program program;
    make(program, "n");
    const auto posts = program.server.count("POST", "*");
    const auto ran = program({"download", "prod", "n", "--to", (program.folder / "store").string(), "-o",
                              "integration=integ-1", "-o", "directory=d/"});
    CHECK(ran.code == 14);
    CHECK(has(ran.err, "leave out --to"));
    CHECK(program({"download", "prod", "n", "--to", (program.folder / "store").string()}).code == 14);
    CHECK(program.server.count("POST", "*") == posts);
}

TEST_CASE("the policy is set, shown, listed and switched off, word for word") {
    Program program;
    require_golden_zilliz("schedule-none.txt", program({"schedule", "show", "prod"}));
    const std::vector<std::string> set{
        "schedule", "set",         "prod", "--weekdays", "mon,wed,fri",          "--hours",
        "2",        "--retention", "14d",  "-o",         "copy-to=aws-us-east-2"};
    auto planned = set;
    planned.emplace_back("--dry-run");
    require_golden_zilliz("schedule-dry-run.txt", program(planned));
    CHECK(program.server.policy(Rig::cluster).empty());
    require_golden_zilliz("schedule-set.txt", program(set));
    require_golden_zilliz("schedule-show.txt", program({"schedule", "show", "prod"}));
    require_golden_zilliz("schedule-list.json", program({"schedule", "list", "prod", "--output", "json"}));
    require_golden_zilliz("schedule-cron.txt", program({"schedule", "set", "prod", "--cron", "0 2 * * *"}));
    require_golden_zilliz("schedule-remove.txt", program({"schedule", "remove", "prod"}));
    // A set whose answer is lost is not sent twice.
    program.server.fault_once("POST", "*/policy", {.fault = Fault::reset}, true);
    const auto posts = program.server.count("POST", "*/policy");
    CHECK(program(set).code == 0);
    CHECK(program.server.count("POST", "*/policy") == posts + 1);
}

TEST_CASE("errors of the service, word for word") {
    Program program;
    program.server.change([](auto& script) { script.key = "another"; });
    require_golden_zilliz("denied.txt", program({"check", "prod"}));
    require_golden_zilliz("denied.json", program({"check", "prod", "--output", "json"}));
    program.server.change([](auto& script) { script.key = "key-1"; });
    program.server.fault_once("POST", "*/create", {.body = R"({"code":96038,"message":"Failed: no quota left"})"});
    require_golden_zilliz("create-refused.txt", program({"create", "prod", "--id", "n"}));
    CHECK(program({"create", "zilliz://in05-0123456789abcde"}).code == 16);
    std::ofstream(program.folder / ".config/vbackup/vbackup.toml", std::ios::app)
        << "[targets.small]\nurl = \"zilliz://in05-0123456789abcde\"\nbase_url = \"" << program.server.base()
        << "\"\napi_key_file = \"" << (program.folder / "key").string() << "\"\n";
    const auto before = program.server.http().requests().size();
    require_golden_zilliz("serverless.txt", program({"create", "small"}));
    CHECK(program.server.http().requests().size() == before);
}

TEST_CASE("a server that accepts and never ends is 5, a deadline 4, a word nobody knows 17") {
    auto script = Rig::two_clusters();
    script.looks = 1'000'000;
    script.progress = "0";
    Program program(script);
    const auto late = program({"create", "prod", "--id", "n", "--timeout", "2m"});
    CHECK(late.code == 4);
    CHECK(has(late.err, "vbackup wait prod n"));
    const auto stalled = program({"wait", "prod", "n", "--stall", "10m"});
    CHECK(stalled.code == 5);
    const auto job = nlohmann::json::parse(program({"list", "prod", "--output", "json"}).out);
    CHECK(job.at("backups").at(0).at("phase") == "running");
    std::string id;
    for (const auto& backup : program.server.backups()) id = backup.job;
    program.server.set_job(id, "DANCING");
    CHECK(program({"wait", "prod", "n", "--stall", "10m"}).code == 17);
}
