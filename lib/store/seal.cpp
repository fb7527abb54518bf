// SPDX-License-Identifier: Apache-2.0
#include "store/seal.hpp"

#include <fmt/format.h>

#include <cstddef>

#include "base/error.hpp"
#include "io/digest.hpp"

namespace vbackup::store {

namespace {

// A rendered manifest ends with these two; the seal goes between them.
constexpr std::string_view end = "\n}";
constexpr std::string_view before_digest = ",\n  \"seal\": \"";
constexpr std::string_view after_digest = "\"\n}";
constexpr std::size_t digest_size = 64;
constexpr std::size_t tail_size = before_digest.size() + digest_size + after_digest.size();

std::size_t differences(std::string_view one, std::string_view other) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < one.size(); ++i) count += one[i] == other[i] ? 0U : 1U;
    return count;
}

[[noreturn]] void broken() {
    throw Error(ErrorKind::corrupt, "the manifest was changed after it was written: its seal is of another text",
                "take another backup, or bring this one here again");
}

void require_seal(std::string_view text) {
    if (text.size() < tail_size) return;
    const auto tail = text.substr(text.size() - tail_size);
    const auto wrong = differences(tail.substr(0, before_digest.size()), before_digest) +
                       differences(tail.substr(before_digest.size() + digest_size), after_digest);
    // What is nearly a seal was one.
    constexpr std::size_t nearly = 4;
    if (wrong > nearly) return;
    const auto rendered = std::string(text.substr(0, text.size() - tail_size)) + std::string(end);
    if (wrong > 0 || tail.substr(before_digest.size(), digest_size) != io::sha256(rendered)) broken();
}

}  // namespace

std::string seal(std::string_view rendered) {
    return fmt::format("{}{}{}{}", rendered.substr(0, rendered.size() - end.size()), before_digest,
                       io::sha256(rendered), after_digest);
}

model::Manifest parse_sealed(std::string_view text) {
    // A newer format says so whatever its seal is like.
    auto manifest = model::parse_manifest(text);
    require_seal(text);
    return manifest;
}

}  // namespace vbackup::store
