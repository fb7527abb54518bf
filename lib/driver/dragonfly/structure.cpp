// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/structure.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.hpp"

namespace vbackup::driver::dragonfly {

model::Proof covered(const model::Manifest& manifest, const ReadFile&) {
    if (!manifest.kept)
        throw Error(ErrorKind::unsupported,
                    "the backup was left with the server, in files of its own whose structure is not known",
                    "leave out --structure");
    model::Proof proof;
    for (const auto& node : manifest.nodes) {
        const bool there = std::any_of(manifest.files.begin(), manifest.files.end(), [&](const auto& file) {
            return file.format == model::Format::keys && file.part.node == node.name;
        });
        proof.findings.push_back(
            {fmt::format("node {}: its file of keys is {}", node.name, there ? "there" : "missing"), there});
    }
    return proof;
}

}  // namespace vbackup::driver::dragonfly
