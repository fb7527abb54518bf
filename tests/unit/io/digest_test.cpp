// SPDX-License-Identifier: Apache-2.0
#include "io/digest.hpp"

#include <doctest/doctest.h>

#include <string>

#include "io/crc32.hpp"

using namespace vbackup::io;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

// FIPS 180-2, appendix B, and the empty message.
TEST_CASE("sha-256 of the standard's messages") {
    CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha256(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a digest does not depend on the pieces, and begins anew after reset") {
    Digest digest;
    digest.update(bytes_of("a"));
    digest.update(bytes_of(""));
    digest.update(bytes_of("bc"));
    CHECK(digest.hex() == sha256("abc"));
    digest.reset();
    digest.update(bytes_of("wrong"));
    digest.reset();
    digest.update(bytes_of("abc"));
    Digest moved = std::move(digest);
    CHECK(moved.hex() == sha256("abc"));
}

TEST_CASE("crc-32 of the catalogue's check word, in pieces of any length") {
    Crc32 whole;
    whole.update(bytes_of("123456789"));
    CHECK(whole.value() == 0xCBF43926U);
    CHECK(Crc32().value() == 0);
    const std::string text(100, 'x');
    Crc32 once;
    once.update(bytes_of(text));
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        Crc32 twice;
        twice.update(bytes_of(text).first(cut));
        twice.update(bytes_of(text).subspan(cut));
        CHECK(twice.value() == once.value());
    }
}
