// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/encrypted/cipher.hpp"

namespace vbackup::store::encrypted {

// Names of an encrypted store. Each part between two '/' is encrypted by itself, always to the same text below the same
// folder, so that a file is found by its name and a folder can be listed; a part that was changed or moved to another folder
// does not decrypt. Safe as file names; a part of any length fits. Thread-safe.
class NameCipher {
public:
    explicit NameCipher(const Key& store_key);

    std::string encrypt(std::string_view name) const;
    // Empty for what `encrypt` with this key does not make.
    std::optional<std::string> decrypt(std::string_view path) const;

private:
    std::string encrypt_part(std::string_view folder, std::string_view part) const;
    std::optional<std::string> decrypt_part(std::string_view folder, std::string_view text) const;
    std::string tag_of(std::string_view folder, std::string_view part) const;

    Key tag_key_;
    Key stream_key_;
};

// A file name that goes on in the next part of the path.
bool goes_on(std::string_view piece);

}  // namespace vbackup::store::encrypted
