// SPDX-License-Identifier: Apache-2.0
#include "driver/weaviate/structure.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"
#include "driver/weaviate/answers.hpp"

namespace vbackup::driver::weaviate {

namespace {

// As the story names what came from the backup's folder.
constexpr std::string_view folder = "data/";

bool has(const model::Manifest& manifest, std::string_view end) {
    return std::any_of(manifest.files.begin(), manifest.files.end(),
                       [&](const auto& file) { return file.name == fmt::format("{}{}", folder, end); });
}

bool has_chunks(const model::Manifest& manifest, const std::string& collection) {
    const auto part = fmt::format("/{}/chunk-", collection);
    return std::any_of(manifest.files.begin(), manifest.files.end(),
                       [&](const auto& file) { return file.name.find(part) != std::string::npos; });
}

// One without objects needs no chunk, and an increment has none of what did not change.
model::Finding find_collection(const model::Manifest& manifest, const model::CollectionEntry& entry,
                               const Descriptor& descriptor) {
    const auto& name = entry.before.name;
    const auto& listed = descriptor.collections;
    if (std::find(listed.begin(), listed.end(), name) == listed.end())
        return {fmt::format("collection {}: the server's descriptor does not name it", name), false};
    const bool whole = descriptor.base.empty();
    if (whole && entry.before.count.value_or(0) > 0 && !has_chunks(manifest, name))
        return {fmt::format("collection {}: no chunk of it is there", name), false};
    return {fmt::format("collection {}: named by the server's descriptor{}", name,
                        has_chunks(manifest, name) ? ", and chunks of it are there" : ""),
            true};
}

}  // namespace

model::Proof covered(const model::Manifest& manifest, const ReadFile& read) {
    const auto text = read(fmt::format("{}backup_config.json", folder));
    const auto descriptor = text ? parse_descriptor(*text) : std::nullopt;
    if (!descriptor)
        return {.findings = {{"the server's descriptor, backup_config.json, is missing or cannot be read", false}}};
    model::Proof proof;
    for (const auto& node : descriptor->nodes) {
        const bool there = has(manifest, node + "/backup.json");
        proof.findings.push_back(
            {fmt::format("node {}: its backup.json is {}", node, there ? "there" : "missing"), there});
    }
    for (const auto& entry : manifest.collections)
        proof.findings.push_back(find_collection(manifest, entry, *descriptor));
    return proof;
}

}  // namespace vbackup::driver::weaviate
