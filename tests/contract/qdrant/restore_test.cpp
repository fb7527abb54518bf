// SPDX-License-Identifier: Apache-2.0
// Putting snapshots back, on a scripted server.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <tuple>

#include <nlohmann/json.hpp>

#include "contract/qdrant/bench.hpp"
#include "io/digest.hpp"

namespace vbackup::test {
namespace {

using model::Phase;

bool destroys(const model::Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const auto& step) { return step.destroys; });
}

}  // namespace

TEST_CASE("shard by shard: collection, indexes, data, settled, aliases, and the proof") {
    Restoring bench;
    bench.server.with([](auto& state) { state.aliases["latest"] = "tiny"; });
    const auto manifest = bench.backup("shard");
    bench.destroy();
    const auto plan = bench.restore_plan(manifest);
    CHECK(ids(plan) == std::vector<std::string>{"collection:tiny", "index:tiny:city", "index:tiny:num", "put:tiny:0",
                                                "settle:tiny", "check:tiny", "aliases:tiny"});
    CHECK_FALSE(destroys(plan));
    bench.walk.run(plan);
    CHECK(bench.points("tiny") == 50);
    const auto proof = bench.proof(manifest);
    CHECK_MESSAGE(proof.good(), bad_findings(proof));
    CHECK(bench.server.count("POST", "*shards/0/snapshots/upload?wait=true&priority=snapshot&checksum=" +
                                         io::sha256(ScriptedQdrant::tiny_shard())) == 1);

    SUBCASE("each change is seen as done by a later run") {
        for (const auto* id : {"collection:tiny", "index:tiny:city", "aliases:tiny"})
            CHECK(bench.driver->done(bench.call, step_of(plan, id)));
        CHECK_FALSE(bench.driver->done(bench.call, step_of(plan, "put:tiny:0")));
        bench.destroy();
        for (const auto* id : {"collection:tiny", "index:tiny:city", "aliases:tiny"})
            CHECK_FALSE(bench.driver->done(bench.call, step_of(plan, id)));
    }
    SUBCASE("the proof sees every difference") {
        const std::vector<std::pair<std::string, std::function<void(ScriptedQdrant::State&)>>> changes = {
            {"49 points instead of 50", [](auto& state) { state.collections["tiny"].points = 49; }},
            {"is missing", [](auto& state) { state.collections.clear(); }},
            {"alias latest of collection tiny is missing", [](auto& state) { state.aliases.clear(); }},
            {"payload indexes: num is null instead of",
             [](auto& state) { state.collections["tiny"].schema = R"({"city":{"data_type":"keyword"}})"; }},
            {"hnsw_config.m is 8 instead of 16",
             [](auto& state) {
                 auto config = nlohmann::json::parse(state.collections["tiny"].config);
                 config["hnsw_config"]["m"] = 8;
                 state.collections["tiny"].config = config.dump();
             }},
            {"0 of 1 replicas active", [](auto& state) { state.collections["tiny"].shards[0].state = "Dead"; }},
        };
        for (const auto& [text, change] : changes) {
            CAPTURE(text);
            const auto whole = bench.server.with([&](auto& state) {
                const auto copy = std::pair(state.collections, state.aliases);
                change(state);
                return copy;
            });
            const auto now = bench.proof(manifest);
            CHECK_FALSE(now.good());
            CHECK(bad_findings(now).find(text) != std::string::npos);
            bench.server.with([&](auto& state) { std::tie(state.collections, state.aliases) = whole; });
        }
    }
}

TEST_CASE("writes during the backup are proven by bounds") {
    Restoring bench;
    auto manifest = bench.backup("shard");
    manifest.collections[0].count_after = 60;
    for (const auto& [points, good] : {std::pair(49, false), {50, true}, {60, true}, {61, false}}) {
        CAPTURE(points);
        bench.server.with([&, points = points](auto& state) {
            state.collections["tiny"].points = static_cast<std::uint64_t>(points);
        });
        CHECK(bench.proof(manifest).good() == good);
    }
}

