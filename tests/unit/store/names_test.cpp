// SPDX-License-Identifier: Apache-2.0
#include "store/names.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"

using namespace vbackup;
using namespace vbackup::store;

namespace {

std::string encoded(std::string_view name) {
    return encode_name(name, Naming::encoded);
}
std::optional<std::string> decoded(std::string_view path) {
    return decode_name(path, Naming::encoded);
}

}  // namespace

TEST_CASE("names that are safe stay readable") {
    for (const char* name : {"prod-20261121t074700z/data/Article/shard-0.snapshot", "with space", "trailing.", "a..b",
                             "ünï/名前", "a:b*c?\"<>|", "part", "x.parts", "x.part.y"}) {
        CHECK(encoded(name) == name);
        CHECK(decoded(name) == name);
    }
}

TEST_CASE("names that are not safe are encoded") {
    CHECK(encoded("..") == "%2E.");
    CHECK(encoded(".") == "%2E");
    CHECK(encoded("../../etc/passwd") == "%2E./%2E./etc/passwd");
    CHECK(encoded(".hidden") == "%2Ehidden");
    CHECK(encoded("/etc") == "%~/etc");
    CHECK(encoded("a//b/") == "a/%~/b/%~");
    CHECK(encoded("50%") == "50%25");
    CHECK(encoded("a\\b") == "a%5Cb");
    CHECK(encoded("line\nbreak\x7f") == "line%0Abreak%7F");
    CHECK(encoded(std::string_view("nul\0", 4)) == "nul%00");
    CHECK(encoded("\xff\xc3") == "%FF%C3");
    CHECK(encoded("\xc3(\xe5\x90(") == "%C3(%E5%90(");
    CHECK(encoded("a.part/b.part") == "a%2Epart/b%2Epart");
    CHECK(encoded(".part") == "%2Epart");
}

TEST_CASE("encoding can be undone and keeps names apart") {
    const std::vector<std::string> parts = {"",
                                            ".",
                                            "..",
                                            "...",
                                            "%",
                                            "%2E",
                                            "%~",
                                            "a",
                                            "a.part",
                                            "part",
                                            ".part",
                                            "%2Epart",
                                            " ",
                                            "\xf0\x9f\x92\xbe",
                                            "\x80",
                                            "a\nb",
                                            "\\",
                                            std::string(1, '\0'),
                                            std::string(200, 'x'),
                                            std::string(66, '\n')};
    std::set<std::string> seen;
    for (const std::string& first : parts) {
        for (const std::string& second : parts) {
            const std::string name = first + "/" + second;
            CAPTURE(name);
            CHECK(decoded(encoded(name)) == name);
            CHECK(seen.insert(encoded(name)).second);
        }
    }
}

TEST_CASE("an over-long part fits a file name, stays apart and stands for itself") {
    std::set<std::string> seen;
    for (const std::string& name :
         {std::string(201, 'x'), std::string(255, 'x'), std::string(5000, 'x'), std::string(255, 'x') + "y",
          std::string(100, '\n'), std::string(159, 'x') + "üüüüüüüüüüüüüüüüüüüüüüüüü",
          std::string(155, 'x') + ".part" + std::string(100, 'x'), std::string(159, 'x') + std::string(30, '\n'),
          std::string(158, 'x') + std::string(30, '\n')}) {
        CAPTURE(name);
        const std::string path = encoded("id/" + name + "/file");
        CHECK(path.size() <= 200 + 8);
        CHECK(seen.insert(path).second);
        // What a listing gives finds the file again.
        const std::optional<std::string> listed = decoded(path);
        REQUIRE(listed);
        CHECK(encoded(*listed) == path);
    }
}

TEST_CASE("a name that only looks like a cut one is encoded") {
    const std::string hash(32, 'a');
    CHECK(encoded("x%~" + hash) == "x%~" + hash);
    CHECK(encoded(".x%~" + hash) == "%2Ex%25~" + hash);
    CHECK(encoded("x\n%~" + hash) == "x%0A%25~" + hash);
    CHECK(encoded(std::string(161, 'x') + "%~" + hash).substr(161) != "%~" + hash);
    CHECK(encoded("x%~" + std::string(32, 'g')) == "x%25~" + std::string(32, 'g'));
}

TEST_CASE("a cut does not tear a character or an escape") {
    for (std::size_t before = 150; before <= 160; ++before) {
        CAPTURE(before);
        const std::string wide = encoded(std::string(before, 'x') + "\xf0\x9f\x92\xbe" + std::string(100, 'y'));
        CHECK(std::count_if(wide.begin(), wide.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }) %
                  4 ==
              0);
        const std::string escaped = encoded(std::string(before, 'x') + "\n" + std::string(100, 'y'));
        const std::size_t percent = escaped.find('%');
        CHECK((escaped.substr(percent, 3) == "%0A" || escaped.substr(percent, 2) == "%~"));
        CHECK(decoded(escaped) == escaped);
    }
}

TEST_CASE("a path that encoding does not make is not ours") {
    for (const char* path : {"%2e", "%", "%zz", "%41", "a%2Fb.part", ".hidden", "a//b", "%~x", "x%~0123"}) {
        CAPTURE(path);
        CHECK_FALSE(decoded(path));
    }
    CHECK_FALSE(decoded(std::string(201, 'x')));
}

TEST_CASE("plain names are used as they are, unless they would escape") {
    for (const char* name : {"node1/Article/chunk-1", ".hidden", "50%", "a.part"}) {
        CHECK(encode_name(name, Naming::plain) == name);
        CHECK(decode_name(name, Naming::plain) == name);
    }
    for (const char* name : {"..", "a/../b", "/etc", "a//b", "a/", ".", "./a"}) {
        CAPTURE(name);
        CHECK_THROWS_AS(encode_name(name, Naming::plain), Error);
    }
    CHECK_THROWS_AS(encode_name("", Naming::plain), Error);
    CHECK_THROWS_AS(encoded(""), Error);
}

TEST_CASE("a flat name is one file name") {
    CHECK(flat_name("prod-1") == "prod-1");
    CHECK(flat_name("../a/b") == "%2E.%2Fa%2Fb");
    CHECK(flat_name(std::string(500, 'x')).size() <= 200);
}

TEST_CASE("percent_decode takes whole escapes only") {
    CHECK(percent_decode("a%20b%2F%e4") == "a b/\xe4");
    CHECK(percent_decode("") == "");
    for (const char* text : {"%", "%2", "%g0", "%2g", "%-1", "% 1", "a%2"}) {
        CAPTURE(text);
        CHECK_FALSE(percent_decode(text));
    }
}
