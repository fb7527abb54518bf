// SPDX-License-Identifier: Apache-2.0
#include "backup/transfer.hpp"

#include <filesystem>
#include <fstream>

#include "store/encrypted/open.hpp"
#include "two_stores.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

std::vector<backup::Copied> copy(TwoStores& two, const std::string& id, bool dry_run = false) {
    return backup::copy_backup(two.call, two.store, two.other, id, 1, dry_run);
}

}  // namespace

TEST_CASE("a copy is equal to the last byte, and what is there already stays as it is") {
    TwoStores two;
    two.made("b1");
    CHECK_FALSE(copy(two, "b1").at(0).there);
    two.require_equal();
    two.files.heal();
    CHECK(copy(two, "b1").at(0).there);
    for (const auto& what : two.files.record()) CHECK_FALSE(what.starts_with("rename"));
}

TEST_CASE("what a backup builds on is copied before it, once, and only where it is not there") {
    TwoStores two;
    two.make_chain();
    const auto planned = copy(two, "b2", true);
    REQUIRE(planned.size() == 2);
    CHECK(two.other.ids().empty());
    const auto copied = copy(two, "b2");
    REQUIRE(copied.size() == 2);
    CHECK(copied.at(0).id == "b1");
    CHECK(copied.at(1).id == "b2");
    two.require_equal();

    TwoStores alone;
    alone.make_chain();
    copy(alone, "b1");
    alone.store_bytes->remove_all("b1");
    CHECK(copy(alone, "b2").size() == 1);
    alone.other_bytes->remove_all("b1");
    alone.other_bytes->remove_all("b2");
    CHECK(kind_of([&] { copy(alone, "b2"); }) == ErrorKind::not_found);
}

TEST_CASE("another backup of the same id is not touched") {
    TwoStores two;
    auto manifest = two.made("b1");
    manifest.description = "another one";
    two.other.commit(manifest);
    CHECK(kind_of([&] { copy(two, "b1"); }) == ErrorKind::conflict);
    CHECK(two.other.manifest("b1")->description == "another one");
}

TEST_CASE("a damaged source is no copy") {
    TwoStores two;
    const auto name = two.made("b1").files.front().name;
    two.put("b1/" + name, "Article=1001");
    CHECK(kind_of([&] { copy(two, "b1"); }) == ErrorKind::corrupt);
    two.store_bytes->remove("b1/" + name);
    CHECK(kind_of([&] { copy(two, "b1"); }) == ErrorKind::corrupt);
    CHECK_FALSE(two.other.manifest_text("b1"));
}

TEST_CASE("a copy killed at any moment is finished by a rerun, which does not bring again what is there") {
    TwoStores two;
    two.made("b1");
    std::size_t step = 1;
    bool carried_on = false;
    for (bool died = true; died; ++step) {
        CAPTURE(step);
        std::filesystem::remove_all(two.folder.path() / "other");
        two.files.fail_at(step, EIO, true);
        try {
            copy(two, "b1");
            died = two.files.failed();
        } catch (const Error&) {
        }
        two.files.heal();
        const auto there = two.other_bytes->list("b1/data").size();
        copy(two, "b1");
        const auto record = two.files.record();
        const auto written = std::count_if(record.begin(), record.end(), [](const auto& what) {
            const auto is_of = [&](const char* name) { return what.find(name) != std::string::npos; };
            return what.starts_with("rename") && !is_of("manifest") && !is_of("intent") && !is_of("probe");
        });
        CHECK(static_cast<std::size_t>(written) + there == 2);
        carried_on = carried_on || (there == 1 && written == 1);
        CHECK(two.good(two.other, "b1"));
        REQUIRE(step < 500);
    }
    CHECK(carried_on);
    CHECK(step > 20);
    two.require_equal();
}

TEST_CASE(
    "a copy to an encrypted store is whole, and what a killed one left there is carried on, or begun anew when it is "
    "damaged") {
    TwoStores two;
    const auto id = std::string("b1");
    auto manifest = two.made(id);
    const std::string large(200'000, 'x');
    two.put("b1/data/large", large);
    model::File file{.name = "data/large", .size = large.size(), .sha256 = io::sha256(large), .kept = true};
    manifest.files.push_back(file);
    two.store.commit(manifest);

    const store::encrypted::Credential key{model::SlotKind::key_file, Secret(std::string(64, 'k'))};
    for (const bool damaged : {false, true}) {
        CAPTURE(damaged);
        const auto root = two.folder.path() / (damaged ? "damaged" : "whole");
        const auto safe = store::encrypted::guard(store::open_directory(root), {.credential = key});
        store::Catalog catalog(*safe);
        catalog.write({.id = id, .verb = "copy", .draft = manifest});
        safe->create("b1/data/large")->write(std::as_bytes(std::span(large)).first(150'000));
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
            if (!damaged || entry.path().extension() != ".part") continue;
            std::fstream part(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
            part.seekp(100'000);
            part << "damage";
        }
        REQUIRE(safe->partial_size("b1/data/large") == 131'072);
        CHECK(backup::copy_backup(two.call, two.store, catalog, id, 1, false).size() == 1);
        CHECK(two.good(catalog, id));
        CHECK(two.bytes_of(*safe, "b1/data/large") == large);
    }
}
