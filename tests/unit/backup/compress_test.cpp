// SPDX-License-Identifier: Apache-2.0
#include "backup/fetch.hpp"

#include <cstring>

#include "backup/kept.hpp"
#include "backup/transfer.hpp"
#include "io/copy.hpp"
#include "support/text_sink.hpp"
#include "two_stores.hpp"

using namespace vbackup;
using namespace vbackup::test;

namespace {

// Makes b1 with packed files.
struct Packed : TwoStores {
    Packed() { manifest = *backup::create(call, packing(), {.id = "b1", .keep = true}).manifest; }
    backup::Stage packing() {
        auto on = stage();
        on.compression = 3;
        return on;
    }
    model::Manifest manifest;
};

// Gives a part of a text, then breaks.
class Breaking final : public io::Source {
public:
    Breaking(const std::string& text, std::uint64_t begin, std::uint64_t end)
        : text_(text), at_(begin), begin_(begin), end_(end) {}
    std::size_t read(std::span<std::byte> into) override {
        if (at_ >= end_ && at_ < text_.size()) throw Error(ErrorKind::unreachable, "broke");
        const auto count = std::min<std::size_t>(into.size(), static_cast<std::size_t>(end_ - at_));
        std::memcpy(into.data(), text_.data() + at_, count);
        at_ += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return text_.size(); }
    std::uint64_t offset() const override { return begin_; }

private:
    const std::string& text_;
    std::uint64_t at_, begin_, end_;
};

std::string large_text() {
    std::string text;
    for (int i = 0; text.size() < 3'000'000; ++i) text += std::to_string(i) + " and more of the same; ";
    return text;
}

}  // namespace

TEST_CASE("packed files are verified, restored and downloaded as others are") {
    Packed scene;
    REQUIRE(scene.manifest.files.size() == 2);
    for (const auto& file : scene.manifest.files) {
        CHECK(file.packing == "zstd");
        CHECK(file.stored_size == scene.store_bytes->size("b1/" + file.name));
        CHECK(io::read_all(*backup::open_kept(*scene.store_bytes, "b1", file), 1000).size() == file.size);
    }
    CHECK(scene.good(scene.store, "b1"));
    scene.database.collections.clear();
    CHECK(restore(scene, {.id = "b1"}).proof.good());
    CHECK(scene.database.collections.at("Article") == 1'000);
    scene.made("b2", false);
    CHECK(backup::download(scene.call, scene.packing(), "b2", {}, false).manifest->files.front().packing == "zstd");
    CHECK(scene.good(scene.store, "b2"));
}

TEST_CASE("an older vbackup refuses what it cannot unpack, and takes what is not packed") {
    Packed scene;
    CHECK(scene.store.manifest_text("b1")->find("\"format\": 2") != std::string::npos);
    scene.made("b2");
    CHECK(scene.store.manifest_text("b2")->find("\"format\": 1") != std::string::npos);
    auto file = scene.manifest.files.front();
    file.packing = "lzma";
    CHECK(kind_of([&] { backup::open_kept(*scene.store_bytes, "b1", file); }) == ErrorKind::refused);
}

TEST_CASE("each flipped bit and each cut of a packed file is found by verify, and not restored") {
    Packed scene;
    const auto path = scene.folder.path() / "store/b1" / scene.manifest.files.front().name;
    const auto whole = io::read_file(io::real_files(), path);
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto bytes = whole;
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
        io::write_file(io::real_files(), path, bytes);
        CAPTURE(bit);
        CHECK_FALSE(scene.good(scene.store, "b1"));
    }
    for (std::size_t size = 0; size < whole.size(); ++size) {
        io::write_file(io::real_files(), path, whole.substr(0, size));
        CHECK_FALSE(scene.good(scene.store, "b1"));
    }
    scene.database.collections.clear();
    // The other collection is good.
    CHECK(kind_of([&] { restore(scene, {.id = "b1"}); }) == ErrorKind::partial);
    CHECK(scene.database.collections.size() == 1);
    io::write_file(io::real_files(), path, whole);
    CHECK(scene.good(scene.store, "b1"));
    CHECK(backup::verify(scene.call, scene.store, "b1", 1, {1, 9}).good());
}

TEST_CASE("a packed backup goes out unpacked in an archive, and as it lies in a copy") {
    Packed scene;
    TextSink archive;
    backup::export_backup(scene.call, scene.store, "b1", archive);
    const auto imported = backup::import_backup(scene.call, scene.other, *io::memory_source(archive.text), false);
    CHECK(imported.files.front().packing.empty());
    CHECK(imported.files.front().sha256 == scene.manifest.files.front().sha256);
    CHECK(scene.good(scene.other, "b1"));
    scene.other_bytes->remove_all("b1");
    backup::copy_backup(scene.call, scene.store, scene.other, "b1", 1, false);
    scene.require_equal();
    CHECK(scene.good(scene.other, "b1"));
}

TEST_CASE("a line that breaks is reopened where it stopped, or begun anew, and packed all the same") {
    Scene scene;
    const auto text = large_text();
    for (const bool anew : {false, true}) {
        std::vector<std::uint64_t> asked;
        const auto open = [&](std::uint64_t offset) {
            asked.push_back(offset);
            const auto from = anew ? 0 : offset;
            const auto to = asked.size() < 3 ? from + 1'200'000 + asked.size() : text.size();
            return std::make_unique<Breaking>(text, from, std::min<std::uint64_t>(to, text.size()));
        };
        const model::File file{.name = "data/a", .size = text.size(), .server_sha256 = io::sha256(text)};
        const auto kept = backup::fetch_file(scene.call, *scene.store_bytes, "b1", file, open, 1);
        CHECK(asked.size() == 3);
        CHECK(asked.at(1) == 1'200'001);
        CHECK(*kept.stored_size < text.size() / 4);
        CHECK((io::read_all(*backup::open_kept(*scene.store_bytes, "b1", kept), 10'000'000) == text));
        CHECK((io::read_all(*backup::open_kept(*scene.store_bytes, "b1", kept, 2'000'000), 10'000'000) ==
               text.substr(2'000'000)));
        const auto lying = scene.store_bytes->open("b1/data/a");
        CHECK(io::drain(scene.call, *lying).sha256 == kept.stored_sha256);
    }
    auto wrong = model::File{.name = "data/b", .server_sha256 = io::sha256("other")};
    const auto whole = [&](std::uint64_t offset) { return io::memory_source(text, offset); };
    CHECK(kind_of([&] { backup::fetch_file(scene.call, *scene.store_bytes, "b1", wrong, whole, 1); }) ==
          ErrorKind::corrupt);
    CHECK_FALSE(scene.store_bytes->size("b1/data/b"));
}
