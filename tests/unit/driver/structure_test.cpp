// SPDX-License-Identifier: Apache-2.0
// What each driver says of how its backups are laid out.
#include "driver/structures.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "driver/qdrant/census.hpp"
#include "driver/qdrant/note.hpp"
#include "driver/registry.hpp"

using namespace vbackup;

namespace {

std::optional<std::string> nothing(const std::string&) {
    return std::nullopt;
}

model::Proof covered(const model::Manifest& manifest, const driver::ReadFile& read = nothing) {
    return driver::find_structure(manifest.driver)->covered(manifest, read);
}

std::string bad(const model::Proof& proof) {
    std::string all;
    for (const auto& one : proof.findings) all += one.good ? "" : one.what + "; ";
    return all;
}

// Two collections of two shards; docs by shard, whole by collection: its shard 1 lies on node 12 only.
model::Manifest of_qdrant() {
    using namespace driver::qdrant;
    model::Manifest manifest;
    manifest.driver = "qdrant";
    for (const auto* name : {"docs", "whole"}) {
        model::CollectionEntry entry;
        entry.before.name = name;
        Census census{.payload_schema = "{}"};
        census.shards = {{.id = 0, .replicas = {{"11", "Active"}, {"12", "Partial"}}},
                         {.id = 1, .replicas = {{"12", "Active"}}}};
        entry.before.details = render(census);
        entry.before.config = "{}";
        manifest.collections.push_back(entry);
    }
    for (const auto& place : {Place{Unit::shard, "docs", "0", "11"}, Place{Unit::shard, "docs", "1", "12"},
                              Place{Unit::collection, "whole", "", "11"}, Place{Unit::collection, "whole", "", "12"}})
        manifest.files.push_back({.name = file_name(place), .details = render(Note{.place = place})});
    return manifest;
}

}  // namespace

TEST_CASE("every driver says how its backups are laid out, or why it does not") {
    CHECK(driver::structures().size() == driver::drivers().size());
    for (const auto& entry : driver::drivers()) {
        CAPTURE(entry.name);
        const auto* known = driver::find_structure(entry.name);
        REQUIRE(known != nullptr);
        CHECK((known->covered == nullptr) == !known->why_not.empty());
    }
    CHECK(driver::find_structure("oracle") == nullptr);
}

TEST_CASE("Qdrant: every shard is in a snapshot, one that was Active where that was made") {
    const auto whole = of_qdrant();
    CHECK_MESSAGE(covered(whole).good(), bad(covered(whole)));
    CHECK(covered(whole).findings.size() == 2);
    const std::vector<std::string> wrong = {
        "collection docs: no snapshot has shard 0; ", "collection docs: no snapshot has shard 1; ",
        "collection whole: no snapshot has shard 0; ", "collection whole: no snapshot has shard 1; "};
    for (std::size_t gone = 0; gone < wrong.size(); ++gone) {
        auto manifest = whole;
        manifest.files.erase(manifest.files.begin() + static_cast<std::ptrdiff_t>(gone));
        CHECK(bad(covered(manifest)) == wrong[gone]);
    }
    auto unknown = whole;
    unknown.collections.front().before.details.clear();
    CHECK_THROWS_AS(covered(unknown), Error);

    const auto* known = driver::find_structure("qdrant");
    using Names = std::vector<std::string>;
    CHECK(known->expected(whole, whole.files[0]) == Names{"shard_config.json", "segments/"});
    CHECK(known->expected(whole, whole.files[3]) ==
          Names{"config.json", "0/shard_config.json", "1/shard_config.json", "1/segments/"});
}

TEST_CASE("Weaviate: every node of its descriptor, and chunks of what had objects") {
    model::Manifest manifest;
    manifest.driver = "weaviate";
    for (const auto* name : {"Article", "Empty"}) {
        model::CollectionEntry entry;
        entry.before.name = name;
        entry.before.count = entry.before.name == "Empty" ? 0 : 7;
        manifest.collections.push_back(entry);
    }
    for (const auto* name :
         {"data/backup_config.json", "data/n1/backup.json", "data/n2/backup.json", "data/n1/Article/chunk-1"})
        manifest.files.push_back({.name = name});
    const auto read = [](const std::string& name) -> std::optional<std::string> {
        if (name != "data/backup_config.json") return std::nullopt;
        return R"({"id":"b1","nodes":{"n1":{"classes":["Article","Empty"]},"n2":{"classes":["Article"]}}})";
    };
    CHECK_MESSAGE(covered(manifest, read).good(), bad(covered(manifest, read)));
    CHECK(bad(covered(manifest)) == "the server's descriptor, backup_config.json, is missing or cannot be read; ");
    auto without = manifest;
    without.files.pop_back();
    CHECK(bad(covered(without, read)) == "collection Article: no chunk of it is there; ");
    without = manifest;
    without.files.erase(without.files.begin() + 2);
    CHECK(bad(covered(without, read)) == "node n2: its backup.json is missing; ");
    manifest.collections.back().before.name = "Other";
    CHECK(bad(covered(manifest, read)) == "collection Other: the server's descriptor does not name it; ");
}

TEST_CASE("Dragonfly: a file of keys of every master, and nothing of what is left with the server") {
    model::Manifest manifest;
    manifest.driver = "dragonfly";
    manifest.kept = true;
    manifest.nodes = {{.name = "a:1"}, {.name = "b:1"}};
    for (const auto& node : manifest.nodes)
        manifest.files.push_back(
            {.name = "data/keys-" + node.name, .part = {.node = node.name}, .format = model::Format::keys});
    CHECK(covered(manifest).good());
    manifest.files.pop_back();
    CHECK(bad(covered(manifest)) == "node b:1: its file of keys is missing; ");
    manifest.kept = false;
    CHECK_THROWS_AS(covered(manifest), Error);
}
