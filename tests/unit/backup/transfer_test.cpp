// SPDX-License-Identifier: Apache-2.0
#include "backup/transfer.hpp"

#include <random>

#include "io/sealed_zstd.hpp"
#include "io/tar.hpp"
#include "support/text_sink.hpp"
#include "two_stores.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

struct Two : TwoStores {
    std::string exported(const std::string& id) {
        TextSink text;
        backup::export_backup(call, store, id, text);
        CHECK(text.finished);
        return text.text;
    }
    model::Manifest import(const std::string& archive, bool dry_run = false) {
        return backup::import_backup(call, other, *io::memory_source(archive), dry_run);
    }
    ErrorKind kind_of_import(const std::string& archive) {
        return kind_of([&] { import(archive); });
    }
};

struct Entry {
    std::string name;
    std::string data;
};

std::string archive_of(const std::vector<Entry>& entries) {
    TextSink text;
    const auto zstd = io::zstd_sealed(text, 1, 1);
    io::TarWriter tar(*zstd);
    for (const auto& [name, data] : entries) {
        tar.begin(name, data.size(), Moment{});
        tar.write(std::as_bytes(std::span(data)));
    }
    tar.finish();
    zstd->finish();
    return text.text;
}

// The entries of b1 as an export writes them.
std::vector<Entry> entries_of(Two& two) {
    std::vector<Entry> entries;
    const auto manifest = *two.store.manifest("b1");
    for (const auto& file : manifest.files)
        entries.push_back({"b1/" + file.name, two.bytes_of(*two.store_bytes, "b1/" + file.name)});
    entries.push_back({"b1/manifest.json", *two.store.manifest_text("b1")});
    return entries;
}

}  // namespace

TEST_CASE("a backup goes out as an archive and comes in elsewhere, equal to the last byte") {
    Two two;
    two.made("b1");
    CHECK(two.import(two.exported("b1")).id == "b1");
    two.require_equal();
    CHECK(two.good(two.other, "b1"));
    CHECK(two.kind_of_import(two.exported("b1")) == ErrorKind::conflict);
    CHECK(two.good(two.other, "b1"));
}

TEST_CASE("an import that only looks changes nothing") {
    Two two;
    two.made("b1");
    CHECK(two.import(two.exported("b1"), true).files.size() == 2);
    CHECK_FALSE(fs::exists(two.folder.path() / "other"));
}

TEST_CASE("what is not in the store, or not finished, or damaged is not exported") {
    Two two;
    two.made("b1");
    two.made("left", false);
    TextSink text;
    const auto kind = [&](store::Catalog& from, const std::string& id) {
        return kind_of([&] { backup::export_backup(two.call, from, id, text); });
    };
    CHECK(kind(two.store, "none") == ErrorKind::not_found);
    CHECK(kind(two.journal, "left") == ErrorKind::refused);
    two.store.write({.id = "begun", .verb = "create", .draft = *two.store.manifest("b1")});
    CHECK(kind(two.store, "begun") == ErrorKind::refused);
    const auto path = two.folder.path() / "store/b1" / two.store.manifest("b1")->files.front().name;
    for (const std::string bytes : {"Article=1001", "Article=10000", "Article"}) {
        io::write_file(io::real_files(), path, bytes);
        CHECK(kind(two.store, "b1") == ErrorKind::corrupt);
    }
    CHECK_FALSE(text.finished);
}

TEST_CASE("an archive that lacks a file, has one too many, or hides one elsewhere leaves nothing") {
    Two two;
    two.made("b1");
    const auto good = entries_of(two);
    auto missing = good, extra = good, late = good, twice = good, other = good, changed = good, longer = good;
    missing.erase(missing.begin());
    extra.insert(extra.begin(), {"b1/data/extra", "x"});
    late.push_back({"b1/data/late", "x"});
    twice.insert(twice.begin(), twice.front());
    other.insert(other.begin(), {"b0/data/x", "x"});
    changed.front().data.back() = '9';
    longer.front().data += '0';
    std::vector<std::vector<Entry>> all{missing, extra, late, twice, other, changed, longer};
    all.push_back({good.begin(), good.end() - 1});  // no manifest
    for (const std::string name : {"../out", "b1/../out", "/b1/data/x", "b1//x", "b1/./x", "b1/intent.json", "b1",
                                   "B1/data/x", "b1/data/a\\b"}) {
        all.push_back(good);
        all.back().insert(all.back().begin(), {name, "x"});
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        CAPTURE(i);
        CHECK(two.kind_of_import(archive_of(all[i])) == ErrorKind::corrupt);
        CHECK(two.other_bytes->list("").empty());
        CHECK(two.other_bytes->list("", true).empty());
        CHECK_FALSE(fs::exists(two.folder.path() / "out"));
    }
    CHECK(two.import(archive_of(good)).id == "b1");
}

