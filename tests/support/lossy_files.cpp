// SPDX-License-Identifier: Apache-2.0
#include "support/lossy_files.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

namespace vbackup::test {

namespace fs = std::filesystem;

namespace {

std::optional<std::string> bytes_of(const fs::path& path) {
    if (!fs::is_regular_file(path)) return std::nullopt;
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

void put(const fs::path& path, const std::optional<std::string>& bytes) {
    std::error_code ignored;
    if (!bytes) {
        fs::remove(path, ignored);
        return;
    }
    fs::create_directories(path.parent_path(), ignored);
    std::ofstream(path, std::ios::binary) << *bytes;
}

}  // namespace

int LossyFiles::open_write(const fs::path& path, bool append) const {
    const std::scoped_lock lock(mutex_);
    auto before = bytes_of(path);
    const int fd = inner_.open_write(path, append);
    open_[fd] = path;
    if (!before)
        deeds_.push_back({.kind = Deed::Kind::made, .path = path});
    else if (!append && !before->empty())
        deeds_.push_back({.kind = Deed::Kind::written, .path = path, .before = std::move(before)});
    return fd;
}

// The first change since the last fsync is the one that tells what is safe.
void LossyFiles::note_bytes(int fd) const {
    const auto& path = open_[fd];
    const bool noted = std::any_of(deeds_.begin(), deeds_.end(), [&](const Deed& one) {
        return one.kind == Deed::Kind::written && one.path == path;
    });
    if (!noted) deeds_.push_back({.kind = Deed::Kind::written, .path = path, .before = bytes_of(path)});
}

std::size_t LossyFiles::write(int fd, std::span<const std::byte> bytes) const {
    const std::scoped_lock lock(mutex_);
    note_bytes(fd);
    return inner_.write(fd, bytes);
}

void LossyFiles::truncate(int fd, std::uint64_t size) const {
    const std::scoped_lock lock(mutex_);
    note_bytes(fd);
    inner_.truncate(fd, size);
}

void LossyFiles::sync(int fd) const {
    const std::scoped_lock lock(mutex_);
    inner_.sync(fd);
    std::erase_if(deeds_, [&](const Deed& one) { return one.kind == Deed::Kind::written && one.path == open_[fd]; });
}

void LossyFiles::close(int fd) const {
    const std::scoped_lock lock(mutex_);
    open_.erase(fd);
    inner_.close(fd);
}

void LossyFiles::rename(const fs::path& from, const fs::path& to) const {
    const std::scoped_lock lock(mutex_);
    auto before = bytes_of(to);
    inner_.rename(from, to);
    deeds_.push_back({.kind = Deed::Kind::renamed, .path = to, .from = from, .before = std::move(before)});
}

void LossyFiles::sync_directory(const fs::path& path) const {
    const std::scoped_lock lock(mutex_);
    inner_.sync_directory(path);
    std::vector<Deed> left;
    for (auto& deed : deeds_) {
        const bool safe = deed.kind != Deed::Kind::written && deed.path.parent_path() == path;
        // Bytes that are not safe yet are now those of a file with another name.
        if (safe && deed.kind == Deed::Kind::renamed) {
            for (auto& earlier : left) {
                if (earlier.kind == Deed::Kind::written && earlier.path == deed.from) earlier.path = deed.path;
            }
        }
        // Of a folder that is gone for good nothing comes back.
        if (safe && deed.kind == Deed::Kind::removed && deed.folder)
            std::erase_if(left,
                          [&](const Deed& one) { return one.path.native().starts_with(deed.path.native() + "/"); });
        if (!safe) left.push_back(std::move(deed));
    }
    deeds_ = std::move(left);
}

void LossyFiles::remove(const fs::path& path) const {
    const std::scoped_lock lock(mutex_);
    auto before = bytes_of(path);
    const bool folder = !fs::is_symlink(path) && fs::is_directory(path);
    inner_.remove(path);
    if (before || folder)
        deeds_.push_back({.kind = Deed::Kind::removed, .path = path, .before = std::move(before), .folder = folder});
}

void LossyFiles::undo(const Deed& deed) const {
    std::error_code ignored;
    switch (deed.kind) {
        case Deed::Kind::made:
            fs::remove(deed.path, ignored);
            break;
        case Deed::Kind::written:
            if (fs::exists(deed.path)) put(deed.path, deed.before);
            break;
        case Deed::Kind::renamed:
            fs::rename(deed.path, deed.from, ignored);
            if (deed.before) put(deed.path, deed.before);
            break;
        case Deed::Kind::removed:
            if (deed.folder)
                fs::create_directories(deed.path, ignored);
            else
                put(deed.path, deed.before);
            break;
    }
}

void LossyFiles::lose(Loss loss) {
    const std::scoped_lock lock(mutex_);
    auto deeds = std::exchange(deeds_, {});
    if (loss == Loss::bytes) {
        for (auto at = deeds.begin(); at != deeds.end(); ++at) {
            if (at->kind != Deed::Kind::renamed) continue;
            for (auto earlier = deeds.begin(); earlier != at; ++earlier) {
                if (earlier->kind == Deed::Kind::written && earlier->path == at->from) earlier->path = at->path;
            }
        }
        std::erase_if(deeds, [](const Deed& one) { return one.kind != Deed::Kind::written; });
    }
    for (auto deed = deeds.rbegin(); deed != deeds.rend(); ++deed) undo(*deed);
}

}  // namespace vbackup::test
