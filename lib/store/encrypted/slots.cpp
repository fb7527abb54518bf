// SPDX-License-Identifier: Apache-2.0
#include "store/encrypted/slots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stop_token>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "io/digest.hpp"
#include "store/catalog.hpp"
#include "store/encrypted/content.hpp"

namespace vbackup::store::encrypted {

namespace {

const std::string file = "encryption.json";
const std::string copy_file = "encryption.copy.json";
const std::string lock_name = "encryption";

constexpr std::size_t most_of_slots = std::size_t{1} << 20;
constexpr std::size_t hash_digits = 64;
constexpr std::size_t hash_bytes = 32;
constexpr std::size_t key_file_salt_size = 32;
constexpr std::size_t least_key_file = 32;
constexpr std::uint64_t most_operations = 1000;
constexpr std::uint64_t most_memory = std::uint64_t{8} << 30;
constexpr std::string_view end = "\n}";
constexpr std::string_view before_mac = ",\n  \"mac\": \"";
constexpr std::string_view after_mac = "\"";
constexpr std::string_view before_sha = ",\n  \"sha256\": \"";
constexpr std::string_view after_sha = "\"\n}\n";

[[noreturn]] void broken(const std::string& where) {
    throw Error(ErrorKind::corrupt, fmt::format("{} in {} was changed or is damaged", file, where),
                fmt::format("put back a copy of it; {} beside it is one", copy_file));
}

// Takes `before`, 64 digits and `after` off the end of the text, and gives the digits; empty when it does not end so.
std::optional<std::string> take_field(std::string_view& text, std::string_view before, std::string_view after) {
    const auto size = before.size() + hash_digits + after.size();
    if (text.size() < size) return std::nullopt;
    const auto tail = text.substr(text.size() - size);
    if (!tail.starts_with(before) || !tail.ends_with(after)) return std::nullopt;
    text.remove_suffix(size);
    return std::string(tail.substr(before.size(), hash_digits));
}

std::string mac_of(const Key& store_key, std::string_view text) {
    const auto key = derive(store_key.view(), "vbackup 1 slots");
    return to_hex(keyed_hash(key.view(), text, hash_bytes));
}

std::string rendered(const model::KeySlots& slots, const Key& store_key) {
    auto text = render(slots);
    text.resize(text.size() - end.size());
    text += fmt::format("{}{}{}", before_mac, mac_of(store_key, text), after_mac);
    return text + fmt::format("{}{}{}", before_sha, io::sha256(text), after_sha);
}

// What wraps the store's key in a slot; empty when the slot's numbers make no sense.
std::optional<Key> slot_key(const model::KeySlot& slot, const Secret& secret) {
    const auto salt = from_hex(slot.salt);
    if (!salt) return std::nullopt;
    if (slot.kind == model::SlotKind::key_file) {
        if (salt->size() != key_file_salt_size) return std::nullopt;
        return derive(*salt, "vbackup 1 key file" + std::string(secret.reveal()));
    }
    const bool usual = slot.operations >= 1 && slot.operations <= most_operations && slot.memory <= most_memory;
    if (!usual || salt->size() != passphrase_salt_size) return std::nullopt;
    return key_of_passphrase(secret.reveal(), *salt, slot.operations, slot.memory);
}

std::optional<Key> try_slot(const model::KeySlot& slot, const Credential& credential) {
    if (slot.kind != credential.kind) return std::nullopt;
    const auto nonce = from_hex(slot.nonce);
    const auto wrapped = from_hex(slot.wrapped);
    if (!nonce || nonce->size() != nonce_size || !wrapped) return std::nullopt;
    const auto wrapping = slot_key(slot, credential.secret);
    auto plain = wrapping ? unwrap(*wrapping, *nonce, *wrapped) : std::nullopt;
    if (!plain || plain->size() != key_size) return std::nullopt;
    Key key;
    std::copy(plain->begin(), plain->end(), key.data());
    std::fill(plain->begin(), plain->end(), '\0');
    return key;
}

// A slot that takes a line that people chose would be open to whoever tries lines.
void require_strong(const Credential& credential) {
    if (credential.secret.empty()) throw Error(ErrorKind::usage, "there is no passphrase and no key for the slot");
    if (credential.kind == model::SlotKind::key_file && credential.secret.reveal().size() < least_key_file)
        throw Error(ErrorKind::configuration,
                    fmt::format("a key file holds a line of at least {} random characters", least_key_file),
                    "`openssl rand -hex 32` makes one; a passphrase belongs into a passphrase file");
}

model::KeySlot new_slot(const Key& store_key, const Credential& credential, std::string name,
                        const Unlocking& unlocking) {
    require_strong(credential);
    model::KeySlot slot{.name = std::move(name), .made = unlocking.clock.wall(), .kind = credential.kind};
    const bool passphrase = credential.kind == model::SlotKind::passphrase;
    if (passphrase) {
        slot.operations = unlocking.cost.operations;
        slot.memory = unlocking.cost.memory;
    }
    slot.salt = to_hex(random_bytes(passphrase ? passphrase_salt_size : key_file_salt_size));
    const auto nonce = random_bytes(nonce_size);
    slot.nonce = to_hex(nonce);
    const auto wrapping = slot_key(slot, credential.secret);
    if (!wrapping) throw Error(ErrorKind::usage, "Argon2id does not take these costs");
    slot.wrapped = to_hex(wrap(*wrapping, nonce, store_key.view()));
    return slot;
}

void put(Store& bytes, const std::string& name, std::string_view text) {
    const auto sink = bytes.create(name);
    sink->write(std::as_bytes(std::span(text)));
    sink->finish();
}

std::string names_of(const model::KeySlots& slots) {
    std::vector<std::string> names;
    for (const auto& slot : slots.slots) names.push_back(fmt::format("{} ({})", slot.name, word(slot.kind)));
    return fmt::format("{}", fmt::join(names, ", "));
}

[[noreturn]] void wrong_key(const model::KeySlots& slots, const Credential& credential, const std::string& where) {
    const bool passphrase = credential.kind == model::SlotKind::passphrase;
    throw Error(ErrorKind::denied,
                fmt::format("no key slot of {} opens with this {}", where, passphrase ? "passphrase" : "key file"),
                fmt::format("its slots are {}; it may be the {} of another store", names_of(slots),
                            passphrase ? "passphrase" : "key file"));
}

bool is_encrypted(Store& bytes, const std::string& name) {
    std::string head(magic.size(), '\0');
    const auto source = bytes.open(name);
    std::size_t size = 0;
    while (size < head.size()) {
        const auto count = source->read(std::as_writable_bytes(std::span(head)).subspan(size));
        if (count == 0) break;
        size += count;
    }
    return head == magic;
}

std::shared_ptr<void> lock_slots(Store& bytes, const Clock& clock) {
    constexpr int attempts = 60;
    for (int attempt = 1;; ++attempt) {
        try {
            return bytes.lock(lock_name);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::busy || attempt == attempts) throw;
            clock.sleep(Seconds(1), std::stop_token());
        }
    }
}

std::string require_text(Store& bytes) {
    if (auto text = slots_text(bytes)) return std::move(*text);
    throw Error(ErrorKind::refused, fmt::format("{} is not encrypted", bytes.where()),
                "a new store becomes so with its first backup, once a key for it is configured");
}

std::string free_name(const model::KeySlots& slots) {
    for (std::size_t number = 1;; ++number) {
        auto name = fmt::format("key-{}", number);
        if (std::none_of(slots.slots.begin(), slots.slots.end(), [&](const auto& one) { return one.name == name; }))
            return name;
    }
}

// The copy first: a run that is killed between finds the file as it was when it is repeated, and writes both.
void write(Store& bytes, const Opened& opened) {
    const auto text = rendered(opened.slots.all, opened.store_key);
    put(bytes, copy_file, text);
    put(bytes, file, text);
}

}  // namespace