TEST_CASE("a collection snapshot is uploaded, and what the upload leaves is deleted") {
    Restoring bench;
    const auto manifest = bench.backup("collection");
    bench.destroy();
    const auto plan = bench.restore_plan(manifest);
    CHECK(ids(plan) == std::vector<std::string>{"put:tiny", "forget:tiny", "settle:tiny"});
    bench.walk.run(plan);
    CHECK(bench.server.with([](auto& state) { return state.uploads.front() == ScriptedQdrant::tiny(); }));
    CHECK(bench.driver->list(bench.call, {}).size() == 1);
    CHECK(bench.proof(manifest).good());
    bench.walk.tidy(plan);
    CHECK(bench.driver->list(bench.call, {}).empty());
}

TEST_CASE("what is in the way is a conflict, and --overwrite makes room first") {
    Restoring bench;
    const auto manifest = bench.backup("shard");
    CHECK(kind_of([&] { bench.restore_plan(manifest); }) == ErrorKind::conflict);
    const auto plan = bench.restore_plan(manifest, {}, true);
    CHECK(plan.steps.front().id == "drop:tiny");
    CHECK(plan.steps.front().destroys);
    bench.server.with([](auto& state) { state.collections["tiny"].points = 7; });
    bench.walk.run(plan);
    CHECK(bench.points("tiny") == 50);
    CHECK(bench.driver->done(bench.call, plan.steps.front()) == std::nullopt);

    SUBCASE("an alias of that name is never written through") {
        bench.destroy();
        bench.server.with([](auto& state) {
            state.collections["other"] = {.config = R"({"params":{}})"};
            state.aliases["tiny"] = "other";
        });
        CHECK(kind_of([&] { bench.restore_plan(manifest, {}, true); }) == ErrorKind::conflict);
    }
}

TEST_CASE("beside the original, under another name") {
    Restoring bench;
    bench.server.with([](auto& state) { state.aliases["latest"] = "tiny"; });
    const auto manifest = bench.backup("shard");
    const model::Renames names = {{"tiny", "drill"}};
    const auto plan = bench.restore_plan(manifest, {}, false, names);
    CHECK(plan.notes == std::vector<std::string>{"alias latest stays with collection tiny"});
    bench.walk.run(plan);
    CHECK(bench.points("drill") == 50);
    CHECK(bench.proof(manifest, names).good());
    CHECK(bench.server.with([](auto& state) { return state.aliases["latest"]; }) == "tiny");
    SUBCASE("where the original is gone its aliases come along") {
        bench.destroy();
        bench.walk.run(bench.restore_plan(manifest, {}, false, names));
        CHECK(bench.server.with([](auto& state) { return state.aliases["latest"]; }) == "drill");
    }
    SUBCASE("an alias that belongs to a third is a conflict, and moved with --overwrite") {
        bench.destroy();
        bench.server.with([](auto& state) {
            state.collections["other"] = {.config = R"({"params":{}})"};
            state.aliases["latest"] = "other";
        });
        CHECK(kind_of([&] { bench.restore_plan(manifest, {}, false, names); }) == ErrorKind::conflict);
        const auto moving = bench.restore_plan(manifest, {}, true, names);
        CHECK(destroys(moving));
        bench.walk.run(moving);
        CHECK(bench.server.with([](auto& state) { return state.aliases["latest"]; }) == "drill");
    }
    SUBCASE("--switch-alias moves them in one request") {
        bench.server.with([](auto& state) {
            state.collections.erase("drill");
            state.aliases["other"] = "tiny";
        });
        const auto switching = bench.restore_plan(manifest, {}, false, names, true);
        CHECK_FALSE(destroys(switching));
        const auto& set = step_of(switching, "aliases:drill");
        CHECK(set.after == std::vector<std::string>{"check:drill"});
        bench.walk.run(switching);
        CHECK(bench.server.count("POST", "/collections/aliases*") == 1);
        for (const auto* alias : {"latest", "other"})
            CHECK(bench.server.with([&](auto& state) { return state.aliases[alias]; }) == "drill");
        const auto proof = bench.proof(manifest, names, true);
        CHECK_MESSAGE(proof.good(), bad_findings(proof));
        CHECK(bench.driver->done(bench.call, set));
    }
    SUBCASE("names that cannot be") {
        for (const auto* name : {"", "a/b", "a:b", "a*b"})
            CHECK(kind_of([&] { bench.restore_plan(manifest, {}, false, {{"tiny", name}}); }) == ErrorKind::usage);
        CHECK(kind_of([&] {
                  bench.restore_plan(manifest, {}, false, {{"tiny", std::string(256, 'a')}});
              }) == ErrorKind::usage);
        CHECK(kind_of([&] { bench.restore_plan(manifest, {}, false, {{"nosuch", "a"}}); }) == ErrorKind::not_found);
    }
}

