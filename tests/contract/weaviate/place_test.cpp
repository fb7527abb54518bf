// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "rig.hpp"

namespace {

using namespace vbackup;
using model::StepKind;
using model::Verb;
using nlohmann::json;
using test::Rig;

}  // namespace

TEST_CASE("a backup's folder is opened only when its descriptor is the server's") {
    Rig rig;
    const auto manifest = rig.make_backup();
    const auto files = rig.driver->files(rig.call, manifest.jobs[0], rig.peek);
    CHECK(files.files.empty());
    REQUIRE(files.location);
    CHECK(files.location->url == "file:///var/lib/weaviate/backups/b1");

    const auto whole = *rig.server.descriptor("b1");
    const auto with = [&](std::optional<std::string> text) {
        return driver::Peek([text](const model::Location&, const std::string&) { return text; });
    };
    auto other_id = json::parse(whole), other_start = json::parse(whole), no_start = json::parse(whole);
    other_id["id"] = "b2";
    other_start["startedAt"] = "2026-11-20T07:18:25.867816248Z";
    no_start.erase("startedAt");
    for (const auto& text :
         {other_id.dump(), other_start.dump(), no_start.dump(), std::string("{"), std::string("[]")}) {
        INFO(text);
        CHECK_ERROR(ErrorKind::unsupported, "is not the server's backup b1",
                    rig.driver->files(rig.call, manifest.jobs[0], with(text)));
    }
    CHECK_ERROR(ErrorKind::unsupported, "this machine does not see",
                rig.driver->files(rig.call, manifest.jobs[0], with(std::nullopt)));
    rig.server.forget("b1");
    CHECK_ERROR(ErrorKind::not_found, "no such backup b1", rig.driver->files(rig.call, manifest.jobs[0], rig.peek));
}

TEST_CASE("a bucket is not reached, and that is said with the way out") {
    auto script = Rig::two_collections();
    script.modules = {"s3"};
    Rig rig(script);
    const auto manifest = rig.make_backup();
    CHECK_ERROR(ErrorKind::unsupported, "does not reach s3://weaviate/b1 yet",
                rig.driver->files(rig.call, manifest.jobs[0], rig.peek));
    for (const auto verb : {Verb::download, Verb::remove}) {
        auto asked = rig.request(verb);
        asked.manifest = &manifest;
        const auto error = test::error_of([&] { rig.plan(asked); });
        CHECK(error.kind() == ErrorKind::unsupported);
        CHECK(error.hint() == "name a store in that bucket in the configuration, or use your cloud's tool");
    }
}

TEST_CASE("a bucket that is reached is taken for the server's only by its descriptor") {
    auto script = Rig::two_collections();
    script.modules = {"s3"};
    Rig rig(script);
    const auto manifest = rig.make_backup();
    Rig with_folder;
    with_folder.make_backup();
    auto text = with_folder.server.descriptor("b1");
    REQUIRE(text);
    const auto peek = driver::Peek([&](const model::Location& location, const std::string&) {
        CHECK(location.url == "s3://weaviate/b1");
        return text;
    });
    const auto files = rig.driver->files(rig.call, manifest.jobs[0], peek);
    REQUIRE(files.location);
    CHECK(files.location->url == "s3://weaviate/b1");
    auto stranger = json::parse(*text);
    stranger["startedAt"] = "2026-11-20T07:18:25.867816248Z";
    text = stranger.dump();
    CHECK_ERROR(ErrorKind::unsupported, "is not the server's backup b1",
                rig.driver->files(rig.call, manifest.jobs[0], peek));
}

TEST_CASE("a download is one fetch of the job's files") {
    Rig rig;
    const auto manifest = rig.make_backup();
    auto asked = rig.request(Verb::download);
    asked.manifest = &manifest;
    const auto plan = rig.plan(asked);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].kind == StepKind::fetch);
    REQUIRE(plan.steps[0].job);
    CHECK(plan.steps[0].job->name == "b1");
    CHECK(plan.notes.empty());
    rig.make_backup("inc", {{"base", "b1"}});
    const auto found = rig.driver->list(rig.call, {{"name", "inc"}}).at(0);
    asked.manifest = nullptr;
    asked.found = &found;
    CHECK(rig.plan(asked).notes.at(0).find("builds on b1") != std::string::npos);
    rig.server.change([](auto& script) { script.ending = "FAILED"; });
    rig.carry_out(rig.plan(rig.request(Verb::create, "bad")));
    const auto bad = rig.driver->list(rig.call, {{"name", "bad"}}).at(0);
    asked.found = &bad;
    CHECK_ERROR(ErrorKind::refused, "backup bad is FAILED", rig.plan(asked));
    CHECK_ERROR(ErrorKind::refused, "its files are not whole", rig.driver->files(rig.call, bad.job, rig.peek));
}

TEST_CASE("a delete erases the folder, but not a base, not what runs, not a stranger's") {
    Rig rig;
    const auto manifest = rig.make_backup();
    auto asked = rig.request(Verb::remove);
    asked.manifest = &manifest;
    const auto plan = rig.plan(asked);
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps[0].kind == StepKind::erase);
    CHECK(plan.steps[0].destroys);
    CHECK(plan.steps[0].location->url == "file:///var/lib/weaviate/backups/b1");
    rig.make_backup("inc", {{"base", "b1"}});
    CHECK_ERROR(ErrorKind::refused, "backup inc builds on b1", rig.plan(asked));
    rig.server.forget("inc");
    rig.sees_disk = false;
    CHECK_ERROR(ErrorKind::unsupported, "this machine does not see", rig.plan(asked));
    rig.server.forget("b1");
    const auto gone = rig.plan(asked);
    CHECK(gone.steps.empty());
    CHECK(gone.notes.at(0).find("no such backup b1 any more") != std::string::npos);
}

TEST_CASE("a running backup is not deleted, one that a crash left is") {
    Rig rig;
    rig.driver->run(rig.call, rig.plan(rig.request(Verb::create)).steps[0], nullptr);
    const auto found = rig.driver->list(rig.call, {{"name", "b1"}}).at(0);
    auto asked = rig.request(Verb::remove);
    asked.found = &found;
    CHECK_ERROR(ErrorKind::busy, "backup b1 is under way", rig.plan(asked));
    rig.server.crash();
    CHECK(rig.plan(asked).steps.size() == 1);
}

TEST_CASE("files are known by their names, and none is downloaded from the server") {
    Rig rig;
    CHECK(rig.driver->format("backup_config.json") == model::Format::json);
    CHECK(rig.driver->format("node1/backup.json") == model::Format::json);
    CHECK(rig.driver->format("node1/Article/chunk-12") == model::Format::weaviate_chunk);
    CHECK(rig.driver->format("node1/Article/other") == model::Format::unknown);
    CHECK_ERROR(ErrorKind::unsupported, "offers no download", rig.driver->open(rig.call, {.name = "data/x"}, 0));
}
