// SPDX-License-Identifier: Apache-2.0
#include "base/secret.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <type_traits>

using namespace vbackup;

namespace {

// A secret in memory of ours, which can be looked at after its end: a short text lies inside the object.
struct Place {
    alignas(Secret) std::array<unsigned char, sizeof(Secret)> bytes{};
    Secret* make(std::string value) { return new (bytes.data()) Secret(std::move(value)); }
    bool holds(std::string_view text) const {
        // Read through a volatile pointer: the object is gone, and the compiler must not reason about it.
        std::string seen;
        const volatile unsigned char* from = bytes.data();
        for (std::size_t i = 0; i < bytes.size(); ++i) seen += static_cast<char>(from[i]);
        return seen.find(text) != std::string::npos;
    }
};

template <class Type>
concept Comparable = requires(const Type& a, const Type& b) {
    a == b;
};

}  // namespace

static_assert(!Comparable<Secret>, "a comparison would leak how much of a secret was right");
static_assert(!std::is_convertible_v<Secret, std::string> && !std::is_convertible_v<std::string, Secret>);

TEST_CASE("a secret shows itself only on demand") {
    const Secret secret(std::string("s3cr3t"));
    CHECK(secret.reveal() == "s3cr3t");
    CHECK_FALSE(secret.empty());
    CHECK(Secret().empty());
}

TEST_CASE("a secret is wiped at its end") {
    Place place;
    Secret* secret = place.make("hunter2-long");
    REQUIRE(place.holds("nter2"));
    secret->~Secret();
    CHECK_FALSE(place.holds("nter2"));
}

TEST_CASE("a secret is wiped when it is moved from") {
    Place place;
    Secret* secret = place.make("hunter2-long");
    const Secret taken(std::move(*secret));
    CHECK_FALSE(place.holds("nter2"));
    CHECK(taken.reveal() == "hunter2-long");
    secret->~Secret();
}

TEST_CASE("a secret is wiped when another takes its place") {
    Place place;
    Secret* secret = place.make("hunter2-long");
    const Secret shorter(std::string("abc"));
    *secret = shorter;
    CHECK_FALSE(place.holds("nter2"));
    CHECK(secret->reveal() == "abc");
    *secret = Secret(std::string("moved in"));
    CHECK(secret->reveal() == "moved in");
    CHECK(shorter.reveal() == "abc");
    secret->~Secret();
}

TEST_CASE("a copy stands for itself") {
    Secret first(std::string("one"));
    const Secret second = first;
    first = Secret(std::string("two"));
    CHECK(first.reveal() == "two");
    CHECK(second.reveal() == "one");
}