TEST_CASE("only the same minor version from the same patch on") {
    Restoring bench;
    auto manifest = bench.backup("shard");
    bench.destroy();
    for (const auto& [made, kind] : {std::pair("1.18.0", ErrorKind::refused),
                                     {"1.20.0", ErrorKind::refused},
                                     {"1.19.1", ErrorKind::refused},
                                     {"2.19.0", ErrorKind::refused}}) {
        CAPTURE(made);
        manifest.server_version = made;
        CHECK(kind_of([&] { bench.restore_plan(manifest); }) == kind);
    }
    manifest.server_version = "1.19.0";
    bench.server.with([](auto& state) { state.version = "1.19.4"; });
    CHECK_NOTHROW(bench.restore_plan(manifest));
}

TEST_CASE("refused before anything is changed") {
    Restoring bench;
    auto manifest = bench.backup("shard");
    bench.destroy();
    SUBCASE("a cluster of which a node is not reached") {
        bench.server.with([](auto& state) { state.peers = 2; });
        CHECK(kind_of([&] { bench.restore_plan(manifest); }) == ErrorKind::refused);
    }
    SUBCASE("a key that may only read") {
        Bench reader(bench.server.base(), ScriptedQdrant::read_only_key);
        const auto error = error_of([&] { reader.restore_plan(manifest); });
        CHECK(error.kind() == ErrorKind::denied);
        CHECK(error.message().find("Global manage access") != std::string::npos);
    }
    SUBCASE("a shard without its snapshot") {
        manifest.files.clear();
        manifest.jobs.clear();
        CHECK(kind_of([&] { bench.restore_plan(manifest); }) == ErrorKind::corrupt);
    }
    SUBCASE("shards whose ids would change") {
        auto details = nlohmann::json::parse(manifest.collections[0].before.details);
        for (const auto id : {1, 2}) {
            details["shards"][static_cast<std::size_t>(id - 1)] = {
                {"id", id}, {"replicas", {{{"peer", "1"}, {"state", "Active"}, {"points", 1}}}}};
        }
        manifest.collections[0].before.details = details.dump();
        auto second = manifest.files[0];
        manifest.files.clear();
        for (const auto* shard : {"1", "2"}) {
            auto note = nlohmann::json::parse(second.details);
            note["shard"] = shard;
            second.details = note.dump();
            manifest.files.push_back(second);
        }
        CHECK(kind_of([&] { bench.restore_plan(manifest); }) == ErrorKind::refused);
    }
    SUBCASE("from=url for a shard, or without a url") {
        CHECK(kind_of([&] {
                  bench.restore_plan(manifest, {{"from", "url"}, {"url", "http://x/y"}});
              }) == ErrorKind::usage);
    }
    SUBCASE("no configuration") {
        manifest.collections[0].before.details.clear();
        CHECK(kind_of([&] { bench.restore_plan(manifest); }) == ErrorKind::refused);
    }
    CHECK(bench.server.with([](auto& state) { return state.collections.empty(); }));
}

