// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace vbackup::test {

inline std::string read_whole(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Holds `text` against the committed file. VBACKUP_ACCEPT=1 writes the file instead and fails all the same, so that an
// accepting run can never be taken for a test that passed.
inline void require_same(const std::filesystem::path& path, const std::string& text) {
    CAPTURE(path);
    if (std::getenv("VBACKUP_ACCEPT") == nullptr) {
        const auto committed = read_whole(path);
        const auto [there, here] = std::mismatch(committed.begin(), committed.end(), text.begin(), text.end());
        const bool same = there == committed.end() && here == text.end();
        const std::string found(here, here + std::min<std::ptrdiff_t>(60, text.end() - here));
        CHECK_MESSAGE(same,
                      "it differs from what is committed from here on: '" << found << "'; VBACKUP_ACCEPT=1 accepts it");
        return;
    }
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    FAIL_CHECK("accepted: look at the difference, then run again without VBACKUP_ACCEPT");
}

inline void require_golden(const std::string& name, const std::string& text) {
    require_same(std::filesystem::path(TEST_DATA) / "golden" / name, text);
}

}  // namespace vbackup::test
