// SPDX-License-Identifier: Apache-2.0
#include "backup/transfer.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "backup/kept.hpp"
#include "backup/story.hpp"
#include "backup/transferable.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "io/copy.hpp"
#include "io/sealed_zstd.hpp"
#include "io/tar.hpp"
#include "store/seal.hpp"

namespace vbackup::backup {

namespace {

constexpr int usual_level = 3;  // of zstd
constexpr unsigned most_threads = 16;
constexpr std::size_t most_of_a_manifest = std::size_t{64} << 20;
constexpr std::string_view manifest_name = "manifest.json";

unsigned threads() {
    return std::clamp(std::thread::hardware_concurrency(), 1U, most_threads);
}

// The bytes of one entry of an archive.
class EntrySink final : public io::Sink {
public:
    explicit EntrySink(io::TarWriter& tar) : tar_(tar) {}
    void write(std::span<const std::byte> bytes) override { tar_.write(bytes); }
    void finish() override {}
    void rewind() override { throw Error(ErrorKind::failed, "an archive cannot be rewound"); }

private:
    io::TarWriter& tar_;
};

[[noreturn]] void damaged_file(const std::string& name, const std::string& why) {
    throw Error(ErrorKind::corrupt, fmt::format("{} in the backup is damaged: {}", name, why),
                "take another backup; `vbackup verify` lists every damaged file");
}

void add_file(Call& call, store::Store& from, const model::Manifest& manifest, const model::File& file,
              io::TarWriter& tar) {
    const auto name = store::file_name(manifest.id, file.name);
    const auto lying = from.size(name);
    if (lying && *lying != stored_size(file))
        damaged_file(file.name, fmt::format("it has {} bytes instead of {}", *lying, stored_size(file)));
    const auto source = io::paced(call, open_kept(from, manifest.id, file));
    tar.begin(name, *file.size, manifest.completed);
    EntrySink sink(tar);
    if (io::copy(call, *source, sink).sha256 != file.sha256) damaged_file(file.name, "its SHA-256 differs");
}

// In an archive files lie as the server gave them, since all of it is compressed; the manifest is to say so.
std::string text_for_archive(const Transferable& found) {
    auto manifest = found.manifest;
    bool packed = false;
    for (auto& file : manifest.files) {
        packed = packed || !file.packing.empty();
        file.packing.clear();
        file.stored_size.reset();
        file.stored_sha256.clear();
    }
    return packed ? store::seal(render(manifest)) : found.text;
}

[[noreturn]] void no_archive(std::string message) {
    throw Error(ErrorKind::corrupt, std::move(message), "bring the archive here again, or export the backup again");
}

// What came of one entry.
struct Entry {
    std::uint64_t size = 0;
    std::string sha256;
};

class Import {
public:
    Import(Call& call, store::Catalog& to, io::Source& archive, bool dry_run)
        : call_(call), to_(to), sealed_(archive), tar_(call, sealed_), dry_run_(dry_run) {}

    model::Manifest run() {
        try {
            read();
            require_same_files();
            require_bases();
        } catch (...) {
            undo();
            throw;
        }
        if (!dry_run_) {
            to_.commit(id_, text_);
            to_.forget_intent(id_);
        }
        return std::move(*manifest_);
    }

private:
    void read() {
        while (tar_.next()) {
            const auto name = require_name();
            if (manifest_) no_archive("the archive goes on after its manifest: it holds more than one backup");
            if (name == manifest_name) {
                take_manifest();
            } else {
                take_file(name);
            }
        }
        tar_.require_end();
        sealed_.require_seal();
        if (!manifest_)
            no_archive("there is no manifest.json at the end: this is no archive of a backup, or it is cut short");
    }

    // The entry's name below the folder of the backup, of which there is one.
    std::string require_name() {
        const auto whole = tar_.name();
        const auto slash = whole.find('/');
        if (!tar_.is_file() || slash == std::string::npos)
            no_archive(fmt::format("{} in the archive is no file of a backup", one_line(whole, 120)));
        const auto id = whole.substr(0, slash);
        auto name = whole.substr(slash + 1);
        if (name != manifest_name && !model::is_safe_file_name(name))
            no_archive(fmt::format("{} in the archive is no safe name of a file", one_line(whole, 120)));
        if (id_.empty()) begin(id);
        if (id != id_) no_archive(fmt::format("the archive holds more than one backup: {} and {}", id_, one_line(id)));
        return name;
    }