TEST_CASE("a storage snapshot is restored by the server's own start, with the exact command") {
    Restoring bench;
    const auto manifest = bench.backup("storage");
    const auto error = error_of([&] { bench.restore_plan(manifest); });
    CHECK(error.kind() == ErrorKind::unsupported);
    for (const auto* word :
         {"qdrant --storage-snapshot /kept/b/data/storage.snapshot", "--force-snapshot", "--snapshot PATH:NAME"})
        CHECK(error.hint().find(word) != std::string::npos);
}

TEST_CASE("left with the server: shards by name, collections as a file or from itself") {
    Restoring bench;
    SUBCASE("shard") {
        const auto manifest = bench.backup("shard", false);
        CHECK(kind_of([&] { bench.restore_plan(manifest, {{"from", "upload"}}, true); }) == ErrorKind::refused);
        const auto plan = bench.restore_plan(manifest, {}, true);
        CHECK(step_of(plan, "put:tiny:0").kind == model::StepKind::change);
        // The directory of the snapshots outlives its collection; the scripted server forgets them with it.
        const auto kept = bench.server.with([](auto& state) { return state.collections["tiny"].shards[0].snapshots; });
        bench.walk.run_step(step_of(plan, "drop:tiny"));
        bench.walk.run_step(step_of(plan, "collection:tiny"));
        bench.server.with([&](auto& state) { state.collections["tiny"].shards[0].snapshots = kept; });
        for (const auto* id : {"index:tiny:city", "index:tiny:num", "put:tiny:0", "settle:tiny"})
            bench.walk.run_step(step_of(plan, id));
        CHECK(bench.proof(manifest).good());
        const auto body = nlohmann::json::parse(
            bench.server.server().requests()[bench.server.server().requests().size() - 1].body, nullptr, false);
    }
    SUBCASE("collection that is gone: a file below the server's snapshots directory") {
        const auto manifest = bench.backup("collection", false);
        bench.destroy();
        const auto plan = bench.restore_plan(manifest);
        bench.walk.run(plan);
        CHECK(bench.proof(manifest).good());
        std::string location;
        for (const auto& request : bench.server.server().requests()) {
            if (request.method == "PUT") location = nlohmann::json::parse(request.body).value("location", "");
        }
        CHECK(location ==
              "file:///srv/test/qd1/node0/snapshots/tiny/tiny-8606914413529485-2026-11-21-08-00-00.snapshot");
    }
    SUBCASE("collection beside its original: from itself, with the key") {
        const auto manifest = bench.backup("collection", false);
        bench.walk.run(bench.restore_plan(manifest, {}, false, {{"tiny", "drill"}}));
        nlohmann::json body;
        for (const auto& request : bench.server.server().requests()) {
            if (request.method == "PUT") body = nlohmann::json::parse(request.body);
        }
        CHECK(body.at("location") ==
              bench.server.base() + "/collections/tiny/snapshots/tiny-8606914413529485-2026-11-21-08-00-00.snapshot");
        CHECK(body.at("priority") == "snapshot");
        CHECK(body.at("checksum") == io::sha256(ScriptedQdrant::tiny()));
        CHECK(body.at("api_key") == ScriptedQdrant::key);
        CHECK(bench.points("drill") == 50);
    }
    SUBCASE("no key in any plan") {
        const auto manifest = bench.backup("collection", false);
        for (const auto& step : bench.restore_plan(manifest, {}, false, {{"tiny", "drill"}}).steps)
            CHECK(step.details.find(ScriptedQdrant::key) == std::string::npos);
    }
}

TEST_CASE("from a URL, and where the server refuses URLs") {
    Restoring bench;
    const auto manifest = bench.backup("collection");
    bench.destroy();
    const auto plan = bench.restore_plan(manifest, {{"from", "url"}, {"url", "https://files.example/tiny.snapshot"}});
    SUBCASE("allowed") {
        bench.walk.run(plan);
        CHECK(bench.proof(manifest).good());
    }
    SUBCASE("disabled") {
        bench.server.with([](auto& state) { state.url_recovery = false; });
        const auto error = error_of([&] { bench.walk.run(plan); });
        CHECK(error.kind() == ErrorKind::denied);
        CHECK(error.hint().find("from=upload") != std::string::npos);
    }
}

