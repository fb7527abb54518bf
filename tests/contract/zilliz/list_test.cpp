// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "driver/zilliz/options.hpp"
#include "rig.hpp"

using namespace vbackup;
using model::Phase;
using model::Verb;
using test::Answer;
using test::context_of;
using test::error_of;
using test::Fault;
using Rig = test::ZillizRig;

TEST_CASE("the list goes through all pages, newest first") {
    Rig rig;
    for (int i = 0; i < 250; ++i) rig.server.add_backup({.id = fmt::format("backup{}_1", i), .cluster = Rig::cluster});
    rig.server.add_backup({.cluster = Rig::other});
    const auto all = rig.driver->list(rig.call, {});
    REQUIRE(all.size() == 250);
    CHECK(all.front().name == "backup249_1");
    CHECK(all.back().name == "backup0_1");
    CHECK(rig.server.count("GET", "/v2/backups") == 3);
    CHECK(rig.tally.warnings().empty());
    CHECK(rig.driver->list(rig.call, {{"all-clusters", "true"}}).size() == 251);
}

TEST_CASE("the list is whole with smaller pages than asked for, and when one goes while it is read") {
    Rig rig;
    for (int i = 0; i < 250; ++i) rig.server.add_backup({.id = fmt::format("backup{}_1", i), .cluster = Rig::cluster});
    rig.server.change([](auto& script) { script.page = 10; });
    CHECK(rig.driver->list(rig.call, {}).size() == 250);
    CHECK(rig.server.count("GET", "/v2/backups") == 25);
    // From the first page: the others move up, and one of them past the page that is asked for next.
    rig.server.change([](auto& script) {
        script.page = 100;
        script.goes = "backup249_1";
    });
    const auto all = rig.driver->list(rig.call, {});
    CHECK(all.size() == 249);
    CHECK(std::any_of(all.begin(), all.end(), [](const auto& one) { return one.name == "backup149_1"; }));
    CHECK(std::none_of(all.begin(), all.end(), [](const auto& one) { return one.name == "backup249_1"; }));
    CHECK(rig.tally.warnings().empty());
}

TEST_CASE("what the list shows of a backup") {
    Rig rig;
    rig.server.add_backup({.id = "backup3_87aa0911cc10001",
                           .name = "Dedicated-01_backup3",
                           .cluster = Rig::cluster,
                           .method = "AUTO",
                           .expires = "2026-11-28T08:00:00Z",
                           .size = 734'003'200});
    rig.server.begin_backup(Rig::cluster, "MANUAL");
    const auto all = rig.driver->list(rig.call, {});
    REQUIRE(all.size() == 2);
    CHECK(all[0].phase == Phase::running);
    CHECK(all[0].said == "CREATING");
    CHECK_FALSE(all[0].size);
    CHECK(all[1].name == "backup3_87aa0911cc10001");
    CHECK_FALSE(all[1].managed);
    CHECK(all[1].phase == Phase::succeeded);
    CHECK(all[1].size == 734'003'200);
    CHECK(all[1].driver == "zilliz");
    CHECK(all[1].where == "Zilliz Cloud: Dedicated-01_backup3, by the policy, until 2026-11-28T08:00:00Z");
    CHECK(all[1].started.has_value());
    CHECK(rig.driver->observe(rig.call, all[1].job, Milliseconds{0}).phase == Phase::succeeded);
}

TEST_CASE("filters reach the service, wrong ones nobody") {
    Rig rig;
    rig.server.add_backup({.id = "b1", .cluster = Rig::cluster, .method = "AUTO"});
    rig.server.add_backup({.id = "b2", .cluster = Rig::cluster, .type = "COLLECTION"});
    const auto names = [&](const model::Options& options) {
        std::string all;
        for (const auto& found : rig.driver->list(rig.call, options)) all += found.name + " ";
        return all;
    };
    CHECK(names({{"method", "AUTO"}}) == "b1 ");
    CHECK(names({{"type", "COLLECTION"}}) == "b2 ");
    CHECK(names({{"project", "proj-none"}}).empty());
    CHECK(names({{"start", "2026-11-21T07:47:30Z"}}) == "b2 ");
    CHECK(names({{"end", "2026-11-21T07:47:30Z"}}) == "b1 ");
    CHECK(rig.server.http().requests().back().query ==
          fmt::format("clusterId={}&end=2026-11-21T07%3A47%3A30Z&pageSize=100&currentPage=1", Rig::cluster));
    const auto before = rig.server.http().requests().size();
    CHECK_ERROR(ErrorKind::usage, "start cannot be", rig.driver->list(rig.call, {{"start", "yesterday"}}));
    CHECK_ERROR(ErrorKind::usage, "start is after",
                rig.driver->list(rig.call, {{"start", "2026-11-21T07:47:30Z"}, {"end", "2026-11-20T00:00:00Z"}}));
    CHECK(rig.server.http().requests().size() == before);
}

