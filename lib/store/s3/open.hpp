// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "store/names.hpp"
#include "store/s3/lock.hpp"
#include "store/s3/upload.hpp"
#include "store/store.hpp"

namespace vbackup::store::s3 {

// What tests make smaller.
struct Tuning {
    Lock::Times lock = {};
    std::size_t least_part = s3::least_part;
};

// A bucket, or what lies below a prefix in it, as a store. Nothing is asked yet.
std::unique_ptr<Store> open_bucket(std::string_view url, const Opening& opening, Naming naming = Naming::encoded,
                                   const Tuning& tuning = {});

}  // namespace vbackup::store::s3
