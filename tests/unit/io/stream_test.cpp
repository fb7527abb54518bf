// SPDX-License-Identifier: Apache-2.0
#include "io/stream.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "base/error.hpp"

using namespace vbackup;
using namespace vbackup::io;

TEST_CASE("a memory source gives its bytes from the offset on") {
    const auto source = memory_source("hello world", 6);
    CHECK(source->size() == 11);
    CHECK(source->offset() == 6);
    std::array<std::byte, 3> few{};
    CHECK(source->read(few) == 3);
    CHECK(std::string(reinterpret_cast<const char*>(few.data()), 3) == "wor");
    CHECK(source->read(few) == 2);
    CHECK(source->read(few) == 0);
    CHECK(read_all(*memory_source("abc", 9), 10).empty());
}

TEST_CASE("read_all takes what is allowed and not a byte more") {
    const std::string text(200'000, 'x');
    CHECK(read_all(*memory_source(text), text.size()) == text);
    CHECK(read_all(*memory_source(""), 0).empty());
    try {
        read_all(*memory_source(text), text.size() - 1);
        FAIL("too long a text was taken");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::not_understood);
    }
}
