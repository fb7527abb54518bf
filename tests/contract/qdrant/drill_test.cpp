// SPDX-License-Identifier: Apache-2.0
// The deeper levels of verify, by the whole program against a scripted server.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "backup/drill.hpp"
#include "cli/command/run.hpp"
#include "contract/qdrant/walk.hpp"
#include "io/digest.hpp"
#include "store/catalog.hpp"
#include "support/fake_clock.hpp"
#include "support/scripted_qdrant.hpp"
#include "support/temporary.hpp"

namespace vbackup::test {
namespace {

constexpr const char* scratch = "tiny--vbackup-drill";

struct Ran {
    int code = 0;
    std::string out, err;
};

// A backup b1 of the scripted server's only collection, in a store.
struct Drilled {
    Drilled() { REQUIRE(run({"create", target(), "--to", store, "--id", "b1"}).code == 0); }

    std::string target() const { return "qdrant+" + server.base(); }
    Ran run(const std::vector<std::string>& arguments) {
        Ran ran;
        const auto collect = [](std::string& into) {
            return [&into](std::string_view bytes) {
                into += bytes;
                return 0;
            };
        };
        const cli::Surroundings around{.environment = {{"HOME", folder.path().string()},
                                                       {"TERM", "dumb"},
                                                       {"VBACKUP_API_KEY", ScriptedQdrant::key}},
                                       .out = collect(ran.out),
                                       .err = collect(ran.err),
                                       .out_terminal = false,
                                       .err_terminal = false,
                                       .width = 80,
                                       .clock = clock,
                                       .pulse = nullptr,
                                       .signal = nullptr};
        ran.code = cli::run_cli(arguments, around);
        return ran;
    }
    Ran drill() { return run({"verify", store, "b1", "--drill", target()}); }
    // As if that had been noted at the create.
    template <class Change>
    void rewrite(Change change) {
        const auto bytes = store::open_directory(store);
        store::Catalog catalog(*bytes);
        auto manifest = *catalog.manifest("b1");
        change(manifest, *bytes);
        catalog.commit(manifest);
    }
    bool has_scratch() {
        return server.with([](auto& state) { return state.collections.contains(scratch); });
    }
    // Only what was there, as it was.
    void require_untouched() {
        server.with([](auto& state) {
            CHECK(state.collections.size() == 1);
            CHECK(state.collections.at("tiny").points == 50);
            CHECK(state.aliases == std::map<std::string, std::string>{{"latest", "tiny"}});
        });
    }
    bool journal_is_empty() const {
        const auto journal = folder / ".local/state/vbackup";
        for (const auto& entry : std::filesystem::recursive_directory_iterator(journal))
            if (entry.path().filename() == "intent.json") return false;
        return true;
    }