std::optional<std::string> slots_text(Store& bytes) {
    try {
        return io::read_all(*bytes.open(file), most_of_slots);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::not_understood) broken(bytes.where());
        if (error.kind() != ErrorKind::not_found) throw;
        return std::nullopt;
    }
}

Opened open_slots(const std::string& text, const Credential& credential, const std::string& where) {
    std::string_view rest = text;
    const auto sha = take_field(rest, before_sha, after_sha);
    if (!sha || *sha != io::sha256(rest)) broken(where);
    const auto mac = take_field(rest, before_mac, after_mac);
    if (!mac) broken(where);
    const auto slots = model::parse_key_slots(std::string(rest) + std::string(end));
    if (credential.secret.empty())
        throw Error(ErrorKind::denied, fmt::format("{} is encrypted, and no key for it is configured", where),
                    "name passphrase_file, passphrase_command or key_file in [stores.NAME] of the configuration; for a "
                    "store given as a path or URL set VBACKUP_PASSPHRASE_FILE or VBACKUP_KEY_FILE");
    for (const auto& slot : slots.slots) {
        const auto key = try_slot(slot, credential);
        if (!key) continue;
        if (!same(*mac, mac_of(*key, rest))) broken(where);
        return {*key, {slots, slot.name}};
    }
    wrong_key(slots, credential, where);
}

