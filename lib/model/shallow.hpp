// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace vbackup::model {

// The text itself, or "", which no reader takes for JSON, when arrays and objects in it lie more than 150 deep: no server answers
// with such, and whoever prints, copies or compares it goes as deep into the stack. Manifests, which hold such texts, are read up to
// 200. To be asked of all JSON that somebody else wrote. What is no JSON at all may be either.
std::string_view shallow(std::string_view json);

}  // namespace vbackup::model
