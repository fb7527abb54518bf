// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <utility>

#include "base/error.hpp"
#include "io/adopt.hpp"
#include "store/names.hpp"
#include "store/open.hpp"
#include "store/store.hpp"

namespace vbackup::store {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view part_ending = ".part";
constexpr std::string_view lock_folder = ".locks";

fs::path part_of(const fs::path& path) {
    fs::path part = path;
    part += part_ending;
    return part;
}

std::string without_slash(std::string_view prefix) {
    if (prefix.ends_with('/')) prefix.remove_suffix(1);
    return std::string(prefix);
}

class Directory final : public Store {
public:
    Directory(fs::path root, Naming naming, const io::FileSystem& files)
        : root_(std::move(root)), naming_(naming), files_(files) {}

    std::string where() const override { return root_.native(); }

    std::unique_ptr<io::Sink> create(const std::string& name, bool resume) override {
        const auto path = path_of(name);
        if (naming_ == Naming::encoded) return io::durable_file(files_, path, resume);
        // A server's own folder: it must be able to read what is put there.
        make_like_parent(path.parent_path());
        auto sink = io::durable_file(files_, path, resume);
        io::adopt(part_of(path));
        return sink;
    }

    std::uint64_t partial_size(const std::string& name) override {
        return files_.size(part_of(path_of(name))).value_or(0);
    }

    std::unique_ptr<io::Source> open_partial(const std::string& name) override {
        return io::file_source(files_, part_of(path_of(name)));
    }

    std::unique_ptr<io::Source> open(const std::string& name, std::uint64_t offset) override {
        return io::file_source(files_, path_of(name), offset);
    }

    std::optional<std::uint64_t> size(const std::string& name) override { return files_.size(path_of(name)); }

    std::vector<std::string> list(const std::string& prefix, bool partial) override;
    std::vector<std::string> folders() override;

    void remove(const std::string& name) override {
        const fs::path path = path_of(name);
        files_.remove(path);
        files_.remove(part_of(path));
        if (files_.is_directory(path.parent_path())) files_.sync_directory(path.parent_path());
    }

    void remove_all(const std::string& prefix) override;

    std::optional<std::uint64_t> free_bytes() override { return files_.free_bytes(root_); }

    void require_writable() override;
    std::shared_ptr<void> lock(const std::string& name) override;

private:
    fs::path path_of(std::string_view name) const { return root_ / encode_name(name, naming_); }
    // A store of our own has no other hidden files than vbackup's.
    bool is_hidden(std::string_view entry) const { return naming_ == Naming::encoded && entry.starts_with('.'); }

    using Visit = std::function<void(const std::string& path)>;
    void walk(const std::string& below, const Visit& visit) const;
    void remove_tree(const fs::path& path) const;
    fs::path place_for_probe() const;
    void make_like_parent(const fs::path& folder) const;
    std::string holder_of(const fs::path& lock) const;

    fs::path root_;
    Naming naming_;
    const io::FileSystem& files_;
};

void Directory::make_like_parent(const fs::path& folder) const {
    if (folder == root_ || files_.is_directory(folder)) return;
    make_like_parent(folder.parent_path());
    files_.make_directories(folder);
    io::adopt(folder);
}

// Visits each file below the folder `below` (a path relative to the root, or "").
void Directory::walk(const std::string& below, const Visit& visit) const {
    for (const std::string& entry : files_.list(root_ / below)) {
        if (is_hidden(entry)) continue;
        const std::string path = below.empty() ? entry : below + "/" + entry;
        if (files_.is_link(root_ / path)) continue;
        if (files_.is_directory(root_ / path)) {
            walk(path, visit);
        } else {
            visit(path);
        }
    }
}

std::vector<std::string> Directory::list(const std::string& prefix, bool partial) {
    std::vector<std::string> names;
    const std::string folder = without_slash(prefix);
    walk(folder.empty() ? folder : encode_name(folder, naming_), [&](std::string_view path) {
        const bool unfinished = path.ends_with(part_ending);
        if (unfinished != partial) return;
        if (unfinished) path.remove_suffix(part_ending.size());
        if (std::optional<std::string> name = decode_name(path, naming_)) names.push_back(std::move(*name));
    });
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> Directory::folders() {
    std::vector<std::string> names;
    for (const std::string& entry : files_.list(root_)) {
        if (!files_.is_directory(root_ / entry)) continue;
        if (std::optional<std::string> name = decode_name(entry, naming_)) names.push_back(std::move(*name));
    }
    std::sort(names.begin(), names.end());
    return names;
}

void Directory::remove_tree(const fs::path& path) const {
    if (!files_.is_link(path) && files_.is_directory(path)) {
        for (const std::string& entry : files_.list(path)) remove_tree(path / entry);
    }
    files_.remove(path);
}

void Directory::remove_all(const std::string& prefix) {
    const std::string name = without_slash(prefix);
    remove_tree(path_of(name));
    remove(name);
}

// Where a probe shows whether the store can be written: its root or, as long as there is none, the folder in which that
// would be made. Asking must not make the root.
fs::path Directory::place_for_probe() const {
    fs::path place = root_;
    while (!files_.is_directory(place) && place.has_relative_path()) {
        if (files_.size(place)) {
            throw Error(ErrorKind::storage, fmt::format("{} is a file, not a folder", place.native()),
                        "choose another place for the store");
        }
        place = place.parent_path();
    }
    return place;
}

void Directory::require_writable() {
    // Several targets of one run may look at the same time.
    static std::atomic<unsigned> probes{0};
    const fs::path probe = place_for_probe() / fmt::format(".vbackup-probe-{}-{}", ::getpid(), ++probes);
    io::write_file(files_, probe, "vbackup looks whether it can write here\n");
    files_.remove(probe);
}

std::string Directory::holder_of(const fs::path& lock) const {
    try {
        const std::string text = io::read_file(files_, lock, 100);
        const std::string process = text.substr(0, text.find('\n'));
        return process.empty() ? "" : fmt::format(" (process {})", process);
    } catch (const Error&) {
        return {};  // it was released meanwhile
    }
}

std::shared_ptr<void> Directory::lock(const std::string& name) {
    const fs::path path = root_ / lock_folder / flat_name(name);
    files_.make_directories(path.parent_path());
    if (std::shared_ptr<void> held = files_.try_lock(path)) return held;
    throw Error(ErrorKind::busy, fmt::format("another run works on {} in {}{}", name, where(), holder_of(path)),
                "wait until it has ended, then run this again");
}

}  // namespace

std::unique_ptr<Store> open_folder(const fs::path& path, Naming naming, const io::FileSystem& files) {
    fs::path root = fs::absolute(path).lexically_normal();
    if (!root.has_filename() && root.has_relative_path()) root = root.parent_path();
    return std::make_unique<Directory>(std::move(root), naming, files);
}

std::unique_ptr<Store> open_directory(const fs::path& path, const io::FileSystem& files) {
    return open_folder(path, Naming::encoded, files);
}

}  // namespace vbackup::store