TEST_CASE("an import killed at any moment is begun anew by a rerun, or was done") {
    Two two;
    two.made("b1");
    const auto archive = two.exported("b1");
    std::size_t step = 1;
    for (bool died = true; died; ++step) {
        CAPTURE(step);
        fs::remove_all(two.folder.path() / "other");
        two.files.fail_at(step, EIO, true);
        try {
            two.import(archive);
            died = two.files.failed();
        } catch (const Error&) {
        }
        two.files.heal();
        const bool there = two.other.manifest_text("b1").has_value();
        if (there) {
            CHECK(two.kind_of_import(archive) == ErrorKind::conflict);
        } else {
            CHECK(two.import(archive).id == "b1");
            CHECK(two.other_bytes->list("") == two.store_bytes->list(""));
        }
        CHECK(two.good(two.other, "b1"));
        REQUIRE(step < 500);
    }
    CHECK(step > 20);
}

TEST_CASE("what a killed import of another archive left does not come into this one") {
    Two two;
    two.made("b1");
    two.other.write({.id = "b1", .verb = "import", .draft = *two.store.manifest("b1")});
    const auto sink = two.other_bytes->create("b1/data/stray");
    sink->write(std::as_bytes(std::span(std::string_view("x"))));
    sink->finish();
    two.import(two.exported("b1"));
    CHECK(two.other_bytes->list("") == two.store_bytes->list(""));
}

TEST_CASE("an import does not touch what another verb has begun under its id") {
    Two two;
    two.made("b1");
    const auto archive = two.exported("b1");
    two.other.write({.id = "b1", .verb = "download", .draft = *two.store.manifest("b1")});
    CHECK(two.kind_of_import(archive) == ErrorKind::conflict);
    CHECK(two.other.intent("b1")->verb == "download");
}

TEST_CASE("what builds on another backup says so, and is not taken without it") {
    Two two;
    two.make_chain();
    const auto archive = two.exported("b2");
    REQUIRE(two.tally.warnings().size() == 1);
    CHECK(two.tally.warnings().front().find("b2 builds on b1") == 0);
    CHECK(two.kind_of_import(archive) == ErrorKind::refused);
    CHECK(two.other_bytes->list("").empty());
    two.import(two.exported("b1"));
    CHECK(two.import(archive).id == "b2");
}

TEST_CASE("one flipped bit anywhere in an archive is found, and leaves nothing") {
    Two two;
    two.made("b1");
    const auto whole = two.exported("b1");
    std::mt19937 random(1);  // NOLINT: the same ones each time
    for (int round = 0; round < 300; ++round) {
        auto bytes = whole;
        const auto bit = random() % (bytes.size() * 8);
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        CAPTURE(bit);
        CHECK(two.kind_of_import(bytes) == ErrorKind::corrupt);
        CHECK(two.other_bytes->list("").empty());
    }
}

TEST_CASE("verify finds one flipped bit anywhere in data and manifest") {
    Two two;
    two.made("b1");
    std::mt19937 random(2);  // NOLINT: the same ones each time
    for (const auto& name : two.store_bytes->list("b1")) {
        const auto path = two.folder.path() / "store" / name;
        const auto whole = io::read_file(io::real_files(), path);
        for (int round = 0; round < 300; ++round) {
            auto bytes = whole;
            const auto bit = random() % (bytes.size() * 8);
            bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
            io::write_file(io::real_files(), path, bytes);
            CAPTURE(name);
            CAPTURE(bit);
            bool found = true;
            try {
                found = !two.good(two.store, "b1");
            } catch (const Error& error) {
                CHECK((error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::refused));
            }
            CHECK(found);
        }
        io::write_file(io::real_files(), path, whole);
    }
    CHECK(two.good(two.store, "b1"));
}
