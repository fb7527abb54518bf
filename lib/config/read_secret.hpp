// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "model/key_slots.hpp"

namespace vbackup::config {

// A key and what the person should know about where it came from.
struct FoundSecret {
    Secret secret;        // empty: none is configured
    std::string warning;  // the file can be read by group or others; empty otherwise
};

// The target's key, from the one of api_key_file, api_key_env and api_key_command that it names. Line ends at its end are
// dropped. Error{configuration} when more than one is named, and when the file, variable or output is missing, empty,
// longer than 64 KiB or holds more than one line. The command is run by /bin/sh -c with this environment, /dev/null as
// input, and its messages discarded; one that fails or outlives `limit` is Error{configuration} with its exit code, never
// with its output. A pipe instead of a file, such as the shell's <(command), is read for no longer than that. No error holds
// any part of a secret.
FoundSecret read_secret(const TargetConfig& target, const Environment& environment, Milliseconds limit = Seconds(30));

// For a target given as a URL: the file named by VBACKUP_API_KEY_FILE, or VBACKUP_API_KEY itself. Both is
// Error{configuration}, as above.
FoundSecret read_secret(const Environment& environment, Milliseconds limit = Seconds(30));

// What a store is encrypted with by vbackup.
struct FoundStoreKey {
    model::SlotKind kind = model::SlotKind::passphrase;
    Secret secret;        // empty: it is not encrypted
    std::string warning;  // as above
};

// From the one of passphrase_file, passphrase_env, passphrase_command and key_file that the store names; read as above.
FoundStoreKey read_store_key(const StoreConfig& store, const Environment& environment,
                             Milliseconds limit = Seconds(30));
// For a store given as a path or URL: from VBACKUP_PASSPHRASE_FILE, VBACKUP_PASSPHRASE or VBACKUP_KEY_FILE; more than one is
// Error{configuration}.
FoundStoreKey read_store_key(const Environment& environment, Milliseconds limit = Seconds(30));
// From one file.
FoundStoreKey read_file_key(const std::string& file, bool passphrase, Milliseconds limit = Seconds(30));

// Whom to tell of backups: ping_url, or what ping_url_file holds, as above. Empty where neither is named.
Secret read_ping_url(const Habits& habits, Milliseconds limit = Seconds(30));

}  // namespace vbackup::config
