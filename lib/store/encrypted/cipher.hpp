// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/encrypted/open.hpp"

namespace vbackup::store::encrypted {

// libsodium's primitives with the lengths that the format takes (man vbackup-formats(7)). All functions are thread-safe.

inline constexpr std::size_t key_size = 32;
inline constexpr std::size_t nonce_size = 24;
inline constexpr std::size_t tag_size = 16;
inline constexpr std::size_t passphrase_salt_size = 16;

// A key; its memory is wiped when it goes.
class Key {
public:
    Key() = default;
    ~Key();
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;

    unsigned char* data() { return bytes_.data(); }
    const unsigned char* data() const { return bytes_.data(); }
    std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

private:
    std::array<unsigned char, key_size> bytes_{};
};

std::string random_bytes(std::size_t count);
// BLAKE2b (RFC 7693) with a key of 16 to 64 bytes, to 16 to 64 bytes.
std::string keyed_hash(std::string_view key, std::string_view message, std::size_t size);
Key derive(std::string_view key, std::string_view message);

// Argon2id, version 1.3. Error{refused} when the memory cannot be had.
Key key_of_passphrase(std::string_view passphrase, std::string_view salt, std::uint64_t operations,
                      std::uint64_t memory);

// XChaCha20-Poly1305 without additional data: the text with its tag behind it. Empty when the tag is of something else.
std::string wrap(const Key& key, std::string_view nonce, std::string_view plain);
std::optional<std::string> unwrap(const Key& key, std::string_view nonce, std::string_view wrapped);
// The same from buffer to buffer: `into` is longer by the tag, or shorter.
void wrap(const Key& key, std::string_view nonce, std::span<const std::byte> plain, std::span<std::byte> into);
bool unwrap(const Key& key, std::string_view nonce, std::span<const std::byte> wrapped, std::span<std::byte> into);

// The XChaCha20 stream over a text; twice is the text again.
std::string stream_xor(const Key& key, std::string_view nonce, std::string_view text);

bool same(std::string_view one, std::string_view other);  // in a time that does not tell where they differ

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);     // lower case alone
std::string to_base64(std::string_view bytes);                  // RFC 4648, section 5, without '='
std::optional<std::string> from_base64(std::string_view text);  // empty for every text that to_base64 does not make

}  // namespace vbackup::store::encrypted
