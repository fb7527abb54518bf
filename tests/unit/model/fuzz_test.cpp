// SPDX-License-Identifier: Apache-2.0
// Any text is a manifest, an intent or a wish, or is refused; what was read and printed prints the same again.
#include "support/fuzz.hpp"

#include <doctest/doctest.h>

#include "base/error.hpp"
#include "model/manifest.hpp"
#include "model/request.hpp"
#include "sample.hpp"

using namespace vbackup;
using test::must;

namespace {

// What `parse` makes of a text; empty where it refuses it as it should.
template <typename Parse>
auto read(const std::string& text, Parse parse) -> std::optional<decltype(parse(text))> {
    try {
        return parse(text);
    } catch (const Error& error) {
        must(error.kind() == ErrorKind::corrupt || error.kind() == ErrorKind::refused,
             "it was refused by another kind of error: " + error.message());
        must(error.message().size() < 1000, "the error repeats too much");
        return std::nullopt;
    }
}

void read_manifest(const std::string& text) {
    const auto manifest = read(text, [](const auto& from) { return model::parse_manifest(from); });
    if (!manifest) return;
    for (const auto& file : manifest->files) must(model::is_safe_file_name(file.name), "a name leaves its folder");
    const auto printed = model::render(*manifest);
    must(model::render(model::parse_manifest(printed)) == printed, "printed it reads otherwise");
}

void read_intent(const std::string& text) {
    const auto intent = read(text, [](const auto& from) { return model::parse_intent(from); });
    if (!intent) return;
    const auto printed = model::render(*intent);
    must(model::render(model::parse_intent(printed)) == printed, "printed it reads otherwise");
}

}  // namespace

TEST_CASE("fuzz: manifests and intents") {
    auto about = test::json_fuzz(
        "manifest", {"manifest.json", "../", "\"kept\":true", "\"format\":", "deadbeef", "9999-12-31T23:59:59Z"},
        {model::render(test::full_manifest()), model::render(test::full_intent())});
    about.rounds = 400;
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        read_manifest(text);
        read_intent(text);
    });
    CHECK(wrong == "");
}

TEST_CASE("fuzz: what was asked") {
    model::Request request{.verb = model::Verb::restore, .id = "b1"};
    request.scope.include = {"a*", "b?"};
    request.options = {{"unit", "shard"}};
    request.renames = {{"a", "b"}};
    request.retention = Milliseconds(5000);
    const auto about = test::json_fuzz("request", {"restore", "create", "include"}, {model::summary(request)});
    const auto wrong = test::fuzz(about, [](const std::string& text) {
        const auto asked = read(text, [](const auto& from) { return model::parse_summary(from); });
        if (!asked) return;
        const auto printed = model::summary(*asked);
        must(model::summary(model::parse_summary(printed)) == printed, "printed it reads otherwise");
    });
    CHECK(wrong == "");
}
