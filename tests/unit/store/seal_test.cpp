// SPDX-License-Identifier: Apache-2.0
#include "store/seal.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"

using namespace vbackup;

namespace {

std::string rendered() {
    model::Manifest manifest;
    manifest.id = "b-1";
    manifest.notes = {"one"};
    manifest.description = "before the move";
    return render(manifest);
}

bool is_good(const std::string& text) {
    try {
        store::parse_sealed(text);
        return true;
    } catch (const Error& error) {
        // A bit of the format's number makes it a newer one, of which nothing more can be said.
        CHECK((error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::refused));
        return false;
    }
}

}  // namespace

TEST_CASE("not one bit of a sealed manifest can change unseen") {
    const auto whole = store::seal(rendered());
    CHECK(store::parse_sealed(whole).description == "before the move");
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto text = whole;
        text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
        CAPTURE(bit);
        CHECK_FALSE(is_good(text));
    }
}

TEST_CASE("a manifest of a vbackup that did not seal is taken") {
    CHECK(is_good(rendered()));
}

TEST_CASE("what changed under its seal says so, and a newer format comes first") {
    auto text = store::seal(rendered());
    text.replace(text.find("before"), 6, "behind");
    try {
        store::parse_sealed(text);
        FAIL("it was taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::corrupt);
        CHECK(error.message().find("seal") != std::string::npos);
    }
    text.replace(text.find("\"format\": 1"), 11, "\"format\": 9");
    CHECK_THROWS_WITH_AS(store::parse_sealed(text), "the manifest has format 9, this vbackup reads up to 2", Error);
}