    void begin(const std::string& id) {
        try {
            require_id(id);
        } catch (const Error&) {
            no_archive(fmt::format("{} in the archive is no id of a backup", one_line(id, 120)));
        }
        call_.tally.stage("importing " + id);
        require_room_for(id);
        id_ = id;
        if (dry_run_) return;
        to_.store().require_writable();
        lock_ = to_.lock(id);
        require_room_for(id);
        model::Intent intent{.id = id, .verb = "import", .begun = call_.clock.wall()};
        intent.draft.id = id;
        intent.draft.kept = true;
        // What a killed import left may be of another archive: it begins anew.
        if (to_.intent(id)) to_.remove(id);
        to_.write(intent);
        begun_ = true;
    }

    void require_room_for(const std::string& id) { require_free_id(to_, id, "import"); }

    void take_file(const std::string& name) {
        if (entries_.contains(name)) no_archive(fmt::format("{} is in the archive twice", one_line(name, 120)));
        const auto sink = dry_run_ ? nullptr : to_.store().create(store::file_name(id_, name));
        entries_[name] = pass(sink.get());
        if (sink) sink->finish();
    }

    Entry pass(io::Sink* sink) {
        Entry entry;
        io::Digest digest;
        tar_.data([&](std::uint64_t offset, std::span<const std::byte> bytes) {
            if (offset != entry.size) no_archive("a file in the archive has holes");
            call_.require_time();
            digest.update(bytes);
            if (sink != nullptr) sink->write(bytes);
            entry.size += bytes.size();
            call_.tally.bytes_done += bytes.size();
        });
        entry.sha256 = digest.hex();
        return entry;
    }

    void take_manifest() {
        if (tar_.size() > most_of_a_manifest) no_archive("the manifest in the archive is too long to be one");
        tar_.data([&](std::uint64_t, std::span<const std::byte> bytes) {
            text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        });
        manifest_ = store::parse_sealed(text_);
        if (manifest_->id != id_)
            no_archive(fmt::format("the manifest in the archive is of {}, and its folder is {}", manifest_->id, id_));
        require_kept(*manifest_, "the archive");
    }

    void require_same_files() {
        for (const auto& file : manifest_->files) {
            if (!file.packing.empty()) no_archive(fmt::format("{} in the archive is packed by itself", file.name));
            const auto found = entries_.find(file.name);
            if (found == entries_.end()) no_archive(fmt::format("{} is missing in the archive", file.name));
            const auto& [size, sha256] = found->second;
            if (size != *file.size)
                no_archive(fmt::format("{} in the archive has {} bytes instead of {}", file.name, size, *file.size));
            if (sha256 != file.sha256) no_archive(fmt::format("the SHA-256 of {} in the archive differs", file.name));
            entries_.erase(found);
        }
        if (!entries_.empty())
            no_archive(fmt::format("{} is in the archive, and its manifest does not know it",
                                   one_line(entries_.begin()->first, 120)));
    }

    void require_bases() {
        for (const auto& base : bases_of(*manifest_)) {
            if (to_.manifest(base)) continue;
            throw Error(ErrorKind::refused,
                        fmt::format("{} builds on {}, which is not in {}", id_, base, to_.store().where()),
                        fmt::format("import or copy {} there first, then give this command again", base));
        }
    }

    // Of a failed import nothing stays; what cannot be removed shows itself as unfinished.
    void undo() noexcept {
        if (!begun_) return;
        try {
            to_.remove(id_);
        } catch (const std::exception& error) {
            call_.tally.warn(fmt::format("what was imported of {} could not be removed: {}", id_, error.what()));
        }
    }

    Call& call_;
    store::Catalog& to_;
    io::SealReader sealed_;
    io::TarReader tar_;
    const bool dry_run_;
    std::string id_;
    std::shared_ptr<void> lock_;
    bool begun_ = false;
    std::map<std::string, Entry> entries_;
    std::string text_;
    std::optional<model::Manifest> manifest_;
};

}  // namespace

model::Manifest export_backup(Call& call, store::Catalog& from, const std::string& id, io::Sink& sink) {
    const auto found = require_transferable(from, id);
    const auto& manifest = found.manifest;
    const auto text = text_for_archive(found);
    for (const auto& base : bases_of(manifest))
        call.tally.warn(
            fmt::format("{} builds on {}, which is not in this archive: export it too, and import it first", id, base));
    call.tally.stage("exporting " + id);
    call.tally.bytes_total += manifest.size();
    const auto packed = io::zstd_sealed(sink, usual_level, threads());
    io::TarWriter tar(*packed);
    for (const auto& file : manifest.files) add_file(call, from.store(), manifest, file, tar);
    tar.begin(store::file_name(id, std::string(manifest_name)), text.size(), manifest.completed);
    tar.write(std::as_bytes(std::span(text)));
    tar.finish();
    packed->finish();
    return manifest;
}

model::Manifest import_backup(Call& call, store::Catalog& to, io::Source& archive, bool dry_run) {
    return Import(call, to, archive, dry_run).run();
}

}  // namespace vbackup::backup