TEST_CASE("a backup is found by its id and by its name, of whatever cluster, with what is in it") {
    Rig rig;
    test::ScriptedZilliz::Backup backup{
        .id = "backup4_1f0c2d7be9a1342", .name = "Dedicated-01_backup4", .cluster = Rig::cluster};
    backup.type = "COLLECTION";
    backup.collections = {{"default", {{"articles", "LOADED"}}}, {"shop", {{"goods", "UNLOADED"}}}};
    rig.server.add_backup(backup);
    backup.id = "backup5_1";
    backup.name = "of_another";
    backup.cluster = Rig::other;
    backup.flat = true;
    rig.server.add_backup(backup);
    const auto found = rig.find("backup4_1f0c2d7be9a1342");
    CHECK(found.collections == std::vector<std::string>{"articles", "shop.goods"});
    CHECK(rig.find("Dedicated-01_backup4").job.name == "backup4_1f0c2d7be9a1342");
    CHECK(rig.find("Dedicated-01_backup4").name == "Dedicated-01_backup4");
    CHECK(rig.find("of_another").collections == std::vector<std::string>{"articles", "goods"});
    CHECK(rig.driver->list(rig.call, {{"name", "nope"}}).empty());
}

TEST_CASE("a name that several backups have is a conflict that lists their ids; the target's own come first") {
    Rig rig;
    rig.server.add_backup({.id = "backup1_1", .name = "Dedicated-01_backup1", .cluster = Rig::other});
    CHECK(rig.find("Dedicated-01_backup1").job.name == "backup1_1");
    rig.server.add_backup({.id = "backup1_2", .name = "Dedicated-01_backup1", .cluster = "in01-gone"});
    CHECK_ERROR(ErrorKind::conflict, "2 backups are called Dedicated-01_backup1: backup1_2 and backup1_1",
                rig.find("Dedicated-01_backup1"));
    CHECK(rig.find("backup1_1").job.name == "backup1_1");
    rig.server.add_backup({.id = "backup1_3", .name = "Dedicated-01_backup1", .cluster = Rig::cluster});
    CHECK(rig.find("Dedicated-01_backup1").job.name == "backup1_3");
    rig.server.add_backup({.id = "backup1_4", .name = "Dedicated-01_backup1", .cluster = Rig::cluster});
    CHECK_ERROR(ErrorKind::conflict, "backup1_4 and backup1_3", rig.find("Dedicated-01_backup1"));
}

TEST_CASE("a backup of another cluster is not deleted from here") {
    Rig rig;
    rig.server.add_backup({.id = "backup1_1", .name = "theirs", .cluster = Rig::other});
    const auto found = rig.find("theirs");
    auto asked = Rig::request(Verb::remove);
    asked.found = &found;
    const auto error = error_of([&] { rig.plan(asked); });
    CHECK(error.kind() == ErrorKind::refused);
    CHECK(error.message() == "backup backup1_1 is of the cluster in01-77f0e3bb2255190, not of in01-5b1c77aa90de321");
    CHECK(error.hint() == "to delete it name that one: zilliz://in01-77f0e3bb2255190");
    rig.open(std::string("zilliz://") + Rig::other);
    CHECK(rig.plan(asked).steps.size() == 1);
}

TEST_CASE("lists that make no sense are not understood, and so are those that twice count more than they show") {
    Rig rig;
    for (const auto* body :
         {"{}", R"({"code":0,"data":{"backups":[]}})", R"({"code":0,"data":{"count":1}})",
          R"({"code":0,"data":{"count":1,"backups":[7]}})",
          R"({"code":0,"data":{"count":1,"backups":[{"backupId":"b"}]}})",
          R"({"code":0,"data":{"count":1,"backups":[{"backupId":"b","status":"AVAILABLE","size":"7"}]}})",
          R"({"code":0,"data":{"count":-1,"backups":[]}})", R"({"code":0,"data":null})"}) {
        CAPTURE(body);
        rig.server.fault_once("GET", "/v2/backups", {.body = body});
        CHECK_ERROR(ErrorKind::not_understood, "", rig.driver->list(rig.call, {}));
    }
    const Answer short_list{.body = R"({"code":0,"data":{"count":3,"backups":[]}})"};
    rig.server.fault_once("GET", "/v2/backups", short_list);
    CHECK(rig.driver->list(rig.call, {}).empty());
    rig.server.fault_once("GET", "/v2/backups", short_list);
    rig.server.fault_once("GET", "/v2/backups", short_list);
    const auto error = error_of([&] { rig.driver->list(rig.call, {}); });
    CHECK(error.kind() == ErrorKind::not_understood);
    CHECK(error.message().find("counts 3 backups and shows 0, and did so twice") != std::string::npos);
    CHECK(context_of(error, "requestid").starts_with("req-"));
}

