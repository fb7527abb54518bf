// SPDX-License-Identifier: Apache-2.0
#include "store/catalog.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "support/fault_files.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::store;

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

struct Fixture {
    test::TemporaryFolder folder;
    test::FaultFiles files;
    fs::path root = folder / "store";
    std::unique_ptr<Store> store = open_directory(root, files);
    Catalog catalog{*store};
};

model::Manifest manifest_of(const std::string& id, const std::string& note) {
    model::Manifest manifest;
    manifest.id = id;
    manifest.vbackup_version = "0.1.0";
    manifest.driver = "toy";
    manifest.product = "Toy";
    manifest.notes = {note};
    return manifest;
}

model::Intent intent_of(const std::string& id) {
    model::Intent intent;
    intent.id = id;
    intent.verb = "create";
    intent.draft = manifest_of(id, "draft");
    return intent;
}

void put(Store& store, const std::string& name, std::string_view text) {
    const auto sink = store.create(name);
    sink->write(std::as_bytes(std::span(text)));
    sink->finish();
}

void finish(Catalog& catalog, const model::Manifest& manifest) {
    catalog.commit(manifest);
    catalog.forget_intent(manifest.id);
}

std::size_t at(const Names& record, std::string_view call) {
    const auto found = std::find(record.begin(), record.end(), call);
    REQUIRE_MESSAGE(found != record.end(), std::string(call));
    return static_cast<std::size_t>(found - record.begin());
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a backup exists once it is committed") {
    CHECK(catalog.ids().empty());
    CHECK_FALSE(catalog.manifest("b-1"));
    CHECK_FALSE(catalog.intent("b-1"));
    catalog.write(intent_of("b-1"));
    CHECK(catalog.ids() == Names{"b-1"});
    CHECK_FALSE(catalog.manifest("b-1"));
    CHECK(catalog.intent("b-1")->verb == "create");
    catalog.commit(manifest_of("b-1", "good"));
    CHECK(catalog.ids() == Names{"b-1"});
    CHECK(catalog.manifest("b-1")->notes == Names{"good"});
    CHECK(catalog.intent("b-1"));
    catalog.forget_intent("b-1");
    CHECK_FALSE(catalog.intent("b-1"));
    CHECK(catalog.ids() == Names{"b-1"});
    CHECK(store->list("") == Names{"b-1/manifest.json"});
}

TEST_CASE_FIXTURE(Fixture, "ids are those of manifests and intents, sorted") {
    catalog.commit(manifest_of("c", ""));
    catalog.write(intent_of("a"));
    put(*store, "leftover/data/x", "x");
    CHECK(catalog.ids() == Names{"a", "c"});
    CHECK(file_name("a", "data/x") == "a/data/x");
}

TEST_CASE_FIXTURE(Fixture, "the manifest is durable before the intent goes") {
    catalog.write(intent_of("b-1"));
    files.heal();
    finish(catalog, manifest_of("b-1", ""));
    const Names record = files.record();
    CHECK(at(record, "sync manifest.json.part") < at(record, "rename manifest.json.part manifest.json"));
    CHECK(at(record, "rename manifest.json.part manifest.json") < at(record, "sync_directory b-1"));
    CHECK(at(record, "sync_directory b-1") < at(record, "remove intent.json"));
}

TEST_CASE_FIXTURE(Fixture, "the manifest is gone durably before anything else is removed") {
    put(*store, "b-1/z/x", "x");
    catalog.commit(manifest_of("b-1", ""));
    files.heal();
    catalog.remove("b-1");
    const Names record = files.record();
    const auto gone = std::find(record.begin(), record.end(), "remove manifest.json");
    const auto durable = std::find(gone, record.end(), "sync_directory b-1");
    CHECK(std::find(durable, record.end(), "remove x") != record.end());
    CHECK(at(record, "remove x") < at(record, "remove intent.json"));
    CHECK(catalog.ids().empty());
    CHECK_FALSE(fs::exists(root / "b-1"));
    catalog.remove("b-1");
}

TEST_CASE_FIXTURE(Fixture, "forgetting an intent leaves no empty folder, and no file is lost") {
    catalog.write(intent_of("b-1"));
    catalog.forget_intent("b-1");
    CHECK_FALSE(fs::exists(root / "b-1"));
    catalog.write(intent_of("b-2"));
    put(*store, "b-2/data/x", "x");
    catalog.forget_intent("b-2");
    CHECK(store->list("") == Names{"b-2/data/x"});
    catalog.write(intent_of("b-3"));
    { const auto unfinished = store->create("b-3/data/x"); }
    catalog.forget_intent("b-3");
    CHECK(store->list("", true) == Names{"b-3/data/x"});
    catalog.forget_intent("none");
}

TEST_CASE_FIXTURE(Fixture, "a manifest that is cut short is corrupt, and the error says where") {
    put(*store, "b-1/manifest.json", render(manifest_of("b-1", "")).substr(0, 20));
    try {
        catalog.manifest("b-1");
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::corrupt);
        CHECK(std::count(error.context().begin(), error.context().end(),
                         std::pair<std::string, std::string>("file", "b-1/manifest.json")) == 1);
    }
}

