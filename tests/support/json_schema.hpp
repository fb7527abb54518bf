// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vbackup::test {

// May an object have fields that its schema does not name? `listed` refuses them wherever `properties` stands, so that a
// schema that stays open for readers is still held equal to what is written.
enum class Fields { open, listed };

// As much of JSON Schema (2020-12, https://json-schema.org/draft/2020-12) as our schemas use. A keyword it does not know is
// std::invalid_argument, so that nothing in a schema goes unchecked in silence.
class Schema {
public:
    explicit Schema(nlohmann::json root);
    // Other files that it refers to are looked for beside it. Throws std::runtime_error when there is no such file.
    static Schema read(const std::filesystem::path& file);

    // What is wrong with `value`, one line each; none when it fits.
    std::vector<std::string> check(const nlohmann::json& value, Fields fields = Fields::open) const;
    const nlohmann::json& root() const { return *root_; }

private:
    std::shared_ptr<const nlohmann::json> root_;
    std::filesystem::path folder_;
};

std::string joined(const std::vector<std::string>& lines);

}  // namespace vbackup::test
