// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace vbackup::io {

// SHA-256, computed while bytes pass. One thread at a time.
class Digest {
public:
    Digest();
    ~Digest();
    Digest(Digest&&) noexcept;
    Digest& operator=(Digest&&) noexcept;
    void update(std::span<const std::byte> bytes);
    void reset();
    // Lower-case hex; `reset` before further use.
    std::string hex();

private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string sha256(std::string_view bytes);
std::string sha256(std::span<const std::byte> bytes);

// HMAC-SHA-256 (RFC 2104): 32 bytes, not hex.
std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace vbackup::io