TEST_CASE("the China site is asked for its own regions only, and another address when one is configured") {
    driver::Settings settings;
    const auto base = [&](const std::string& region) {
        settings.options = {{"region", region}};
        return driver::zilliz::base_of(settings);
    };
    CHECK(base("") == "https://api.cloud.zilliz.com");
    CHECK(base("aws-us-west-2") == "https://api.cloud.zilliz.com");
    CHECK(base("ali-cn-hangzhou") == "https://api.cloud.zilliz.com.cn");
    CHECK(base("tc-ap-shanghai") == "https://api.cloud.zilliz.com.cn");
    settings.base_url = "https://proxy.example";
    CHECK(base("ali-cn-hangzhou") == "https://proxy.example");
}

TEST_CASE("check: the cluster, its tier, status and region") {
    Rig rig;
    const auto now = rig.driver->inspect(rig.call, {});
    CHECK(now.product == "Zilliz Cloud");
    CHECK(now.ready);
    REQUIRE(now.nodes.size() == 1);
    CHECK(now.nodes[0].name == Rig::cluster);
    CHECK(now.nodes[0].state == "RUNNING, Dedicated Enterprise, 4 CU, aws-us-west-2");
    CHECK(now.obstacles.empty());
    rig.server.change([](auto& script) { script.clusters[Rig::cluster].status = "STOPPED"; });
    const auto stopped = rig.driver->inspect(rig.call, {});
    CHECK_FALSE(stopped.ready);
    CHECK(stopped.obstacles.at(0) == std::string("cluster ") + Rig::cluster + " is STOPPED");
    rig.open("zilliz://in01-nobody");
    CHECK_ERROR(ErrorKind::not_found, "The cluster is not found. (code 96018)", rig.driver->inspect(rig.call, {}));
    CHECK_ERROR(ErrorKind::usage, "no address of a cluster", rig.open("zilliz://in01-x/y"));
}

TEST_CASE("a backup is deleted once, and what is gone is no error") {
    Rig rig;
    const auto manifest = rig.make_backup();
    auto asked = Rig::request(Verb::remove);
    asked.manifest = &manifest;
    const auto plan = rig.plan(asked);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].destroys);
    CHECK_FALSE(rig.driver->done(rig.call, plan.steps[0]).has_value());
    CHECK_FALSE(rig.driver->run(rig.call, plan.steps[0], nullptr).job);
    CHECK(rig.server.backups().empty());
    CHECK(rig.driver->done(rig.call, plan.steps[0]).has_value());
    const auto again = rig.plan(asked);
    CHECK(again.steps.empty());
    CHECK(again.notes.at(0).find("no longer has") != std::string::npos);
    CHECK(rig.driver->observe(rig.call, manifest.jobs[0], Milliseconds{0}).phase == Phase::gone);
}

TEST_CASE("one that is under way is not deleted") {
    Rig rig;
    const auto running = rig.server.begin_backup(Rig::cluster, "MANUAL");
    rig.server.change([](auto& script) { script.looks = 50; });
    const auto found = rig.find(running);
    auto asked = Rig::request(Verb::remove);
    asked.found = &found;
    CHECK_ERROR(ErrorKind::busy, "is under way (CREATING)", rig.plan(asked));
    CHECK(rig.server.count("DELETE", "*") == 0);
}

TEST_CASE("the size of a backup is told, its bytes are not to be had") {
    Rig rig;
    const auto manifest = rig.make_backup();
    const auto files = rig.driver->files(rig.call, manifest.jobs[0], {});
    REQUIRE(files.files.size() == 1);
    CHECK(files.files[0].size == 1'048'576);
    CHECK(files.files[0].server_name == manifest.jobs[0].name);
    CHECK_ERROR(ErrorKind::unsupported, "no download", rig.driver->open(rig.call, files.files[0], 0));
}

TEST_CASE("an export goes to a registered bucket, as a job; without one there is no download") {
    Rig rig;
    const auto manifest = rig.make_backup();
    auto asked = Rig::request(Verb::download);
    asked.manifest = &manifest;
    CHECK_ERROR(ErrorKind::unsupported, "offers no download", rig.plan(asked));
    asked.options = {{"integration", "integ-1"}};
    CHECK_ERROR(ErrorKind::usage, "only with -o directory", rig.plan(asked));
    asked.options = {{"integration", "integ-1"}, {"directory", "some/dir/"}};
    const auto plan = rig.plan(asked);
    CHECK(rig.carry_out(plan.steps.at(0)).phase == Phase::succeeded);
    CHECK(nlohmann::json::parse(rig.server.bodies("POST", "*/export").back()) ==
          nlohmann::json::parse(R"({"integrationId":"integ-1","directory":"some/dir/"})"));
    asked.options["integration"] = "integ-9";
    CHECK_ERROR(ErrorKind::not_found, "storage integration does not exist",
                rig.driver->run(rig.call, rig.plan(asked).steps.at(0), nullptr));
    asked.verb = Verb::cancel;
    asked.options = {};
    CHECK_ERROR(ErrorKind::unsupported, "has no cancel", rig.plan(asked));
}
