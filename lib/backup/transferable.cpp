// SPDX-License-Identifier: Apache-2.0
#include "backup/transferable.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "backup/find.hpp"
#include "backup/near.hpp"
#include "base/error.hpp"
#include "store/seal.hpp"

namespace vbackup::backup {

Transferable require_transferable(store::Catalog& from, const std::string& id) {
    const auto where = from.store().where();
    auto text = from.manifest_text(id);
    if (!text && from.intent(id))
        throw Error(ErrorKind::refused, fmt::format("{} in {} is not finished", id, where),
                    "the command that began it goes on with it when it is given again");
    if (!text)
        throw Error(ErrorKind::not_found, fmt::format("there is no backup {} in {}", id, where),
                    hint_near(from, id, "`vbackup list` shows what is there"));
    auto manifest = store::parse_sealed(*text);
    require_kept(manifest, where);
    return {std::move(*text), std::move(manifest)};
}

void require_kept(const model::Manifest& manifest, const std::string& where) {
    const auto& files = manifest.files;
    const bool kept =
        manifest.kept && std::all_of(files.begin(), files.end(), [](const auto& file) { return file.kept; });
    if (kept && !files.empty()) return;
    throw Error(ErrorKind::refused, fmt::format("the bytes of {} are not in {}", manifest.id, where),
                "it was left with the server: `vbackup download TARGET ID --to STORE` brings it home where the "
                "database allows that");
}

void require_free_id(store::Catalog& to, const std::string& id, std::string_view verb) {
    const auto where = to.store().where();
    if (to.manifest_text(id))
        throw Error(ErrorKind::conflict, fmt::format("{} is already in {}", id, where),
                    "`vbackup verify` checks it; `vbackup delete` removes it from there");
    const auto intent = to.intent(id);
    if (intent && intent->verb != verb)
        throw Error(ErrorKind::conflict, fmt::format("an unfinished {} of {} lies in {}", intent->verb, id, where),
                    "finish it, or remove it with `vbackup delete`");
}

std::vector<std::string> bases_of(const model::Manifest& manifest) {
    auto bases = describe(manifest, "").bases;
    std::sort(bases.begin(), bases.end());
    bases.erase(std::unique(bases.begin(), bases.end()), bases.end());
    return bases;
}

}  // namespace vbackup::backup
