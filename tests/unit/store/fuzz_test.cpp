// SPDX-License-Identifier: Apache-2.0
// Any text is a sealed manifest, a name in a store, the address of a bucket, or is refused.
#include "support/fuzz.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "model/manifest.hpp"
#include "store/names.hpp"
#include "store/s3/bucket.hpp"
#include "store/s3/settings.hpp"
#include "store/seal.hpp"

using namespace vbackup;
using test::must;

namespace {

std::string sealed_manifest() {
    model::Manifest manifest{.id = "b1", .vbackup_version = "1", .driver = "toy", .kept = true};
    manifest.files.push_back({.name = "data/a", .size = 3, .sha256 = std::string(64, 'a'), .kept = true});
    return store::seal(model::render(manifest));
}

// What parts a seal from the text that it is of.
constexpr std::string_view before = ",\n  \"seal\": \"";

void read_sealed(const std::string& text) {
    try {
        store::parse_sealed(text);
    } catch (const Error& error) {
        must(error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::refused,
             "it was refused by another kind of error");
        return;
    }
    // Who changes so much of the seal that it is none has a manifest of a vbackup that did not seal yet.
    const auto at = text.rfind(before);
    const bool has_seal =
        at != std::string::npos && text.size() == at + before.size() + 64 + 3 && text.ends_with("\"\n}");
    if (has_seal) must(store::seal(text.substr(0, at) + "\n}") == text, "something was changed, and not seen");
}

// Throws what is wrong with how a name becomes a path.
void read_name(const std::string& name) {
    try {
        const auto path = store::encode_name(name, store::Naming::encoded);
        must(path.find('\0') == std::string::npos && !path.starts_with('/'), "that is no path below a folder");
        for (std::size_t at = 0; at <= path.size();) {
            const auto part = path.substr(at, path.find('/', at) - at);
            at += part.size() + 1;
            must(!part.empty() && part != "." && part != ".." && part.size() <= 250,
                 "a part of the path is no name: " + part);
        }
        const auto back = store::decode_name(path, store::Naming::encoded);
        must(back.has_value(), "its own path is not known to it: " + path);
        must(store::encode_name(*back, store::Naming::encoded) == path, "the way back leads elsewhere: " + path);
        must(*back == name || path.find("%~") != std::string::npos, "it came back as " + *back);
    } catch (const Error& error) {
        must(error.kind() == ErrorKind::storage && name.empty(), "it was refused: " + error.message());
    }
}

void read_path(const std::string& path) {
    if (const auto name = store::decode_name(path, store::Naming::encoded))
        must(store::encode_name(*name, store::Naming::encoded) == path, "another name has that path, too: " + *name);
    store::decode_name(path, store::Naming::plain);
    store::percent_decode(path);
    must(store::flat_name(path).find('/') == std::string::npos, "that is no file name");
    store::s3::parse_bucket_url(path);
}

}  // namespace

TEST_CASE("fuzz: sealed manifests") {
    auto about = test::json_fuzz("seal", {"\"seal\":\"", "seal", "\"kept\":"}, {sealed_manifest()});
    about.rounds = 700;
    CHECK(test::fuzz(about, read_sealed) == "");
}

TEST_CASE("fuzz: names and addresses of what is stored") {
    const test::Fuzz about{.corpus = "names",
                           .words = {"/", ".", "..", "%", "%~", "%2E", "%2e", "%00", ".part", "\\", "\xC3\xBC",
                                     "\xE2\x80", "s3://", "?", std::string(150, 'x')},
                           .rounds = 3000,
                           .longest = 4096};
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        read_name(text);
        read_path(text);
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: what a bucket says went wrong") {
    const test::Fuzz about{.corpus = "bucket",
                           .words = {"<Error>", "</Error>", "<Code>", "</Code>", "<", ">", "&amp;"}};
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        const auto code =
            store::s3::code_of({.status = 400, .headers = {{"Content-Type", "application/xml"}}, .body = text});
        must(code.size() <= text.size(), "the code grows");
    });
    CHECK(wrong == "");
}