TEST_CASE("bytes that were damaged are refused by the server's own digest") {
    Restoring bench;
    const auto manifest = bench.backup("shard");
    bench.destroy();
    const auto plan = bench.restore_plan(manifest);
    bench.walk.bytes["data/tiny/shard-0.snapshot"][1000] ^= 1;
    CHECK(kind_of([&] { bench.walk.run(plan); }) == ErrorKind::corrupt);
}

TEST_CASE("an upload that a proxy refuses, and a key that may only read") {
    Restoring bench;
    const auto manifest = bench.backup("collection");
    bench.destroy();
    const auto plan = bench.restore_plan(manifest);
    SUBCASE("413") {
        bench.server.once(
            "POST", "*", {.status = 413, .body = "<html>too large</html>", .headers = {{"Content-Type", "text/html"}}});
        CHECK(kind_of([&] { bench.walk.run(plan); }) == ErrorKind::refused);
    }
    SUBCASE("403 in plain text") {
        bench.server.once("POST", "*", {.status = 403, .body = "Forbidden: Global manage access is required"});
        const auto error = error_of([&] { bench.walk.run(plan); });
        CHECK(error.kind() == ErrorKind::denied);
        CHECK(error.message().find("Global manage access") != std::string::npos);
    }
}

TEST_CASE("a change that consensus was too slow for is asked for again, not believed") {
    Restoring bench;
    const auto manifest = bench.backup("shard");
    bench.destroy();
    const auto plan = bench.restore_plan(manifest);
    const auto& make = step_of(plan, "collection:tiny");
    bench.server.once(
        "PUT", "*",
        {.status = 500,
         .body =
             R"({"status":{"error":"Service internal error: Waiting for consensus operation commit failed. Timeout set at: 10 seconds"},"time":10})"});
    CHECK(kind_of([&] { bench.driver->run(bench.call, make, nullptr); }) == ErrorKind::unreachable);
    CHECK_FALSE(bench.driver->done(bench.call, make));
    bench.driver->run(bench.call, make, nullptr);
    CHECK(bench.driver->done(bench.call, make));
    CHECK(kind_of([&] { bench.driver->run(bench.call, make, nullptr); }) == ErrorKind::conflict);
}

TEST_CASE("a recovery that outlives its request is observed") {
    Restoring bench;
    const auto manifest = bench.backup("collection");
    bench.destroy();
    const auto plan = bench.restore_plan(manifest);
    const auto& put = step_of(plan, "put:tiny");
    SUBCASE("and found well") {
        bench.server.lose_answer("POST", "*upload*");
        bench.server.with([](auto& state) {
            state.recoveries_shown = 5;
            state.creating["tiny"] = 0;
        });
        CHECK(bench.walk.change(put).phase == Phase::succeeded);
        CHECK(bench.walk.jobs.contains("put:tiny"));
    }
    SUBCASE("and found failed") {
        bench.server.once("POST", "*upload*",
                          {.status = 504, .body = "<html>gateway</html>", .headers = {{"Content-Type", "text/html"}}});
        bench.server.with([](auto& state) {
            state.recoveries_shown = 5;
            state.creating["tiny"] = 0;
        });
        const auto seen = bench.walk.change(put);
        CHECK(seen.phase == Phase::failed);
        CHECK(seen.why.find("it is not there") != std::string::npos);
    }
    SUBCASE("a line that broke with nothing at work is sent again") {
        bench.server.once("POST", "*upload*", {.fault = Fault::reset});
        CHECK(kind_of([&] { bench.walk.change(put); }) == ErrorKind::unreachable);
    }
}

