// SPDX-License-Identifier: Apache-2.0
#include "faults/stand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/text.hpp"
#include "cli/command/run.hpp"

namespace vbackup::test {

namespace fs = std::filesystem;

namespace {

std::string bytes_of(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Of the manifest and all data, whatever the order in which they are found.
std::size_t digest_of(const fs::path& backup) {
    std::size_t digest = 0;
    for (const auto& one : fs::recursive_directory_iterator(backup)) {
        if (!one.is_regular_file()) continue;
        const auto name = fs::relative(one.path(), backup).string();
        if (name == "manifest.json" || name.starts_with("data"))
            digest ^= std::hash<std::string>{}(name + '\n' + bytes_of(one.path()));
    }
    return digest;
}

}  // namespace

std::string told(const Ran& ran) {
    return fmt::format("exit {}\n      {}", ran.code, ran.err.empty() ? ran.out : ran.err);
}

Stand::Stand(const Driver& driver) : world_(driver.make(folder_.path(), clock_)), before_(world_->contents()) {
    fs::create_directories(folder_ / ".config/vbackup");
    std::ofstream(folder_ / ".config/vbackup/vbackup.toml") << "[targets.prod]\n" << world_->settings(folder_.path());
    wedge_.count_jobs([this](auto method, auto path) { return world_->begins_job(method, path); });
    wedge_.obey(disk_.fate);
    world_->tamper(wedge_);
}

std::string Stand::place(std::string_view word) const {
    return (folder_ / (word == "STORE2" ? "store2" : "store")).string() + "/";
}

Ran Stand::run(std::vector<std::string> line) {
    for (auto& word : line) {
        if (word == "STORE" || word == "STORE2") word = place(word);
    }
    const bool moves = line[0] == "create" || line[0] == "restore" || line[0] == "download";
    if (moves) line.insert(line.end(), {"--parallel", "1"});
    if (moves || line[0] == "wait" || line[0] == "verify")
        line.insert(line.end(), {"--timeout", format_duration(deadline)});
    Ran ran;
    const auto collect = [](std::string& into) {
        return [&into](std::string_view bytes) {
            into += bytes;
            return 0;
        };
    };
    const cli::Surroundings around{.environment = {{"HOME", folder_.path().string()}, {"TERM", "dumb"}},
                                   .out = collect(ran.out),
                                   .err = collect(ran.err),
                                   .ask = {},
                                   .clock = clock_};
    ran.code = cli::run_cli(line, around);
    return ran;
}

std::map<std::string, std::size_t> Stand::kept() const {
    std::map<std::string, std::size_t> all;
    for (const auto* name : {"STORE", "STORE2"}) {
        if (!fs::is_directory(place(name))) continue;
        for (const auto& one : fs::directory_iterator(place(name))) {
            if (fs::exists(one.path() / "manifest.json"))
                all[fmt::format("{}/{}", name, one.path().filename().string())] = digest_of(one.path());
        }
    }
    return all;
}

}  // namespace vbackup::test
