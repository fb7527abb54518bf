// SPDX-License-Identifier: Apache-2.0
#include "backup/near.hpp"

#include <fmt/format.h>

#include <set>

#include "backup/find.hpp"
#include "base/text.hpp"

namespace vbackup::backup {

namespace {

std::vector<std::string> folders_of(store::Catalog& home) {
    try {
        auto folders = home.store().folders();
        std::erase_if(folders, [](const std::string& name) {
            return name.ends_with("--restore") || name.find("--drill-") != std::string::npos;
        });
        return folders;
    } catch (const Error&) {
        return {};
    }
}

// The journal has backups of all targets; one of another is never meant.
bool is_in_journal(const Stage& stage, const std::string& id) {
    try {
        const auto manifest = stage.journal.manifest(id);
        const auto intent = manifest ? std::nullopt : stage.journal.intent(id);
        return manifest ? is_of(*manifest, stage.target) : intent && is_of(*intent, stage.target);
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

std::string hint_near(const std::string& id, std::span<const std::string> known, std::string otherwise) {
    const auto near = did_you_mean(id, known);
    return near ? fmt::format("did you mean {}?", one_line(*near, 120)) : otherwise;
}

std::string hint_near(store::Catalog& store, const std::string& id, std::string otherwise) {
    return hint_near(id, folders_of(store), std::move(otherwise));
}

std::optional<std::string> near_at_home(const Stage& stage, const std::string& id,
                                        const std::vector<std::string>& known) {
    auto all = folders_of(stage.store ? *stage.store : stage.journal);
    const std::set<std::string> folders(all.begin(), all.end());
    all.insert(all.end(), known.begin(), known.end());
    auto near = did_you_mean(id, all);
    const bool of_another = near && !stage.store && folders.contains(*near) && !is_in_journal(stage, *near);
    return of_another ? did_you_mean(id, known) : near;
}

}  // namespace vbackup::backup
