// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/stream.hpp"
#include "store/encrypted/cipher.hpp"
#include "store/store.hpp"

namespace vbackup::store::encrypted {

// The bytes of one encrypted file: 8 bytes that say what it is, 32 of salt, then blocks of 64 KiB, each with a tag of 16 bytes;
// the last one is shorter or as long, and marked as the last. Each file has a key of its own, of salt and name.

inline constexpr std::string_view magic{"vbenc\0\0\1", 8};
inline constexpr std::size_t file_salt_size = 32;
inline constexpr std::size_t head_size = magic.size() + file_salt_size;
inline constexpr std::size_t block_size = std::size_t{64} << 10;
inline constexpr std::size_t stored_block = block_size + tag_size;

// Which file it is. `path` is its name in the store below.
struct Place {
    Store& bytes;
    const Key& content_key;
    std::string name;
    std::string path;
};

// How long the plain bytes of a finished file are that takes so many; 0 for what is too short to be one.
std::uint64_t plain_size(std::uint64_t stored);
// The same of an unfinished one, where it can be carried on; otherwise 0.
std::uint64_t plain_partial_size(std::uint64_t stored);

std::unique_ptr<io::Sink> encrypt_to(std::unique_ptr<io::Sink> sink, const Key& content_key, std::string name);
// Goes on with an unfinished file whose plain_partial_size is not 0.
std::unique_ptr<io::Sink> carry_on(const Place& place);
// All at once.
std::string encrypted(const Key& content_key, const std::string& name, std::string_view text);

// Error{corrupt}, here or while reading, for what was changed, cut or moved.
std::unique_ptr<io::Source> decrypt(const Place& place, std::uint64_t offset);
std::unique_ptr<io::Source> decrypt_partial(const Place& place);

}  // namespace vbackup::store::encrypted
