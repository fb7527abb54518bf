// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "model/manifest.hpp"
#include "model/plan.hpp"
#include "model/request.hpp"

using namespace vbackup::model;

TEST_CASE("phases and their words") {
    CHECK(word(Phase::queued) == "queued");
    CHECK(word(Phase::running) == "running");
    CHECK(word(Phase::cancelling) == "cancelling");
    CHECK(word(Phase::succeeded) == "succeeded");
    CHECK(word(Phase::failed) == "failed");
    CHECK(word(Phase::cancelled) == "cancelled");
    CHECK(word(Phase::gone) == "gone");
    CHECK(word(Phase::unknown) == "unknown");
    CHECK(parse_phase("cancelling") == Phase::cancelling);
    CHECK_FALSE(parse_phase("Running"));
    CHECK_FALSE(parse_phase(""));
}

TEST_CASE("only what cannot change any more is final") {
    for (const Phase phase : {Phase::succeeded, Phase::failed, Phase::cancelled, Phase::gone}) CHECK(is_final(phase));
    for (const Phase phase : {Phase::queued, Phase::running, Phase::cancelling, Phase::unknown})
        CHECK_FALSE(is_final(phase));
}

TEST_CASE("kinds of steps and their words") {
    CHECK(word(StepKind::change) == "change");
    CHECK(word(StepKind::send) == "send");
    CHECK(word(StepKind::settle) == "settle");
    CHECK(word(StepKind::fetch) == "fetch");
    CHECK(word(StepKind::place) == "place");
    CHECK(word(StepKind::erase) == "erase");
    CHECK(parse_step_kind("erase") == StepKind::erase);
    CHECK_FALSE(parse_step_kind("dance"));
}

TEST_CASE("formats and their words") {
    CHECK(word(Format::unknown) == "unknown");
    CHECK(word(Format::tar) == "tar");
    CHECK(word(Format::weaviate_chunk) == "weaviate_chunk");
    CHECK(word(Format::json) == "json");
    CHECK(parse_format("tar") == Format::tar);
    CHECK_FALSE(parse_format("zip"));
}

TEST_CASE("verbs and their words") {
    CHECK(word(Verb::create) == "create");
    CHECK(word(Verb::download) == "download");
    CHECK(word(Verb::restore) == "restore");
    CHECK(word(Verb::remove) == "remove");
    CHECK(word(Verb::cancel) == "cancel");
    CHECK(parse_verb("remove") == Verb::remove);
    CHECK_FALSE(parse_verb("destroy"));
}

TEST_CASE("a part says what it is about") {
    CHECK(Part{}.text().empty());
    CHECK(Part{"node1", "", ""}.text() == "node node1");
    CHECK(Part{"", "3", "Article"}.text() == "collection Article, shard 3");
    CHECK(Part{"node1", "0", "Article"}.text() == "collection Article, shard 0, node node1");
}

TEST_CASE("a scope takes what is included and not excluded") {
    CHECK(Scope{}.matches("Article"));
    CHECK(Scope{}.all());
    const Scope some{{"Art*", "Author"}, {"*Test"}, true};
    CHECK_FALSE(some.all());
    CHECK(some.matches("Article"));
    CHECK(some.matches("Author"));
    CHECK_FALSE(some.matches("ArticleTest"));
    CHECK_FALSE(some.matches("Books"));
    const Scope but{{}, {"Books"}, true};
    CHECK_FALSE(but.all());
    CHECK(but.matches("Article"));
    CHECK_FALSE(but.matches("Books"));
}

TEST_CASE("an empty proof proves nothing") {
    CHECK_FALSE(Proof{}.good());
    CHECK(Proof{{{"counts", true}}}.good());
    CHECK_FALSE(Proof{{{"counts", true}, {"aliases", false}}}.good());
}

TEST_CASE("a collection is quiet when both counts are there and equal") {
    CollectionEntry entry;
    CHECK_FALSE(entry.quiet());
    entry.before.count = 3;
    CHECK_FALSE(entry.quiet());
    entry.count_after = 4;
    CHECK_FALSE(entry.quiet());
    entry.count_after = 3;
    CHECK(entry.quiet());
}
