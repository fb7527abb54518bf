// SPDX-License-Identifier: Apache-2.0
#include "backup/pin.hpp"

#include <fmt/format.h>

#include "backup/find.hpp"
#include "backup/near.hpp"
#include "base/text.hpp"

namespace vbackup::backup {

namespace {

std::string pin_of(const std::string& id) {
    return store::file_name(id, "pinned");
}

void require_there(store::Catalog& home, const std::string& id) {
    if (home.manifest_text(id)) return;
    throw Error(ErrorKind::not_found, fmt::format("there is no finished backup {} in {}", id, home.store().where()),
                hint_near(home, id, "`vbackup list` shows what is there"));
}

}  // namespace

// What is left of a removal that was cut short is no backup, pinned or not.
bool is_pinned(store::Catalog& home, const std::string& id) {
    return home.store().size(pin_of(id)) && home.manifest_text(id);
}

bool set_pinned(store::Catalog& home, const std::string& id, bool pinned, Moment now, bool dry_run) {
    require_id(id);
    require_there(home, id);
    if (dry_run) return is_pinned(home, id) != pinned;
    const auto lock = home.lock(id);
    require_there(home, id);
    if (is_pinned(home, id) == pinned) return false;
    if (!pinned) {
        home.store().remove(pin_of(id));
        return true;
    }
    const auto text = format_time(now) + "\n";
    const auto sink = home.store().create(pin_of(id));
    sink->write(std::as_bytes(std::span(text)));
    sink->finish();
    return true;
}

bool set_pinned(Call& call, const Stage& stage, const std::string& id, bool pinned, bool dry_run) {
    const auto known = find_at_home(stage, id);
    if (!known.manifest) {
        const auto near = near_at_home(stage, id, {});
        throw Error(
            ErrorKind::not_found, fmt::format("vbackup knows no finished backup {}", one_line(id, 120)),
            fmt::format(
                "{}looked in {} and in the journal {}; name the store that it lies in; what only the server knows "
                "cannot be pinned",
                near ? fmt::format("did you mean {}? ", *near) : "",
                stage.store ? stage.store->store().where() : "no store", stage.journal.store().where()));
    }
    return set_pinned(*known.home, id, pinned, call.clock.wall(), dry_run);
}

void require_unpinned(store::Catalog& home, const std::string& id) {
    if (!is_pinned(home, id)) return;
    throw Error(ErrorKind::refused, fmt::format("{} is pinned", id),
                "`vbackup unpin` frees it; `vbackup delete --pinned` takes it all the same");
}

}  // namespace vbackup::backup