void require_empty(Store& bytes) {
    const auto where = bytes.where();
    if (const auto ids = Catalog(bytes).ids(); !ids.empty())
        throw Error(ErrorKind::refused,
                    fmt::format("a key is configured for {}, and {} there is not encrypted", where, ids.front()),
                    "copy what lies there to a new store with that key: `vbackup copy STORE ID NEW`; or take the key "
                    "out of the configuration");
    for (const auto& folder : bytes.folders()) {
        const auto names = bytes.list(folder);
        if (names.empty() || !is_encrypted(bytes, names.front())) continue;
        throw Error(ErrorKind::refused, fmt::format("{} is encrypted, and its {} is not there", where, file),
                    fmt::format("put back a copy of it, such as {}; without it nothing there can be read", copy_file));
    }
}

Opened make_slots(Store& bytes, const Unlocking& unlocking) {
    require_strong(unlocking.credential);
    const auto lock = lock_slots(bytes, unlocking.clock);
    if (const auto text = slots_text(bytes)) return open_slots(*text, unlocking.credential, bytes.where());
    require_empty(bytes);
    Opened opened;
    const auto random = random_bytes(key_size);
    std::copy(random.begin(), random.end(), opened.store_key.data());
    opened.slots.opened = free_name(opened.slots.all);
    opened.slots.all.slots.push_back(new_slot(opened.store_key, unlocking.credential, opened.slots.opened, unlocking));
    const auto text = rendered(opened.slots.all, opened.store_key);
    bytes.put_new(file, text);
    put(bytes, copy_file, text);
    return opened;
}

Slots read_slots(Store& bytes, const Credential& credential) {
    return open_slots(require_text(bytes), credential, bytes.where()).slots;
}

Slots add_slot(Store& bytes, const Unlocking& unlocking, const Credential& added, const std::string& name,
               bool dry_run) {
    if (!name.empty() && !model::is_slot_name(name))
        throw Error(ErrorKind::usage, fmt::format("'{}' is no name of a key slot", one_line(name, 80)),
                    "it is of a-z, 0-9 and -, at most 60 of them");
    require_text(bytes);
    const auto lock = dry_run ? nullptr : bytes.lock(lock_name);
    auto opened = open_slots(require_text(bytes), unlocking.credential, bytes.where());
    auto& slots = opened.slots.all.slots;
    const auto new_name = name.empty() ? free_name(opened.slots.all) : name;
    for (const auto& slot : slots) {
        if (slot.name == new_name)
            throw Error(ErrorKind::conflict, fmt::format("there is a key slot {} already", new_name),
                        "choose another --name");
        if (try_slot(slot, added))
            throw Error(ErrorKind::conflict, fmt::format("the key slot {} opens with that already", slot.name),
                        "give another passphrase or key file");
    }
    slots.push_back(new_slot(opened.store_key, added, new_name, unlocking));
    if (!dry_run) write(bytes, opened);
    return std::move(opened.slots);
}

Slots remove_slot(Store& bytes, const Credential& credential, const std::string& name, bool dry_run) {
    require_text(bytes);
    const auto lock = dry_run ? nullptr : bytes.lock(lock_name);
    auto opened = open_slots(require_text(bytes), credential, bytes.where());
    auto& slots = opened.slots.all.slots;
    const auto found = std::find_if(slots.begin(), slots.end(), [&](const auto& one) { return one.name == name; });
    if (found == slots.end())
        throw Error(ErrorKind::not_found, fmt::format("{} has no key slot '{}'", bytes.where(), one_line(name, 80)),
                    fmt::format("it has {}", names_of(opened.slots.all)));
    if (slots.size() == 1)
        throw Error(ErrorKind::refused, fmt::format("{} is the last key slot", name),
                    "without one nothing in the store can be read; `vbackup key add` makes another one");
    if (name == opened.slots.opened)
        throw Error(ErrorKind::refused, fmt::format("the configured key opens the slot {}", name),
                    "configure the key of another slot first, then remove this one");
    slots.erase(found);
    if (!dry_run) write(bytes, opened);
    return std::move(opened.slots);
}

}  // namespace vbackup::store::encrypted
