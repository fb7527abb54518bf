// SPDX-License-Identifier: Apache-2.0
#include "driver/dragonfly/snapshot_files.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "driver/dragonfly/server.hpp"

namespace vbackup::driver::dragonfly {

namespace {

namespace fs = std::filesystem;

bool is_here(const net::RespServer& server) {
    return server.host == "localhost" || server.host == "::1" || server.host.starts_with("127.");
}

std::string this_machine() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return {};
    return name.data();
}

// How far the server's clock and that of the files may be apart, in s.
constexpr std::uint64_t slack = 60;

bool is_of_save(const Note& note) {
    Facts noted;
    noted.info = note.before;
    // A Dragonfly tells when the save began, a Redis when it ended.
    const bool one_file = noted.has("rdb_last_save_time");
    const auto told = noted.number(one_file ? "rdb_last_save_time" : "last_success_save");
    const auto length = one_file ? 0 : noted.number("last_success_save_duration_sec");
    struct stat file {};
    if (told == 0 || ::stat(note.text.c_str(), &file) != 0) return false;
    const auto written = static_cast<std::uint64_t>(file.st_mtime);
    return told <= written + slack && written <= told + length + slack;
}

FileLeft as_it_is(const fs::path& path) {
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0 || !S_ISREG(file.st_mode)) return {};
    return {static_cast<std::uint64_t>(file.st_size), static_cast<std::int64_t>(file.st_mtime)};
}

}  // namespace

std::vector<std::string> files_seen(const net::RespServer& server, const Note& note) {
    std::error_code ignored;
    const fs::path summary = note.text;
    if (!is_here(server) || !summary.is_absolute() || !fs::is_regular_file(summary, ignored) || !is_of_save(note))
        return {};
    std::vector<std::string> files{summary.filename().string()};
    const std::string_view end = "summary.dfs";
    if (!files[0].ends_with(end)) return files;
    const auto begin = files[0].substr(0, files[0].size() - end.size());
    for (const auto& entry : fs::directory_iterator(summary.parent_path(), ignored)) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with(begin) || !name.ends_with(".dfs")) continue;
        const auto number = std::string_view(name).substr(begin.size(), name.size() - begin.size() - 4);
        if (!number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos) files.push_back(name);
    }
    std::sort(files.begin() + 1, files.end());
    return files;
}

void note_files(const net::RespServer& server, Note& note) {
    const auto folder = fs::path(note.text).parent_path();
    for (const auto& name : files_seen(server, note)) note.files_left[name] = as_it_is(folder / name);
    if (!note.files_left.empty()) note.machine = this_machine();
}

std::optional<Sight> look_again(const net::RespServer& server, const Note& note) {
    std::error_code ignored;
    const auto folder = fs::path(note.text).parent_path();
    if (note.files_left.empty() || !is_here(server) || note.machine != this_machine() ||
        !fs::is_directory(folder, ignored))
        return std::nullopt;
    Sight sight{.all_there = true, .missing = {}};
    for (const auto& [name, left] : note.files_left) {
        if (as_it_is(folder / name) == left) continue;
        sight.all_there = false;
        if (sight.missing.empty()) sight.missing = (folder / name).string();
    }
    return sight;
}

}  // namespace vbackup::driver::dragonfly
