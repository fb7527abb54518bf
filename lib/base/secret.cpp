// SPDX-License-Identifier: Apache-2.0
#include "base/secret.hpp"

#include <utility>

namespace vbackup {

namespace {

// Wipes the whole capacity: a short string that was moved from or cut keeps its bytes behind its new end. Growing up to
// the capacity never allocates. The volatile pointer keeps the compiler from dropping the stores.
void wipe(std::string& text) noexcept {
    text.resize(text.capacity());
    volatile char* bytes = text.data();
    for (std::size_t i = 0; i < text.size(); ++i) bytes[i] = '\0';
    text.clear();
}

}  // namespace

Secret::Secret(std::string value) : value_(std::move(value)) {
    wipe(value);
}

Secret::~Secret() {
    wipe(value_);
}

Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) {
    wipe(other.value_);
}

Secret& Secret::operator=(const Secret& other) {
    Secret copy(other);
    value_.swap(copy.value_);
    return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
    Secret taken(std::move(other));
    value_.swap(taken.value_);
    return *this;
}

}  // namespace vbackup
