// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "support/temporary.hpp"

namespace vbackup::test {

// A folder of its own with files that the test writes.
class Scratch : public TemporaryFolder {
public:
    std::filesystem::path write(const std::string& name, std::string_view text, mode_t mode = 0600) const {
        const std::filesystem::path file = path() / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
        REQUIRE(::chmod(file.c_str(), mode) == 0);
        return file;
    }
};

// The error that `work` ends with; empty for none.
inline std::optional<Error> refusal(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

inline std::string context(const Error& error, const std::string& key) {
    for (const auto& [name, value] : error.context()) {
        if (name == key) return value;
    }
    return {};
}

// All that a person or a program gets to see of an error.
inline std::string everything(const Error& error) {
    std::string result = error.message() + "\n" + error.hint();
    for (const auto& [name, value] : error.context()) result += "\n" + name + " " + value;
    return result;
}

}  // namespace vbackup::test
