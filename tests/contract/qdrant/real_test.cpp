// SPDX-License-Identifier: Apache-2.0
// The driver on a real Qdrant, when VBACKUP_TEST_QDRANT names one ("http://127.0.0.1:6333", the key in VBACKUP_TEST_QDRANT_KEY).
// Collections called vbackup-contract* are replaced there.
#include <doctest/doctest.h>

#include <cstdlib>

#include "contract/qdrant/bench.hpp"

namespace vbackup::test {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

struct Real {
    Tally tally;
    Call call{system_clock(), tally};
    std::unique_ptr<driver::Driver> driver =
        open_qdrant(variable("VBACKUP_TEST_QDRANT"), variable("VBACKUP_TEST_QDRANT_KEY"));
    Walk walk{call, *driver};
    model::Scope scope{.include = {"vbackup-contract"}};

    model::Request request(model::Verb verb, const model::Manifest* manifest = nullptr) const {
        model::Request made{.verb = verb, .id = "contract", .scope = scope};
        made.manifest = manifest;
        return made;
    }
    // The recorded snapshot as a backup of one collection.
    model::Manifest recorded() {
        walk.bytes["tiny"] = ScriptedQdrant::tiny();
        model::File file{.name = "tiny",
                         .size = walk.bytes["tiny"].size(),
                         .sha256 = "febff2d87e338ddcdc3aa1e576a8ca36b1017e37854457580b34fa1414cad816",
                         .kept = true,
                         .details = R"({"unit":"collection","collection":"vbackup-contract"})"};
        model::Manifest manifest;
        manifest.id = "recorded";
        manifest.files = {file};
        manifest.collections.resize(1);
        manifest.collections[0].before.name = "vbackup-contract";
        return manifest;
    }
    void restore(const model::Manifest& manifest) {
        auto made = request(model::Verb::restore, &manifest);
        made.overwrite = true;
        const auto plan = driver->plan(call, made, no_peek());
        walk.run(plan);
        walk.tidy(plan);
    }
};

}  // namespace

// Counted as skipped where VBACKUP_TEST_QDRANT names no server.
TEST_CASE("on a real server: the recorded snapshot goes in, and each unit comes out and goes back" *
          doctest::skip(variable("VBACKUP_TEST_QDRANT").empty())) {
    const ScriptedQdrant bytes(TEST_DATA);
    for (const auto* unit : {"collection", "shard"}) {
        CAPTURE(unit);
        Real real;
        real.restore(real.recorded());
        const auto before = real.driver->inspect(real.call, real.scope);
        REQUIRE(before.collections.size() == 1);
        CHECK(before.collections.front().count == 50);
        for (const bool keep : {true, false}) {
            CAPTURE(keep);
            auto create = real.request(model::Verb::create);
            create.options = {{"unit", unit}};
            create.keep = keep;
            const auto plan = real.driver->plan(real.call, create, no_peek());
            real.walk.jobs.clear();
            real.walk.files.clear();
            real.walk.run(plan);
            const auto manifest = real.walk.manifest(before, keep);
            REQUIRE(manifest.files.size() == 1);
            CHECK(manifest.files.front().server_sha256.size() == 64);
            real.restore(manifest);
            const auto proof = real.driver->prove(real.call, manifest, real.request(model::Verb::restore));
            for (const auto& finding : proof.findings) CHECK_MESSAGE(finding.good, finding.what);
            CHECK(proof.good());
            real.walk.tidy(plan);
            if (keep) continue;
            const auto remove = real.driver->plan(real.call, real.request(model::Verb::remove, &manifest), no_peek());
            real.walk.run(remove);
            CHECK(real.driver->done(real.call, remove.steps.front()));
        }
    }
}

}  // namespace vbackup::test
