// SPDX-License-Identifier: Apache-2.0
#include "backup/chain.hpp"

#include "scene.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

struct Chain : Scene {
    // A good backup an hour after the one before, of which it needs `bases`.
    void add(const std::string& id, std::vector<std::string> bases = {}) {
        clock.advance(std::chrono::hours(1));
        auto manifest = made(id);
        manifest.bases = std::move(bases);
        store.commit(manifest);
    }
    std::string next(std::size_t most = 6) {
        const auto base = backup::next_base(call, store, stage().target, {{.name = "Article"}}, most);
        return base ? base->id : "";
    }
};

}  // namespace

TEST_CASE_FIXTURE(Chain, "an increment builds on the newest, whatever it is called") {
    CHECK(next().empty());
    add("z1");
    add("a2");
    CHECK(next() == "a2");
    add("m3", {"a2"});
    CHECK(next() == "m3");
    CHECK(next(1).empty());
    CHECK(backup::next_base(call, store, stage().target, {{.name = "Other"}}, 6) == std::nullopt);
}

TEST_CASE_FIXTURE(Chain, "what is broken, or has lost what it builds on, is passed over and named") {
    add("b1");
    add("b2", {"gone"});
    add("b3");
    const auto sink = store_bytes->create("b3/manifest.json");
    sink->write(std::as_bytes(std::span(std::string_view("{"))));
    sink->finish();
    CHECK(next() == "b1");
    REQUIRE(tally.warnings().size() == 2);
    CHECK(tally.warnings()[0].find("b3 is nothing to build on") == 0);
    CHECK(tally.warnings()[1].find("b2 is nothing to build on") == 0);
}

TEST_CASE_FIXTURE(Chain, "a search that was interrupted does not say that there is nothing to build on") {
    add("b1");
    stop.request_stop();
    CHECK_THROWS_AS(next(), Error);
}
