// SPDX-License-Identifier: Apache-2.0
// Looking, making, bringing home and deleting snapshots, on a scripted server.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "contract/qdrant/bench.hpp"
#include "io/digest.hpp"

namespace vbackup::test {
namespace {

using model::Phase;
using model::StepKind;

}  // namespace

TEST_CASE("a server is recognised by its title, with or without a key") {
    ScriptedQdrant server(TEST_DATA);
    Bench bench(server.base());
    const net::Http http({.base = server.base()});
    const auto* entry = driver::find_driver("qdrant");
    REQUIRE(entry != nullptr);
    CHECK(entry->recognise(bench.call, http));
    server.once("GET", "/", {.body = "<html><title>qdrant</title></html>"});
    CHECK_FALSE(entry->recognise(bench.call, http));
}

TEST_CASE("inspect sees version, collections, shards, indexes, aliases and exact counts") {
    Scripted bench;
    bench.server.with([](auto& state) { state.aliases["latest"] = "tiny"; });
    const auto now = bench.look();
    CHECK(now.product == "Qdrant");
    CHECK(now.version == "1.19.0");
    CHECK(now.obstacles.empty());
    REQUIRE(now.collections.size() == 1);
    const auto& tiny = now.collections.front();
    CHECK(tiny.count == 50);
    CHECK(tiny.shards == 1);
    CHECK(tiny.aliases == std::vector<std::string>{"latest"});
    const auto details = nlohmann::json::parse(tiny.details);
    CHECK(details.at("payload_schema").dump() == R"({"city":{"data_type":"keyword"},"num":{"data_type":"integer"}})");
    REQUIRE(now.nodes.size() == 1);
    CHECK(now.nodes.front().name == "8606914413529485");

    SUBCASE("without counts nothing is counted") {
        CHECK_FALSE(bench.look({.counts = false}).collections.front().count);
    }
    SUBCASE("an unknown name is not found, an alias neither") {
        CHECK(kind_of([&] { bench.look({.include = {"tinny"}}); }) == ErrorKind::not_found);
        const auto error = error_of([&] { bench.look({.include = {"latest"}}); });
        CHECK(error.kind() == ErrorKind::not_found);
        CHECK(error.hint() == "it is an alias of collection tiny: name that");
    }
}

TEST_CASE("what would spoil a snapshot is an obstacle, and a cluster is never taken in part") {
    Scripted bench;
    SUBCASE("a shard that is not active") {
        bench.server.with([](auto& state) { state.collections["tiny"].shards[0].state = "Partial"; });
        REQUIRE(bench.look().obstacles.size() == 1);
        CHECK(kind_of([&] { bench.create_plan(true); }) == ErrorKind::refused);
    }
    SUBCASE("a red collection") {
        bench.server.with([](auto& state) { state.collections["tiny"].status = "red"; });
        CHECK(bench.look().obstacles.size() == 1);
    }
    SUBCASE("yellow is at work, not ill") {
        bench.server.with([](auto& state) { state.collections["tiny"].status = "yellow"; });
        CHECK(bench.look().obstacles.empty());
    }
    SUBCASE("more than one peer, of which two cannot be reached") {
        bench.server.with([](auto& state) { state.peers = 3; });
        CHECK(bench.look().obstacles.size() == 2);
        CHECK(kind_of([&] { bench.create_plan(true); }) == ErrorKind::refused);
    }
    SUBCASE("cluster mode with one peer is one node") {
        bench.server.with([](auto& state) { state.peers = 1; });
        CHECK_NOTHROW(bench.create_plan(true));
    }
    SUBCASE("a key that may not ask for the cluster, and replicas elsewhere") {
        bench.server.once(
            "GET", "/cluster",
            {.status = 403, .body = R"({"status":{"error":"Forbidden: Global access is required"},"time":0})"});
        bench.server.once(
            "GET", "/cluster",
            {.status = 403, .body = R"({"status":{"error":"Forbidden: Global access is required"},"time":0})"});
        bench.server.with([](auto& state) { state.collections["tiny"].remote = 1; });
        CHECK(kind_of([&] { bench.create_plan(true); }) == ErrorKind::denied);
    }
    SUBCASE("nothing there") {
        bench.server.with([](auto& state) { state.collections.clear(); });
        CHECK(kind_of([&] { bench.create_plan(true); }) == ErrorKind::refused);
    }
}

TEST_CASE("a create of each unit comes home whole and leaves the server clean") {
    Scripted bench;
    const std::string unit = [] {
        std::string chosen;
        SUBCASE("shard") {
            chosen = "shard";
        }
        SUBCASE("collection") {
            chosen = "collection";
        }
        SUBCASE("storage") {
            chosen = "storage";
        }
        return chosen;
    }();
    bench.server.with([](auto& state) { state.looks_until_made = 3; });
    const auto plan = bench.create_plan(true, {{"unit", unit}});
    REQUIRE(plan.steps.size() == 3);
    CHECK(plan.steps[0].kind == StepKind::change);
    CHECK(plan.steps[1].kind == StepKind::fetch);
    CHECK(plan.steps[2].tidy);
    Walk walk(bench.call, *bench.driver);
    walk.run(plan);
    REQUIRE(walk.files.size() == 1);
    const auto& file = walk.files.front();
    CHECK(file.name == (unit == "shard"     ? "data/tiny/shard-0.snapshot"
                        : unit == "storage" ? "data/storage.snapshot"
                                            : "data/tiny.snapshot"));
    CHECK(walk.bytes[file.name] == (unit == "shard" ? ScriptedQdrant::tiny_shard() : ScriptedQdrant::tiny()));
    CHECK(file.server_sha256 == file.sha256);
    CHECK(bench.driver->list(bench.call, {}).size() == 1);
    CHECK(bench.server.count("POST", "*snapshots?wait=false") == 1);
    walk.tidy(plan);
    CHECK(bench.driver->list(bench.call, {}).empty());
}

TEST_CASE("keep-on-server, and a backup that stays with the server, delete nothing") {
    Scripted bench;
    CHECK(ids(bench.create_plan(true, {{"keep-on-server", "true"}})) ==
          std::vector<std::string>{"snapshot:tiny:0", "fetch:tiny:0"});
    CHECK(ids(bench.create_plan(false)) == std::vector<std::string>{"snapshot:tiny:0"});
}

TEST_CASE("a snapshot that was there before is never taken for ours") {
    Scripted bench;
    const auto& tiny = ScriptedQdrant::tiny();
    bench.server.with([&](auto& state) {
        state.collections["tiny"].snapshots = {{"tiny-8606914413529485-2026-11-21-07-00-00.snapshot", tiny, ""}};
        state.looks_until_made = 2;
    });
    const auto plan = bench.create_plan(false, {{"unit", "collection"}});
    // Another tool makes one between the plan and the run.
    bench.server.with([&](auto& state) {
        state.collections["tiny"].snapshots.push_back({"tiny-8606914413529485-2026-11-21-07-30-00.snapshot", tiny, ""});
    });
    Walk walk(bench.call, *bench.driver);
    walk.run(plan);
    CHECK(walk.jobs["snapshot:tiny"].name == "tiny-8606914413529485-2026-11-21-08-00-00.snapshot");
}

TEST_CASE("when two snapshots appear at once neither is deleted") {
    Scripted bench;
    const auto plan = bench.create_plan(true);
    Walk walk(bench.call, *bench.driver);
    const auto outcome = bench.driver->run(bench.call, plan.steps[0], nullptr);
    bench.server.with([](auto& state) {
        state.collections["tiny"].shards[0].snapshots.push_back(
            {"tiny-shard-0-2026-11-21-09-00-00.snapshot", ScriptedQdrant::tiny_shard(), ""});
        for (auto& one : state.collections["tiny"].shards[0].snapshots) one.looks = 0;
    });
    const auto seen = bench.driver->observe(bench.call, *outcome.job, Milliseconds{0});
    REQUIRE(seen.next);
    CHECK(seen.next->name == "tiny-shard-0-2026-11-21-08-00-00.snapshot");
    bench.driver->files(bench.call, *seen.next, no_peek());
    CHECK(kind_of([&] { bench.driver->run(bench.call, plan.steps[2], nullptr); }) == ErrorKind::refused);
    CHECK(bench.server.count("DELETE", "*") == 0);
}

TEST_CASE("a snapshot that fails at the server is seen as failed, not waited for") {
    Scripted bench;
    bench.server.with([](auto& state) { state.makes = false; });
    const auto plan = bench.create_plan(false);
    Walk walk(bench.call, *bench.driver);
    SUBCASE("where the server shows what it is at work on") {
        const auto seen = walk.change(plan.steps[0]);
        CHECK(seen.phase == Phase::failed);
        CHECK(seen.why.find("its log has the reason") != std::string::npos);
        CHECK(bench.clock.elapsed() < Seconds(10));
    }
    SUBCASE("where it does not, it stays running until a limit ends it") {
        bench.server.with([](auto& state) { state.shows_work = false; });
        const auto outcome = bench.driver->run(bench.call, plan.steps[0], nullptr);
        for (int i = 0; i < 100; ++i) {
            CHECK(bench.driver->observe(bench.call, *outcome.job, Milliseconds{0}).phase == Phase::running);
            bench.clock.advance(Seconds(12));
        }
    }
    SUBCASE("a collection that went away") {
        const auto outcome = bench.driver->run(bench.call, plan.steps[0], nullptr);
        bench.server.with([](auto& state) { state.collections.clear(); });
        CHECK(bench.driver->observe(bench.call, *outcome.job, Milliseconds{0}).phase == Phase::failed);
    }
}

TEST_CASE("a server that knows no wait=false answers with the snapshot itself") {
    Scripted bench;
    bench.server.with([](auto& state) { state.knows_wait = false; });
    const auto plan = bench.create_plan(false);
    const auto outcome = bench.driver->run(bench.call, plan.steps[0], nullptr);
    REQUIRE(outcome.job);
    CHECK(outcome.job->name == "tiny-shard-0-2026-11-21-08-00-00.snapshot");
    CHECK(bench.driver->observe(bench.call, *outcome.job, Milliseconds{0}).phase == Phase::succeeded);
}

TEST_CASE("a lost answer to the POST: what was taken is found, what was not is sent again") {
    Scripted bench;
    const auto plan = bench.create_plan(false);
    CHECK_FALSE(bench.driver->done(bench.call, plan.steps[0]));
    bench.server.lose_answer("POST", "/collections/tiny/shards/0/snapshots");
    CHECK(kind_of([&] { bench.driver->run(bench.call, plan.steps[0], nullptr); }) == ErrorKind::unreachable);
    bench.driver->list(bench.call, {});
    const auto outcome = bench.driver->done(bench.call, plan.steps[0]);
    REQUIRE(outcome);
    REQUIRE(outcome->job);
    CHECK(bench.driver->observe(bench.call, *outcome->job, Milliseconds{0}).next->name ==
          "tiny-shard-0-2026-11-21-08-00-00.snapshot");
}

TEST_CASE("a snapshot that vanished is gone, and its download says where to look") {
    Scripted bench;
    const auto plan = bench.create_plan(false);
    Walk walk(bench.call, *bench.driver);
    walk.run(plan);
    const auto file = bench.driver->files(bench.call, walk.jobs["snapshot:tiny:0"], no_peek()).files.front();
    bench.server.with([](auto& state) { state.collections["tiny"].shards[0].snapshots.clear(); });
    CHECK(bench.driver->observe(bench.call, walk.jobs["snapshot:tiny:0"], Milliseconds{0}).phase == Phase::gone);
    const auto error = error_of([&] { bench.driver->open(bench.call, file, 0); });
    CHECK(error.kind() == ErrorKind::not_found);
    CHECK(error.hint().find("another node") != std::string::npos);
    CHECK(kind_of([&] { bench.driver->files(bench.call, walk.jobs["snapshot:tiny:0"], no_peek()); }) ==
          ErrorKind::not_found);
}

TEST_CASE("a download goes on where it was cut") {
    Scripted bench;
    Walk walk(bench.call, *bench.driver);
    walk.run(bench.create_plan(false, {{"unit", "collection"}}));
    const auto file = bench.driver->files(bench.call, walk.jobs["snapshot:tiny"], no_peek()).files.front();
    const auto whole = ScriptedQdrant::tiny();
    const std::string pattern = "/collections/tiny/snapshots/*";

    SUBCASE("cut at any of these bytes") {
        for (const std::size_t at : {std::size_t{1}, std::size_t{511}, std::size_t{65536}, whole.size() - 1}) {
            bench.server.once("GET", pattern,
                              {.body = whole,
                               .headers = {{"ETag", "\"51096d:1fc00:6b014a01:1f310534\""}},
                               .fault = Fault::cut,
                               .fault_at = at});
            std::string got;
            CHECK(kind_of([&] {
                      auto source = bench.driver->open(bench.call, file, 0);
                      std::byte block[4096];
                      while (const auto count = source->read(block))
                          got.append(reinterpret_cast<const char*>(block), count);
                  }) == ErrorKind::unreachable);
            CHECK(got == whole.substr(0, got.size()));
            auto rest = bench.driver->open(bench.call, file, got.size());
            CHECK(rest->offset() == got.size());
            CHECK(got + io::read_all(*rest, whole.size()) == whole);
            CHECK(bench.server.server().requests().back().header("if-match") == "\"51096d:1fc00:6b014a01:1f310534\"");
        }
    }
    SUBCASE("complete already") {
        const auto rest = bench.driver->open(bench.call, file, whole.size());
        CHECK(rest->offset() == whole.size());
        CHECK(io::read_all(*rest, 1).empty());
    }
    SUBCASE("longer than the file: from the beginning") {
        CHECK(bench.driver->open(bench.call, file, whole.size() + 10)->offset() == 0);
    }
    SUBCASE("made anew under the same name: from the beginning") {
        io::read_all(*bench.driver->open(bench.call, file, 0), whole.size());
        bench.server.with([&](auto& state) { state.collections["tiny"].snapshots[0].bytes += "x"; });
        CHECK(bench.driver->open(bench.call, file, 100)->offset() == 0);
    }
    SUBCASE("kept in S3 it knows no ranges") {
        bench.server.with([](auto& state) { state.s3 = true; });
        auto source = bench.driver->open(bench.call, file, 100);
        CHECK(source->offset() == 0);
        CHECK(io::read_all(*source, whole.size()) == whole);
    }
    SUBCASE("bytes that changed on their way differ from the server's digest") {
        CHECK(file.server_sha256 == io::sha256(whole));
    }
}

TEST_CASE("with S3 a collection's list shows the snapshots of its shards: they are not the collection's") {
    Scripted bench;
    bench.server.with([](auto& state) {
        state.looks_until_made = 2;
        state.s3 = true;
    });
    const auto plan = bench.create_plan(false, {{"unit", "collection"}});
    const auto outcome = bench.driver->run(bench.call, plan.steps[0], nullptr);
    bench.server.with([](auto& state) {
        state.collections["tiny"].snapshots.push_back({"tiny-shard-0-2026-11-21-07-58-12.snapshot", "x", ""});
        state.collections["tiny"].snapshots.push_back({"evil.snapshot", "x", ""});
    });
    CHECK(bench.driver->observe(bench.call, *outcome.job, Milliseconds{0}).phase == Phase::running);
}

TEST_CASE("delete removes what the server has, and is content with what is gone") {
    Scripted bench;
    Walk walk(bench.call, *bench.driver);
    walk.run(bench.create_plan(false));
    const auto found = bench.driver->list(bench.call, {});
    REQUIRE(found.size() == 1);
    CHECK(found.front().collections == std::vector<std::string>{"tiny"});
    CHECK(found.front().phase == Phase::succeeded);
    CHECK(found.front().size == ScriptedQdrant::tiny_shard().size());
    auto request = bench.request(model::Verb::remove);
    request.found = &found.front();
    const auto plan = bench.driver->plan(bench.call, request, no_peek());
    REQUIRE(plan.steps.size() == 1);
    CHECK(plan.steps.front().destroys);
    CHECK_FALSE(bench.driver->done(bench.call, plan.steps.front()));
    walk.run(plan);
    CHECK(bench.driver->done(bench.call, plan.steps.front()));
    CHECK_NOTHROW(walk.run(plan));
    CHECK(bench.driver->list(bench.call, {}).empty());
}

TEST_CASE("a result of false is no deletion") {
    Scripted bench;
    Walk walk(bench.call, *bench.driver);
    walk.run(bench.create_plan(false));
    const auto found = bench.driver->list(bench.call, {});
    auto request = bench.request(model::Verb::remove);
    request.found = &found.front();
    const auto plan = bench.driver->plan(bench.call, request, no_peek());
    bench.server.once("DELETE", "*", {.body = R"({"result":false,"status":"ok","time":0.1})"});
    CHECK(kind_of([&] { bench.driver->run(bench.call, plan.steps[0], nullptr); }) == ErrorKind::job_failed);
    // Neither is a 404 that is not the server's own.
    for (const auto* body : {"", "{}", "<html><body>404 Not Found</body></html>"}) {
        bench.server.once("DELETE", "*", {.status = 404, .body = body});
        CHECK(kind_of([&] { bench.driver->run(bench.call, plan.steps[0], nullptr); }) == ErrorKind::not_understood);
    }
    CHECK_NOTHROW(bench.driver->run(bench.call, plan.steps[0], nullptr));
    CHECK_NOTHROW(bench.driver->run(bench.call, plan.steps[0], nullptr));
}

TEST_CASE("cancel is not to be had, and says what to do") {
    Scripted bench;
    const auto error = error_of([&] { bench.driver->plan(bench.call, bench.request(model::Verb::cancel), no_peek()); });
    CHECK(error.kind() == ErrorKind::unsupported);
    CHECK(error.hint().find("vbackup delete") != std::string::npos);
}

TEST_CASE("keys: none, wrong, read-only, and as a bearer") {
    ScriptedQdrant server(TEST_DATA);
    CHECK(kind_of([&] { Bench(server.base(), "").look(); }) == ErrorKind::denied);
    CHECK(kind_of([&] { Bench(server.base(), "nope").look(); }) == ErrorKind::denied);
    CHECK_NOTHROW(Bench(server.base(), ScriptedQdrant::key, {{"auth", "bearer"}}).look());
    CHECK(server.server().requests().back().header("authorization") == "Bearer test-key-123");
    CHECK(server.server().requests().back().header("api-key").empty());
    Bench reader(server.base(), ScriptedQdrant::read_only_key);
    CHECK_NOTHROW(reader.look());
    const auto error = error_of([&] { reader.create_plan(false); });
    CHECK(server.count("POST", "*snapshots*") == 0);
    CHECK(error.kind() == ErrorKind::denied);
    CHECK(error.message().find("Global manage access is required") != std::string::npos);
    CHECK_FALSE(error.hint().empty());
}

TEST_CASE("answers that make no sense are never success") {
    Scripted bench;
    struct Case {
        Answer answer;
        ErrorKind kind;
    };
    const std::vector<Case> cases = {
        {{.body = "<html><body>login</body></html>", .headers = {{"Content-Type", "text/html"}}},
         ErrorKind::not_understood},
        {{.body = R"({"result":[],"status":"ok"})"}, ErrorKind::not_understood},
        {{.body = R"({"result":{"collections":[{"name":7}]},"status":"ok"})"}, ErrorKind::not_understood},
        {{.body = R"({"status":"ok"})"}, ErrorKind::not_understood},
        {{.body = ""}, ErrorKind::not_understood},
        {{.body = R"({"status":{"error":"Service internal error: disk"},"time":0})"}, ErrorKind::job_failed},
        {{.status = 413, .body = "<html>413</html>", .headers = {{"Content-Type", "text/html"}}}, ErrorKind::refused},
        {{.status = 507, .body = R"({"status":{"error":"quota"},"time":0})"}, ErrorKind::storage},
        {{.status = 404}, ErrorKind::not_found},
    };
    for (const auto& one : cases) {
        CAPTURE(one.answer.body);
        bench.server.once("GET", "/collections", one.answer);
        CHECK(kind_of([&] { bench.look(); }) == one.kind);
    }
}

TEST_CASE("a full disk of the server is said to be one") {
    Scripted bench;
    const auto plan = bench.create_plan(false);
    const std::pair<const char*, const char*> answers[] = {
        {"text/plain; charset=utf-8", "An error occurred processing field: snapshot"},
        {"application/json",
         R"~({"status":{"error":"Service internal error: No space left on device (os error 28)"},"time":0})~"}};
    for (const auto& [type, body] : answers) {
        CAPTURE(body);
        bench.server.once("POST", "*", {.status = 500, .body = body, .headers = {{"Content-Type", type}}});
        CHECK(kind_of([&] { bench.driver->run(bench.call, plan.steps[0], nullptr); }) == ErrorKind::storage);
    }
}

TEST_CASE("reads are repeated over 429, 503 and a broken line, a POST is not") {
    Scripted bench;
    bench.server.once("GET", "/collections", {.status = 429, .headers = {{"Retry-After", "1"}}});
    bench.server.once("GET", "/collections",
                      {.status = 503, .body = R"({"status":{"error":"Service unavailable"},"time":0})"});
    bench.server.once("GET", "/collections", {.fault = Fault::reset});
    CHECK_NOTHROW(bench.look());
    const auto plan = bench.create_plan(false);
    bench.server.once("POST", "*", {.status = 503, .body = R"({"status":{"error":"Service unavailable"},"time":0})"});
    CHECK(kind_of([&] { bench.driver->run(bench.call, plan.steps[0], nullptr); }) == ErrorKind::busy);
}

TEST_CASE("a server that is not there is unreachable") {
    std::string base;
    {
        ScriptedQdrant server(TEST_DATA);
        base = server.base();
    }
    CHECK(kind_of([&] { Bench(base).look(); }) == ErrorKind::unreachable);
}

TEST_CASE("a snapshot that would take the place of one of the same second waits for the next") {
    for (const std::string unit : {"shard", "collection", "storage"}) {
        CAPTURE(unit);
        Scripted bench;
        const auto old = bench.create_plan(false, {{"unit", "collection"}});
        bench.driver->run(bench.call, old.steps.at(0), nullptr);
        const auto shard = bench.create_plan(false, {{"unit", "shard"}});
        bench.driver->run(bench.call, shard.steps.at(0), nullptr);
        for (int look = 0; look < 3; ++look) bench.driver->list(bench.call, {});
        const auto plan = bench.create_plan(false, {{"unit", unit}});
        bench.server.with([](auto& state) { state.date = "Sat, 21 Nov 2026 07:36:33 GMT"; });
        CHECK(error_of([&] { bench.driver->run(bench.call, plan.steps.at(0), nullptr); }).kind() == ErrorKind::busy);
        bench.server.with([](auto& state) { state.date = "Sat, 21 Nov 2026 07:36:34 GMT"; });
        CHECK(bench.driver->run(bench.call, plan.steps.at(0), nullptr).job);
    }
}

}  // namespace vbackup::test
