// SPDX-License-Identifier: Apache-2.0
#include "io/archive.hpp"

#include <fmt/format.h>

#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "io/tar.hpp"

namespace vbackup::io {

namespace {

constexpr std::size_t most_names = 10'000;

[[noreturn]] void corrupt(std::string message) {
    throw Error(ErrorKind::corrupt, std::move(message),
                "the file is not what was written: bring it home again, or make a new backup");
}

std::string_view plain(std::string_view name) {
    while (name.starts_with("./")) name.remove_prefix(2);
    return name;
}

std::string collect(TarReader& tar, const std::string& name, std::size_t most) {
    if (tar.size() > most) {
        throw Error(
            ErrorKind::not_understood,
            fmt::format("{} in the archive is {} bytes long, at most {} were expected", name, tar.size(), most));
    }
    std::string text(static_cast<std::size_t>(tar.size()), '\0');
    tar.data([&](std::uint64_t offset, std::span<const std::byte> bytes) {
        if (offset > text.size() || bytes.size() > text.size() - offset) corrupt(name + " overflows its size");
        if (!bytes.empty()) std::memcpy(text.data() + offset, bytes.data(), bytes.size());
    });
    return text;
}

}  // namespace

ArchiveContents check_archive(Call& call, Source& source, const std::function<void(const std::string& name)>& see) {
    TarReader tar(call, source);
    ArchiveContents contents;
    while (tar.next()) {
        ++contents.entries;
        contents.bytes += tar.size();
        if (see) see(tar.name());
        if (contents.names.size() < most_names) contents.names.push_back(tar.name());
        tar.data([](std::uint64_t, std::span<const std::byte>) {});
    }
    tar.require_end();
    return contents;
}

std::optional<std::string> read_entry(Call& call, Source& source, const std::string& name, std::size_t most) {
    TarReader tar(call, source);
    while (tar.next()) {
        if (plain(tar.name()) == plain(name)) return collect(tar, name, most);
        tar.data([](std::uint64_t, std::span<const std::byte>) {});
    }
    return std::nullopt;
}

}  // namespace vbackup::io
