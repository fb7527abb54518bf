// SPDX-License-Identifier: Apache-2.0
#include "model/request.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace vbackup::model {

bool Scope::matches(std::string_view name) const {
    const auto fits = [name](const std::string& pattern) { return glob_match(pattern, name); };
    const bool included = include.empty() || std::any_of(include.begin(), include.end(), fits);
    return included && std::none_of(exclude.begin(), exclude.end(), fits);
}

bool Proof::good() const {
    return !findings.empty() && std::all_of(findings.begin(), findings.end(), [](const Finding& f) { return f.good; });
}

}  // namespace vbackup::model
