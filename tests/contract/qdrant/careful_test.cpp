// SPDX-License-Identifier: Apache-2.0
// What a restore looks at before it deletes anything, and what it keeps that is not in the backup; on a scripted server.
#include <doctest/doctest.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "contract/qdrant/bench.hpp"

namespace vbackup::test {
namespace {

using nlohmann::json;

void change_config(ScriptedQdrant& server, const json& patch) {
    server.with([&](auto& state) {
        auto config = json::parse(state.collections["tiny"].config);
        config.merge_patch(patch);
        state.collections["tiny"].config = config.dump();
    });
}

bool says(const std::vector<std::string>& notes, const std::string& text) {
    return std::any_of(notes.begin(), notes.end(),
                       [&](const auto& note) { return note.find(text) != std::string::npos; });
}

// Was it thrown, and is it Error{usage}?
template <typename Action>
bool is_usage(Action action) {
    const auto error = error_of(action);
    return error.kind() == ErrorKind::usage && error.message() != "nothing was thrown";
}

}  // namespace

TEST_CASE("left with the server: nothing is deleted for a snapshot that is not there") {
    for (const auto* unit : {"shard", "collection"}) {
        CAPTURE(unit);
        const bool whole = unit == std::string("collection");
        Restoring bench;
        const auto manifest = bench.backup(unit, false);
        CHECK_NOTHROW(bench.restore_plan(manifest, {}, true));
        const auto with_stored = [&](auto change) {
            bench.server.with([&](auto& state) {
                auto& tiny = state.collections["tiny"];
                change(whole ? tiny.snapshots : tiny.shards[0].snapshots);
            });
        };
        with_stored([](auto& stored) { stored[0].checksum = std::string(64, 'a'); });
        CHECK(kind_of([&] { bench.restore_plan(manifest, {}, true); }) == ErrorKind::corrupt);
        with_stored([](auto& stored) { stored[0].checksum = "BLUE"; });
        CHECK(kind_of([&] { bench.restore_plan(manifest, {}, true); }) == ErrorKind::not_understood);
        with_stored([](auto& stored) { stored[0].checksum.clear(); });
        CHECK_NOTHROW(bench.restore_plan(manifest, {}, true));
        with_stored([](auto& stored) { stored.clear(); });
        CHECK(kind_of([&] { bench.restore_plan(manifest, {}, true); }) == ErrorKind::not_found);
    }
}

TEST_CASE("brought home, and the server's copy deleted: from=server says so before it deletes anything") {
    Restoring bench;
    const auto manifest = bench.backup("shard");
    bench.server.with([](auto& state) { state.collections["tiny"].shards[0].snapshots.clear(); });
    CHECK(kind_of([&] { bench.restore_plan(manifest, {{"from", "server"}}, true); }) == ErrorKind::not_found);
    bench.server.with([](auto& state) { state.collections["tiny"].shards.clear(); });
    CHECK(kind_of([&] { bench.restore_plan(manifest, {{"from", "server"}}, true); }) == ErrorKind::not_found);
    bench.server.with([](auto& state) {
        state.collections["drill"] = state.collections["tiny"];
        state.collections.erase("tiny");
    });
    CHECK(kind_of([&] {
              bench.restore_plan(manifest, {{"from", "server"}}, true, {{"tiny", "drill"}});
          }) == ErrorKind::not_found);
}

TEST_CASE("a url is for one collection snapshot, is never ignored, and nothing is deleted for it") {
    Restoring bench;
    const model::Options url = {{"url", "https://files.example/tiny.snapshot"}};
    const auto manifest = bench.backup("collection");
    const auto error = error_of([&] { bench.restore_plan(manifest, url, true); });
    CHECK(error.kind() == ErrorKind::refused);
    CHECK(error.hint().find("--rename") != std::string::npos);
    CHECK(kind_of([&] { bench.restore_plan(manifest, {{"url", "file:///s/a"}}, true); }) == ErrorKind::refused);

    const auto plan = bench.restore_plan(manifest, url, false, {{"tiny", "drill"}});
    const auto& put = step_of(plan, "put:drill");
    CHECK(put.kind == model::StepKind::change);
    CHECK(put.details.find("files.example") != std::string::npos);

    auto both = url;
    both["from"] = "upload";
    CHECK(is_usage([&] { bench.restore_plan(manifest, both, false, {{"tiny", "drill"}}); }));
    Restoring shards;
    const auto by_shard = shards.backup("shard", false);
    for (const auto* from : {"", "server", "url"}) {
        CAPTURE(from);
        auto options = url;
        if (*from) options["from"] = from;
        CHECK(is_usage([&] { shards.restore_plan(by_shard, options, false, {{"tiny", "drill"}}); }));
    }
}

TEST_CASE("a url with a secret in it is refused before any request, and not repeated") {
    Restoring bench;
    const auto manifest = bench.backup("collection");
    bench.destroy();
    const auto before = bench.server.server().requests().size();
    for (const auto* url : {"https://me:hush@files.example/a", "https://files.example/a?X-Amz-Signature=hush",
                            "https://files.example/a?version=hush", "ftp://files.example/hush", "file://hush",
                            "files.example/hush?a=b"}) {
        CAPTURE(url);
        const auto error = error_of([&] { bench.restore_plan(manifest, {{"url", url}}); });
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(error.message() != "nothing was thrown");
        CHECK(error.message().find("hush") == std::string::npos);
        if (std::string(url).find('?') != std::string::npos)
            CHECK(error.hint().find("--from STORE") != std::string::npos);
    }
    CHECK(bench.server.server().requests().size() == before);
    CHECK_NOTHROW(bench.restore_plan(manifest, {{"url", "http://files.example:80/a"}}));
}

TEST_CASE("--overwrite keeps the aliases that the backup does not know") {
    Restoring bench;
    bench.server.with([](auto& state) { state.aliases["old"] = "tiny"; });
    auto manifest = bench.backup("shard");
    bench.server.with([](auto& state) { state.aliases["fresh"] = "tiny"; });
    bench.walk.run(bench.restore_plan(manifest, {}, true));
    CHECK(bench.server.with([](auto& state) { return state.aliases; }) ==
          std::map<std::string, std::string>{{"fresh", "tiny"}, {"old", "tiny"}});
    const auto proof = bench.proof(manifest);
    CHECK(proof.good());
    CHECK(std::any_of(proof.findings.begin(), proof.findings.end(),
                      [](const auto& one) { return one.what.find("alias fresh of") != std::string::npos; }));

    SUBCASE("unless another collection of the same restore has it in the backup") {
        auto other = manifest.collections[0];
        other.before.name = "other";
        other.before.aliases = {"fresh"};
        manifest.collections.push_back(other);
        auto file = manifest.files[0];
        auto note = json::parse(file.details);
        note["collection"] = "other";
        file.details = note.dump();
        manifest.files.push_back(file);
        const auto plan = bench.restore_plan(manifest, {}, true);
        CHECK(says(plan.notes, "alias fresh of collection tiny goes to collection other"));
        CHECK(step_of(plan, "aliases:tiny").details.find("fresh") == std::string::npos);
        CHECK(step_of(plan, "aliases:other").details.find("fresh") != std::string::npos);
    }
}

TEST_CASE("strict mode comes last, as a step of its own") {
    Restoring bench;
    change_config(bench.server, {{"strict_mode_config", {{"enabled", true}, {"max_query_limit", 10}}}});
    const auto manifest = bench.backup("shard");
    bench.destroy();
    const auto plan = bench.restore_plan(manifest);
    CHECK(ids(plan) == std::vector<std::string>{"collection:tiny", "index:tiny:city", "index:tiny:num", "put:tiny:0",
                                                "settle:tiny", "strict:tiny"});
    CHECK(step_of(plan, "collection:tiny").details.find("strict_mode") == std::string::npos);
    const auto& strict = step_of(plan, "strict:tiny");
    CHECK(strict.after == std::vector<std::string>{"settle:tiny"});
    for (const auto& step : plan.steps) {
        if (step.id == "strict:tiny") CHECK_FALSE(bench.driver->done(bench.call, strict));
        bench.walk.run_step(step);
    }
    CHECK(bench.driver->done(bench.call, strict));
    const auto proof = bench.proof(manifest);
    CHECK_MESSAGE(proof.good(), bad_findings(proof));
    CHECK(bench.server.count("PATCH", "*/collections/tiny?*") == 1);

    SUBCASE("a collection snapshot brings its own") {
        Restoring second;
        change_config(second.server, {{"strict_mode_config", {{"enabled", true}}}});
        const auto whole = second.backup("collection");
        second.destroy();
        CHECK(ids(second.restore_plan(whole)) == std::vector<std::string>{"put:tiny", "forget:tiny", "settle:tiny"});
    }
}

TEST_CASE("a collection snapshot of shards that would get other ids is neither made nor put back") {
    Restoring bench;
    const auto shards = [&](std::vector<ScriptedQdrant::Shard> all) {
        change_config(bench.server, {{"params", {{"sharding_method", "custom"}}}});
        bench.server.with([&](auto& state) { state.collections["tiny"].shards = std::move(all); });
    };
    shards({{.id = 1, .key = "\"a\""}, {.id = 2, .key = "\"b\""}});
    // Shard keys are a matter of clusters, of a single node too.
    bench.server.with([](auto& state) { state.peers = 1; });
    auto manifest = bench.backup("collection");
    CHECK_NOTHROW(bench.restore_plan(manifest, {}, true));

    shards({{.id = 1, .key = "\"a\""}, {.id = 3, .key = "\"b\""}});
    const auto error = error_of([&] { bench.create_plan(true, {{"unit", "collection"}}); });
    CHECK(error.kind() == ErrorKind::refused);
    CHECK(error.hint().find("-o unit=shard") != std::string::npos);
    CHECK_NOTHROW(bench.create_plan(true, {{"unit", "shard"}}));
    manifest.collections[0].before = bench.look().collections[0];
    CHECK(kind_of([&] { bench.restore_plan(manifest, {}, true); }) == ErrorKind::refused);
}

TEST_CASE("a collection snapshot without shard keys makes its shards itself, whatever their ids") {
    Restoring bench;
    bench.server.with([](auto& state) { state.collections["tiny"].shards = {{.id = 0}, {.id = 2}}; });
    const auto manifest = bench.backup("collection");
    CHECK_NOTHROW(bench.restore_plan(manifest, {}, true));
}

TEST_CASE("where exact counts are refused a backup is made with a warning, and never proven") {
    Restoring bench;
    const Answer refused{
        .status = 400,
        .body =
            R"({"status":{"error":"Bad request: Exact search disabled. Help: Set `exact` to false."},"time":0.001})",
        .headers = {{"Content-Type", "application/json"}}};
    const auto manifest = bench.backup("shard");
    bench.server.once("POST", "*/points/count", refused);
    const auto now = bench.look();
    REQUIRE(now.collections.size() == 1);
    CHECK_FALSE(now.collections[0].count);
    CHECK(says(now.warnings, "exact counts"));
    bench.server.once("POST", "*/points/count", refused);
    const auto proof = bench.proof(manifest);
    CHECK_FALSE(proof.good());
    CHECK(bad_findings(proof).find("could not be counted") != std::string::npos);
}

TEST_CASE("the start command of a storage snapshot: after the version, and with its path as one word") {
    Restoring bench;
    auto manifest = bench.backup("storage");
    auto made = bench.request(model::Verb::restore);
    made.manifest = &manifest;
    made.kept_at = "/my backups/it's b";
    const auto plan = [&] { bench.driver->plan(bench.call, made, no_peek()); };
    CHECK(error_of(plan).hint().find(R"(--storage-snapshot '/my backups/it'\''s b/data/storage.snapshot' )") !=
          std::string::npos);
    manifest.server_version = "1.18.0";
    CHECK(kind_of(plan) == ErrorKind::refused);
}

}  // namespace vbackup::test