    TemporaryFolder folder;
    std::string store = (folder / "store").string();
    FakeClock clock;
    ScriptedQdrant server{TEST_DATA};
};

// The same with an alias that the backup knows.
struct WithAlias : Drilled {
    WithAlias() {
        server.with([](auto& state) { state.aliases["latest"] = "tiny"; });
        rewrite([](auto& manifest, auto&) { manifest.collections.front().before.aliases = {"latest"}; });
    }
};

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("verify --structure: every shard is in a snapshot, and a snapshot has what a recovery needs") {
    Drilled vbackup;
    const auto good = vbackup.run({"verify", vbackup.store, "b1", "--structure"});
    CHECK(good.code == 0);
    CHECK_MESSAGE(has(good.out, "collection tiny: 1 of 1 shards in snapshots"), good.out);
    CHECK_FALSE(has(vbackup.run({"verify", vbackup.store, "b1"}).out, "shards"));

    SUBCASE("another archive, with the right digest") {
        vbackup.rewrite([](auto& manifest, auto& bytes) {
            auto& file = manifest.files.front();
            const auto tar = ScriptedQdrant::tiny();  // of a collection
            const auto sink = bytes.create("b1/" + file.name);
            sink->write(std::as_bytes(std::span(tar)));
            sink->finish();
            file.size = tar.size();
            file.sha256 = io::sha256(tar);
        });
        CHECK(vbackup.run({"verify", vbackup.store, "b1"}).code == 0);
        const auto bad = vbackup.run({"verify", vbackup.store, "b1", "--structure"});
        CHECK(bad.code == 6);
        CHECK_MESSAGE(has(bad.out, "it has no segments/ in it"), bad.out);
    }
    SUBCASE("a shard that no snapshot has") {
        vbackup.rewrite([](auto& manifest, auto&) {
            auto& details = manifest.collections.front().before.details;
            details.replace(details.find(R"("id":0)"), 6, R"("id":1)");
        });
        CHECK(vbackup.run({"verify", vbackup.store, "b1"}).code == 0);
        const auto bad = vbackup.run({"verify", vbackup.store, "b1", "--structure"});
        CHECK(bad.code == 6);
        CHECK_MESSAGE(has(bad.out, "NOT PROVEN: collection tiny: no snapshot has shard 1"), bad.out);
        CHECK_MESSAGE(has(bad.err, "b1 is not good: collection tiny: no snapshot has shard 1"), bad.err);
    }
}

TEST_CASE("a drill puts everything back beside the rest, compares it and removes it") {
    WithAlias vbackup;
    const auto ran = vbackup.drill();
    CHECK_MESSAGE(ran.code == 0, ran.err);
    CHECK_MESSAGE(has(ran.out, "proven: collection tiny--vbackup-drill: 50 points, as in the backup"), ran.out);
    CHECK_MESSAGE(has(ran.out, "sampled points with payload and vectors as in the backup"), ran.out);
    CHECK(vbackup.server.count("POST", "/collections/tiny--vbackup-drill/shards/0/snapshots/upload*") == 1);
    CHECK(vbackup.server.count("POST", "/collections/aliases*") == 0);
    vbackup.require_untouched();
    CHECK(vbackup.journal_is_empty());
    // Nothing is in the way of the next.
    CHECK(vbackup.drill().code == 0);

    SUBCASE("where the original is gone, its alias is not set") {
        vbackup.server.with([](auto& state) {
            state.collections.clear();
            state.aliases.clear();
        });
        CHECK(vbackup.drill().code == 0);
        CHECK(vbackup.server.count("POST", "/collections/aliases*") == 0);
        CHECK(vbackup.server.with([](auto& state) { return state.collections.empty(); }));
    }
}

TEST_CASE("a drill that finds a difference is 6, and removes what it made all the same") {
    WithAlias vbackup;
    vbackup.rewrite([](auto& manifest, auto&) {
        auto& entry = manifest.collections.front();
        entry.before.count = entry.count_after = 51;
    });
    const auto ran = vbackup.drill();
    CHECK_MESSAGE(ran.code == 6, ran.err);
    CHECK_MESSAGE(has(ran.out, "points instead of 51"), ran.out);
    CHECK(has(ran.err, "b1 is not good: collection tiny--vbackup-drill"));
    vbackup.require_untouched();
    CHECK(vbackup.journal_is_empty());
}

TEST_CASE("a name that is taken, by a collection or an alias, is refused before anything, and stays") {
    WithAlias vbackup;
    bool alias = false;
    SUBCASE("a collection") {}
    SUBCASE("an alias") {
        alias = true;
    }
    vbackup.server.with([&](auto& state) {
        if (alias)
            state.aliases[scratch] = "tiny";
        else
            state.collections[scratch] = {.config = R"({"params":{}})", .points = 7};
    });
    const auto ran = vbackup.drill();
    CHECK(ran.code == 8);
    CHECK_MESSAGE(has(ran.err, "tiny--vbackup-drill exists already, and is left as it is"), ran.err);
    for (const auto* method : {"PUT", "POST", "PATCH", "DELETE"})
        CHECK(vbackup.server.count(method, std::string("/collections/") + scratch + "*") == 0);
}

TEST_CASE("a drill that fails half way removes what it made, and says why it failed") {
    WithAlias vbackup;
    const auto upload = std::string("/collections/") + scratch + "/shards/0/snapshots/upload*";
    vbackup.server.once("POST", upload, {.status = 507, .body = "no space left"});
    const auto ran = vbackup.drill();
    CHECK(ran.code != 0);
    CHECK_MESSAGE(has(ran.err, "no space left"), ran.err);
    CHECK(vbackup.server.count("DELETE", "/collections/tiny--vbackup-drill*") == 1);
    vbackup.require_untouched();
    CHECK(vbackup.journal_is_empty());
}

TEST_CASE("Ctrl-C ends a drill, and what it made is removed first") {
    WithAlias vbackup;
    Tally tally;
    std::stop_source stop;
    Call call{vbackup.clock, tally, Instant::max(), stop.get_token()};
    const auto driver = open_qdrant(vbackup.server.base(), ScriptedQdrant::key);
    const auto bytes = store::open_directory(vbackup.store), notes = store::open_directory(vbackup.folder / "notes");
    store::Catalog store(*bytes), journal(*notes);
    const backup::Stage stage{.target = {"", vbackup.server.base(), "qdrant", *driver},
                              .journal = journal,
                              .store = &store,
                              .open_location = {},
                              .limits = {},
                              .parallel = 1,
                              .vbackup_version = "0.0.0",
                              .confirm = {}};
    vbackup.server.server().on("POST", std::string("/collections/") + scratch + "/shards/0/snapshots/upload*",
                               [&](const HttpRequest&) -> Answer {
                                   stop.request_stop();
                                   return {.status = 503, .body = "busy"};
                               });
    try {
        backup::drill(call, stage, "b1", {});
        FAIL("it went on");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::interrupted);
    }
    CHECK(stop.stop_requested());
    CHECK(vbackup.server.count("DELETE", "/collections/tiny--vbackup-drill*") == 1);
    CHECK(journal.ids().empty());
    vbackup.require_untouched();
}

TEST_CASE("what cannot be removed is an error that names it, and the next drill removes it first") {
    WithAlias vbackup;
    bool broken = true;
    vbackup.server.server().on("DELETE", std::string("/collections/") + scratch, [&](const HttpRequest&) -> Answer {
        if (broken) return {.status = 500, .body = "{}"};
        vbackup.server.with([](auto& state) { return state.collections.erase(scratch); });
        return {.body = R"({"result":true,"status":"ok","time":0.1})"};
    });
    for (int i = 0; i < 2; ++i) {
        const auto ran = vbackup.drill();
        CHECK(ran.code != 0);
        CHECK(vbackup.has_scratch());
        CHECK_FALSE(vbackup.journal_is_empty());
        if (i == 0)
            CHECK_MESSAGE(has(ran.err, "the scratch collection tiny--vbackup-drill could not be removed"), ran.err);
    }
    broken = false;
    const auto again = vbackup.drill();
    CHECK_MESSAGE(again.code == 0, again.err);
    CHECK(has(again.err, "did not end: what it left is removed first"));
    vbackup.require_untouched();
    CHECK(vbackup.journal_is_empty());
}

TEST_CASE("what a drill left more than a day ago is not taken for its own") {
    WithAlias vbackup;
    vbackup.server.server().on("DELETE", std::string("/collections/") + scratch, {.status = 500, .body = "{}"});
    CHECK(vbackup.drill().code != 0);
    vbackup.clock.advance(std::chrono::hours(25));
    CHECK(vbackup.drill().code == 8);
    CHECK(vbackup.has_scratch());
}

TEST_CASE("a drill is refused where it cannot be, before anything is read") {
    Drilled vbackup;
    CHECK(vbackup.run({"verify", vbackup.store, "b1", "--drill", "dragonfly://127.0.0.1:1"}).code == 14);
    CHECK(vbackup.run({"verify", vbackup.store, "b1", "--drill", vbackup.target(), "--subset", "1/2"}).code == 2);
    CHECK(vbackup.run({"verify", vbackup.target(), "b1", "--drill", vbackup.target()}).code == 2);
    CHECK(vbackup.run({"verify", vbackup.store, "none", "--drill", vbackup.target()}).code == 7);
}

}  // namespace vbackup::test