TEST_CASE("settled means every shard active and nothing on the move") {
    Restoring bench;
    const auto manifest = bench.backup("shard");
    const auto plan = bench.restore_plan(manifest, {}, true);
    const auto& settle = step_of(plan, "settle:tiny");
    const auto look = [&] { return bench.driver->settled(bench.call, settle); };
    CHECK(look().phase == Phase::succeeded);
    for (const auto& [state, phase] : {std::pair("Partial", Phase::running),
                                       {"ManualRecovery", Phase::running},
                                       {"Dead", Phase::running},
                                       {"Levitating", Phase::unknown}}) {
        bench.server.with([&, state = state](auto& now) { now.collections["tiny"].shards[0].state = state; });
        CHECK(look().phase == phase);
    }
    bench.server.with([](auto& now) { now.collections["tiny"].shards.clear(); });
    CHECK(look().phase == Phase::running);
    bench.server.with([](auto& now) { now.collections["tiny"].status = "red"; });
    CHECK(look().phase == Phase::failed);
    bench.destroy();
    CHECK(look().phase == Phase::gone);
}

TEST_CASE("custom sharding: keys in their order, shards by key") {
    Restoring bench;
    bench.server.with([](auto& state) {
        auto config = nlohmann::json::parse(state.collections["tiny"].config);
        config["params"]["sharding_method"] = "custom";
        config["params"]["read_fan_out_factor"] = 1;
        state.collections["tiny"].config = config.dump();
        state.collections["tiny"].points = 100;
        state.collections["tiny"].shards = {{.id = 2, .key = "\"b\""}, {.id = 5, .key = "7"}};
        state.peers = 1;
    });
    const auto manifest = bench.backup("shard");
    bench.destroy();
    SUBCASE("which a server without cluster mode cannot make: refused") {
        bench.server.with([](auto& state) { state.peers = 0; });
        CHECK(kind_of([&] { bench.restore_plan(manifest); }) == ErrorKind::refused);
        return;
    }
    const auto plan = bench.restore_plan(manifest);
    CHECK(ids(plan) == std::vector<std::string>{"collection:tiny", "params:tiny", "key:tiny:\"b\"", "key:tiny:7",
                                                "index:tiny:city", "index:tiny:num", "put:tiny:2", "put:tiny:5",
                                                "settle:tiny"});
    bench.walk.run(plan);
    CHECK(bench.server.count("POST", "*shards/1/snapshots/upload*") == 1);
    CHECK(bench.server.count("POST", "*shards/2/snapshots/upload*") == 1);
    const auto proof = bench.proof(manifest);
    CHECK_MESSAGE(proof.good(), bad_findings(proof));
    CHECK(bench.driver->done(bench.call, step_of(plan, "key:tiny:7")));
    CHECK(bench.driver->done(bench.call, step_of(plan, "params:tiny")));
}

TEST_CASE("a collection snapshot that vbackup did not make is put back, and its points are told, not proven") {
    Restoring bench;
    bench.walk.run(bench.create_plan(false, {{"unit", "collection"}}));
    const auto found = bench.driver->list(bench.call, {}).front();
    model::Manifest manifest;
    manifest.id = found.name;
    manifest.state = "unproven";
    manifest.jobs = {found.job};
    manifest.collections.resize(1);
    manifest.collections[0].before.name = "tiny";
    bench.destroy();
    const auto plan = bench.restore_plan(manifest);
    // That its version is not known, and that nobody can see whether the snapshot is still there.
    CHECK(plan.notes.size() == 2);
    CHECK(step_of(plan, "put:tiny").details.find(io::sha256(ScriptedQdrant::tiny())) != std::string::npos);
    bench.walk.run(plan);
    CHECK(bench.points("tiny") == 50);
    const auto proof = bench.proof(manifest);
    CHECK(proof.good());
    CHECK(proof.findings.front().what.find("told, not proven") != std::string::npos);
    bench.server.with([](auto& state) { state.collections["tiny"].points = 0; });
    CHECK_FALSE(bench.proof(manifest).good());
}

}  // namespace vbackup::test
