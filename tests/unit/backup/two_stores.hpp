// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "scene.hpp"

namespace vbackup::test {

// A scene with a second store, whose disk can fail.
struct TwoStores : Scene {
    FaultFiles files;
    std::unique_ptr<store::Store> other_bytes = store::open_directory(folder.path() / "other", files);
    store::Catalog other{*other_bytes};

    bool good(store::Catalog& where, const std::string& id) { return backup::verify(call, where, id, 1).good(); }
    std::string bytes_of(store::Store& where, const std::string& name) {
        return io::read_all(*where.open(name), 1'000'000);
    }
    // Both hold the same names with the same bytes.
    void require_equal() {
        CHECK(other_bytes->list("") == store_bytes->list(""));
        for (const auto& name : store_bytes->list(""))
            CHECK(bytes_of(*other_bytes, name) == bytes_of(*store_bytes, name));
    }
    // An increment: b2 is what b1 is, and builds on it.
    void make_chain() {
        made("b1");
        auto manifest = made("b2");
        manifest.bases = {"b1"};
        store.commit(manifest);
    }
    void put(const std::string& name, std::string_view text) {
        const auto sink = store_bytes->create(name);
        sink->write(std::as_bytes(std::span(text)));
        sink->finish();
    }
};

}  // namespace vbackup::test
