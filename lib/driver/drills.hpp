// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/plan.hpp"

namespace vbackup::driver {

// What a driver needs to know to restore a collection beside everything else and to remove it again: for `verify --drill`. Plain
// data and functions that ask no server.
struct Drill {
    std::string_view driver;
    std::string_view why_not = {};  // where the two functions are null
    // The name under which a drill puts back the collection of that name: always the same, so that what a killed one left is found.
    std::string (*scratch)(const std::string& collection) = nullptr;
    // The steps that remove it, and wait until it is gone.
    model::Plan (*clear)(const std::string& scratch) = nullptr;
};

// One for each driver: one list in one file.
std::span<const Drill> drills();
const Drill* find_drill(std::string_view driver);

}  // namespace vbackup::driver
