// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace vbackup {

// A key, token or password. It cannot be formatted or compared by accident; whoever needs the bytes says `reveal`.
// Its memory is wiped when it goes, is moved from or is assigned to. One thread at a time.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string value);
    ~Secret();
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept;
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;

    bool empty() const { return value_.empty(); }
    std::string_view reveal() const { return value_; }

private:
    std::string value_;
};

}  // namespace vbackup
