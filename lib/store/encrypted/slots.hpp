// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "store/encrypted/cipher.hpp"

namespace vbackup::store::encrypted {

// The file encryption.json at the store's root, and encryption.copy.json with the same text. Its two last fields are "mac", a
// keyed hash of what is before it, which only who has the store's key can make, and "sha256" of what is before that, which tells a
// changed file from a wrong key. They are not read by encrypted names, so no file of a backup can take their place.

struct Opened {
    Key store_key;
    Slots slots;
};

// Empty where there is no such file.
std::optional<std::string> slots_text(Store& bytes);
// Error{corrupt}, Error{denied} and Error{refused} as `guard` has them; `where` is for people.
Opened open_slots(const std::string& text, const Credential& credential, const std::string& where);
// Under the lock: makes a key and its first slot, unless another run did so meanwhile. Waits for that run up to a minute.
Opened make_slots(Store& bytes, const Unlocking& unlocking);
// Error{refused} when backups lie there that are not encrypted, or that are and have lost their key slots.
void require_empty(Store& bytes);

}  // namespace vbackup::store::encrypted
