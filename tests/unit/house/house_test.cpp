// SPDX-License-Identifier: Apache-2.0
// Holds up the picture of lib/README.md: who may include whom, and in which room each third-party library lives.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

using Names = std::set<std::string>;

const std::map<std::string, Names> allowed{
    {"base", {}},
    {"model", {"base"}},
    {"io", {"base"}},
    {"net", {"base", "io"}},
    {"config", {"base", "model"}},
    {"driver", {"base", "model", "io", "net"}},
    {"store", {"base", "model", "io", "net"}},
    {"job", {"base", "model"}},
    {"backup", {"base", "model", "io", "driver", "store", "job"}},
    {"cli", {"base", "model", "io", "net", "config", "driver", "store", "job", "backup"}},
};

// First letters of a header's name, and the rooms it may be used in; fmt and the standard library are everybody's.
const std::map<std::string, Names> homes{
    {"curl/", {"net"}},      {"archive", {"io"}},
    {"zstd", {"io"}},        {"openssl/", {"io"}},
    {"toml++/", {"config"}}, {"CLI/", {"cli"}},
    {"expat", {"net"}},      {"hiredis/", {"net"}},
    {"yaml-cpp/", {"net"}},  {"nlohmann/", {"model", "driver", "cli"}},
    {"sodium", {"store"}},   {"doctest/", {}},
    {"httplib", {}},
};

void check_include(const std::string& room, const std::filesystem::path& file, const std::string& header) {
    const auto other = header.substr(0, header.find('/'));
    if (allowed.contains(other))
        CHECK_MESSAGE((other == room || allowed.at(room).contains(other)), room << " includes " << header);
    for (const auto& [start, rooms] : homes) {
        if (!header.starts_with(start)) continue;
        CHECK_MESSAGE(rooms.contains(room), header << " does not live in " << room);
        if (start == "nlohmann/") CHECK_MESSAGE(file.extension() == ".cpp", header << " in a header");
    }
}

void check_file(const std::string& room, const std::filesystem::path& file) {
    CAPTURE(file);
    static const std::regex include(R"(^\s*#\s*include\s*["<]([^">]+)[">].*)");
    std::ifstream in(file);
    long lines = 0;
    for (std::string line; std::getline(in, line); ++lines) {
        std::smatch found;
        if (std::regex_match(line, found, include)) check_include(room, file, found[1]);
    }
    CHECK(lines > 0);
    CHECK(lines <= 600);
}

}  // namespace

TEST_CASE("every room includes only what the picture allows") {
    Names seen;
    for (const std::filesystem::path top : {REPOSITORY "/lib", REPOSITORY "/cli"}) {
        for (const auto& entry : std::filesystem::recursive_directory_iterator(top)) {
            const auto extension = entry.path().extension();
            if (extension != ".cpp" && extension != ".hpp") continue;
            const auto below = std::filesystem::relative(entry.path(), top);
            const auto room = top.filename() == "cli" ? "cli" : below.begin()->string();
            seen.insert(room);
            REQUIRE_MESSAGE(allowed.contains(room), "no such room: " << room);
            check_file(room, entry.path());
        }
    }
    CHECK(seen.size() == allowed.size());
}
