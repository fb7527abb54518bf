// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "model/key_slots.hpp"
#include "store/store.hpp"

namespace vbackup::store::encrypted {

// What a person has to open a store with. An empty secret: nothing.
struct Credential {
    model::SlotKind kind = model::SlotKind::passphrase;
    Secret secret = {};
};

// What a new passphrase slot costs whoever tries passphrases, and whoever opens it: libsodium's "moderate", 0.7 s of a core.
struct Cost {
    std::uint64_t operations = 3;
    std::uint64_t memory = std::uint64_t{256} << 20;
};

struct Unlocking {
    Credential credential = {};
    Cost cost = {};
    const Clock& clock = system_clock();
};

// A store over the bytes of another, which encrypts contents and names: man vbackup-formats(7) has the format. It asks for
// nothing before it is used. From then on:
//   - with a credential it is an encrypted store. The first write into an empty one makes its key and its first slot. Besides
//     what a store throws: Error{denied} when no slot opens with that credential, Error{refused} when backups lie there that
//     are not encrypted, Error{corrupt} when the key slots or what is read were changed, cut or moved.
//   - without one it passes everything on as it is, and is Error{denied} over a store that is encrypted.
// What was not finished is carried on at whole blocks of 64 KiB. Thread-safe.
std::unique_ptr<Store> guard(std::unique_ptr<Store> bytes, Unlocking unlocking);

// The slots of an encrypted store, and the name of the one that the credential opens.
struct Slots {
    model::KeySlots all;
    std::string opened;
};

// These work on the bytes below an encrypted store, and throw as it does; Error{refused} for a store that is not encrypted.
// Changes are made under a lock of the store: Error{busy}.

Slots read_slots(Store& bytes, const Credential& credential);
// Another way to the same key: no data is written anew. `name` empty: "key-2" and so on. Error{conflict} for a name in use.
Slots add_slot(Store& bytes, const Unlocking& unlocking, const Credential& added, const std::string& name,
               bool dry_run = false);
// Error{not_found} for no such slot; Error{refused} for the one that the credential opens, so that what remains is known to
// open, and so for the last one.
Slots remove_slot(Store& bytes, const Credential& credential, const std::string& name, bool dry_run = false);

}  // namespace vbackup::store::encrypted
