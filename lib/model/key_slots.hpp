// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace vbackup::model {

// What opens a slot: a passphrase (Argon2id), or a key file's line of random characters.
enum class SlotKind : std::uint8_t { passphrase, key_file };
std::string_view word(SlotKind kind);

// One way to the key of an encrypted store: that key, wrapped by what one recipient has. Bytes are lower-case hex.
struct KeySlot {
    std::string name;  // [a-z0-9-]+, at most 60 characters, each once
    Moment made{};
    SlotKind kind = SlotKind::passphrase;
    std::uint64_t operations = 0;  // of Argon2id; 0 for a key file
    std::uint64_t memory = 0;      // of Argon2id, in bytes; 0 for a key file
    std::string salt;
    std::string nonce;
    std::string wrapped;
};

// The file encryption.json of an encrypted store, without its two last fields (store/encrypted/slots.hpp); man
// vbackup-formats(7) has the format.
struct KeySlots {
    std::vector<KeySlot> slots;
};

// Times are kept in whole seconds. `parse_key_slots` throws Error{corrupt} for what is no such text, and Error{refused} for a
// newer format.
std::string render(const KeySlots& slots);
KeySlots parse_key_slots(std::string_view text);

// [a-z0-9-]+, at most 60 characters.
bool is_slot_name(std::string_view name);

}  // namespace vbackup::model