TEST_CASE_FIXTURE(Fixture, "commit is all or nothing at every fault") {
    for (const bool earlier : {false, true}) {
        for (const bool dead : {false, true}) {
            std::size_t good = 0;
            std::size_t faults = 0;
            for (std::size_t nth = 1;; ++nth) {
                CAPTURE(earlier);
                CAPTURE(dead);
                CAPTURE(nth);
                files.heal();
                catalog.remove("b-1");
                put(*store, "b-1/data/x", "x");
                if (earlier) catalog.commit(manifest_of("b-1", "earlier"));
                catalog.write(intent_of("b-1"));
                files.fail_at(nth, ENOSPC, dead);
                bool threw = false;
                try {
                    finish(catalog, manifest_of("b-1", "new"));
                } catch (const Error& error) {
                    threw = true;
                    CHECK(error.kind() == ErrorKind::storage);
                }
                const bool failed = files.failed();
                files.heal();
                const auto manifest = catalog.manifest("b-1");
                if (!failed) {
                    CHECK_FALSE(threw);
                    CHECK(manifest->notes == Names{"new"});
                    CHECK_FALSE(catalog.intent("b-1"));
                    break;
                }
                ++faults;
                CHECK(threw);
                const bool committed = manifest && manifest->notes == Names{"new"};
                good += committed ? 1 : 0;
                // As long as the new one does not stand, the earlier one does, and the intent says how to go on.
                if (!committed) {
                    CHECK(manifest.has_value() == earlier);
                    if (manifest) CHECK(manifest->notes == Names{"earlier"});
                    CHECK(catalog.intent("b-1"));
                }
                CHECK(store->list("b-1/data") == Names{"b-1/data/x"});
                // A rerun finishes.
                finish(catalog, manifest_of("b-1", "new"));
                CHECK(catalog.manifest("b-1")->notes == Names{"new"});
                CHECK_FALSE(catalog.intent("b-1"));
            }
            // The faults after the rename: at the folder's fsync, at the three calls that remove the intent and at the two
            // that look whether the folder is empty.
            CHECK(faults == 12);
            CHECK(good == (earlier || dead ? 6 : 5));
        }
    }
}

TEST_CASE_FIXTURE(Fixture, "a full disk at any byte of a manifest leaves the earlier one") {
    catalog.commit(manifest_of("b-1", "earlier"));
    const std::size_t size = render(manifest_of("b-1", "new")).size();
    for (std::size_t room = 0; room < size; room += 7) {
        CAPTURE(room);
        files.leave_room(room);
        CHECK_THROWS_AS(catalog.commit(manifest_of("b-1", "new")), Error);
        files.heal();
        CHECK(catalog.manifest("b-1")->notes == Names{"earlier"});
    }
}

TEST_CASE_FIXTURE(Fixture, "a removal that was interrupted leaves no backup that looks whole") {
    for (std::size_t nth = 1;; ++nth) {
        CAPTURE(nth);
        files.heal();
        put(*store, "b-1/data/x", "x");
        put(*store, "b-1/data/y", "y");
        catalog.commit(manifest_of("b-1", "good"));
        files.fail_at(nth, EIO, true);
        try {
            catalog.remove("b-1");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::storage);
        }
        const bool failed = files.failed();
        files.heal();
        if (catalog.manifest("b-1")) CHECK(store->list("b-1/data") == Names{"b-1/data/x", "b-1/data/y"});
        // Nothing of it lies there unseen.
        CHECK(catalog.ids().empty() == store->list("b-1").empty());
        if (!failed) break;
        catalog.remove("b-1");
        CHECK(store->list("b-1").empty());
    }
    CHECK_FALSE(fs::exists(root / "b-1"));
}

TEST_CASE_FIXTURE(Fixture, "a full disk does not keep anything from being removed") {
    put(*store, "b-1/data/x", "x");
    catalog.commit(manifest_of("b-1", "good"));
    files.leave_room(0);
    catalog.remove("b-1");
    CHECK(catalog.ids().empty());
    CHECK_FALSE(fs::exists(root / "b-1"));
}

TEST_CASE_FIXTURE(Fixture, "one id is worked on by one run") {
    Catalog other(*store);
    const auto held = catalog.lock("b-1");
    try {
        other.lock("b-1");
        FAIL("two hold one lock");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::busy);
    }
    CHECK(other.lock("b-2"));
    CHECK(catalog.ids().empty());
}

TEST_CASE_FIXTURE(Fixture, "what builds on a backup is found, and each manifest is read once") {
    for (const std::string id : {"a", "b", "c"}) {
        auto manifest = manifest_of(id, "");
        if (id == "c") manifest.bases = {"b"};
        catalog.commit(manifest);
    }
    CHECK(catalog.dependent_of("a").empty());
    CHECK(catalog.dependent_of("b") == "c");
    // What was read is not read again.
    const auto sink = store->create("c/manifest.json");
    sink->write(std::as_bytes(std::span("no json", 7)));
    sink->finish();
    CHECK(catalog.dependent_of("b") == "c");
    catalog.remove("c");
    CHECK(catalog.dependent_of("b").empty());
    auto again = manifest_of("c", "");
    again.bases = {"a"};
    catalog.commit(again);
    CHECK(catalog.dependent_of("a") == "c");
}
