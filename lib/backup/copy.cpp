// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "backup/fetch.hpp"
#include "backup/kept.hpp"
#include "backup/transfer.hpp"
#include "backup/transferable.hpp"
#include "base/error.hpp"
#include "base/parallel.hpp"
#include "io/copy.hpp"

namespace vbackup::backup {

namespace {

constexpr std::size_t usual_parallel = 4;

class Copying {
public:
    Copying(Call& call, store::Catalog& from, store::Catalog& to, std::size_t parallel, bool dry_run)
        : call_(call), from_(from), to_(to), parallel_(parallel), dry_run_(dry_run) {}

    // What it builds on comes first, so that what is there can be restored at any moment.
    void copy_chain(const std::string& id) {
        if (has(id)) return;
        if (std::find(path_.begin(), path_.end(), id) != path_.end())
            throw Error(ErrorKind::corrupt, fmt::format("{} is said to build on itself", id));
        auto found = require_transferable(from_, id);
        path_.push_back(id);
        for (const auto& base : bases_of(found.manifest)) {
            if (is_there_only(base)) continue;
            copy_chain(base);
        }
        path_.pop_back();
        copied_.push_back({id, found.manifest, copy_one(found)});
    }

    std::vector<Copied> copied() { return std::move(copied_); }

private:
    bool has(const std::string& id) const {
        return std::any_of(copied_.begin(), copied_.end(), [&](const auto& one) { return one.id == id; });
    }
    bool is_there_only(const std::string& id) { return !from_.manifest_text(id) && to_.manifest_text(id); }

    // True when it was there already.
    bool copy_one(const Transferable& found) {
        const auto& id = found.manifest.id;
        if (is_there(found)) return true;
        require_free_id(to_, id, "copy");
        if (dry_run_) return false;
        to_.store().require_writable();
        const auto lock = to_.lock(id);
        if (is_there(found)) return true;
        require_free_id(to_, id, "copy");
        to_.write({.id = id, .verb = "copy", .begun = call_.clock.wall(), .draft = found.manifest});
        copy_files(found.manifest);
        to_.commit(id, found.text);
        to_.forget_intent(id);
        return false;
    }

    bool is_there(const Transferable& found) {
        const auto text = to_.manifest_text(found.manifest.id);
        if (text && *text != found.text)
            throw Error(ErrorKind::conflict,
                        fmt::format("{} in {} is another backup of that id", found.manifest.id, to_.store().where()),
                        "`vbackup delete` removes it from there");
        return text.has_value();
    }

    void copy_files(const model::Manifest& manifest) {
        call_.tally.stage("copying " + manifest.id);
        call_.tally.bytes_total += manifest.size();
        run_all(manifest.files.size(), parallel_ == 0 ? usual_parallel : parallel_, call_.stop,
                [&](std::size_t i) { copy_file(manifest, manifest.files[i]); });
        call_.require_time();
    }

    void copy_file(const model::Manifest& manifest, model::File file) {
        // The manifest vouches for the source as a server's digest does, so what a killed run brought is carried on. A packed
        // file goes as it lies.
        file.server_sha256 = file.packing.empty() ? file.sha256 : file.stored_sha256;
        file.size = stored_size(file);
        const auto name = store::file_name(manifest.id, file.name);
        try {
            fetch_file(call_, to_.store(), manifest.id, file,
                       [&](std::uint64_t offset) { return io::paced(call_, from_.store().open(name, offset)); });
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::corrupt && error.kind() != ErrorKind::not_found) throw;
            throw Error(ErrorKind::corrupt,
                        fmt::format("{} of {} in {} is not what its manifest says", file.name, manifest.id,
                                    from_.store().where()),
                        "take another backup; `vbackup verify` lists every damaged file");
        }
    }

    Call& call_;
    store::Catalog& from_;
    store::Catalog& to_;
    std::size_t parallel_;
    bool dry_run_;
    std::vector<std::string> path_;
    std::vector<Copied> copied_;
};

}  // namespace

std::vector<Copied> copy_backup(Call& call, store::Catalog& from, store::Catalog& to, const std::string& id,
                                std::size_t parallel, bool dry_run) {
    Copying copying(call, from, to, parallel, dry_run);
    copying.copy_chain(id);
    return copying.copied();
}

}  // namespace vbackup::backup
