// SPDX-License-Identifier: Apache-2.0
#include "store/encrypted/cipher.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"

namespace vbackup::store::encrypted {

namespace {

static_assert(key_size == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(nonce_size == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(tag_size == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(key_size == crypto_stream_xchacha20_KEYBYTES && nonce_size == crypto_stream_xchacha20_NONCEBYTES);
static_assert(passphrase_salt_size == crypto_pwhash_SALTBYTES);

const unsigned char* data_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* data_of(std::string& text) {
    return reinterpret_cast<unsigned char*>(text.data());
}

// Random numbers and the choice of the processor's instructions are ready after it.
void require_sodium() {
    static const bool ready = sodium_init() >= 0;
    if (!ready) throw Error(ErrorKind::failed, "libsodium finds no random numbers on this system");
}

void require_length(std::size_t length, std::size_t expected) {
    if (length != expected) throw Error(ErrorKind::corrupt, fmt::format("{} bytes instead of {}", length, expected));
}

}  // namespace

Key::~Key() {
    sodium_memzero(bytes_.data(), bytes_.size());
}

std::string random_bytes(std::size_t count) {
    require_sodium();
    std::string bytes(count, '\0');
    randombytes_buf(bytes.data(), bytes.size());
    return bytes;
}

std::string keyed_hash(std::string_view key, std::string_view message, std::size_t size) {
    require_sodium();
    std::string hash(size, '\0');
    if (crypto_generichash(data_of(hash), hash.size(), data_of(message), message.size(), data_of(key), key.size()) != 0)
        throw Error(ErrorKind::failed, "BLAKE2b does not take these lengths");
    return hash;
}

Key derive(std::string_view key, std::string_view message) {
    require_sodium();
    Key derived;
    if (crypto_generichash(derived.data(), key_size, data_of(message), message.size(), data_of(key), key.size()) != 0)
        throw Error(ErrorKind::failed, "BLAKE2b does not take these lengths");
    return derived;
}

Key key_of_passphrase(std::string_view passphrase, std::string_view salt, std::uint64_t operations,
                      std::uint64_t memory) {
    require_sodium();
    require_length(salt.size(), passphrase_salt_size);
    Key key;
    if (memory > std::numeric_limits<std::size_t>::max() ||
        crypto_pwhash(key.data(), key_size, passphrase.data(), passphrase.size(), data_of(salt), operations,
                      static_cast<std::size_t>(memory), crypto_pwhash_ALG_ARGON2ID13) != 0)
        throw Error(ErrorKind::refused,
                    fmt::format("a passphrase takes {} of memory to try, and they cannot be had", format_bytes(memory)),
                    "give this process more memory, or use a key file: `vbackup key add STORE --key-file FILE`");
    return key;
}

void wrap(const Key& key, std::string_view nonce, std::span<const std::byte> plain, std::span<std::byte> into) {
    require_sodium();
    require_length(nonce.size(), nonce_size);
    require_length(into.size(), plain.size() + tag_size);
    crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(into.data()), nullptr,
                                               reinterpret_cast<const unsigned char*>(plain.data()), plain.size(),
                                               nullptr, 0, nullptr, data_of(nonce), key.data());
}

bool unwrap(const Key& key, std::string_view nonce, std::span<const std::byte> wrapped, std::span<std::byte> into) {
    require_sodium();
    require_length(nonce.size(), nonce_size);
    if (wrapped.size() < tag_size) return false;
    require_length(into.size(), wrapped.size() - tag_size);
    return crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(into.data()), nullptr, nullptr,
                                                      reinterpret_cast<const unsigned char*>(wrapped.data()),
                                                      wrapped.size(), nullptr, 0, data_of(nonce), key.data()) == 0;
}

std::string wrap(const Key& key, std::string_view nonce, std::string_view plain) {
    std::string wrapped(plain.size() + tag_size, '\0');
    wrap(key, nonce, std::as_bytes(std::span(plain)), std::as_writable_bytes(std::span(wrapped)));
    return wrapped;
}

std::optional<std::string> unwrap(const Key& key, std::string_view nonce, std::string_view wrapped) {
    if (wrapped.size() < tag_size) return std::nullopt;
    std::string plain(wrapped.size() - tag_size, '\0');
    if (!unwrap(key, nonce, std::as_bytes(std::span(wrapped)), std::as_writable_bytes(std::span(plain))))
        return std::nullopt;
    return plain;
}

std::string stream_xor(const Key& key, std::string_view nonce, std::string_view text) {
    require_sodium();
    require_length(nonce.size(), nonce_size);
    std::string out(text.size(), '\0');
    crypto_stream_xchacha20_xor(data_of(out), data_of(text), text.size(), data_of(nonce), key.data());
    return out;
}

bool same(std::string_view one, std::string_view other) {
    return one.size() == other.size() && sodium_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::string to_hex(std::string_view bytes) {
    std::string text(bytes.size() * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), data_of(bytes), bytes.size());
    text.pop_back();
    return text;
}

std::optional<std::string> from_hex(std::string_view text) {
    std::string bytes(text.size() / 2, '\0');
    std::size_t length = 0;
    const bool good =
        sodium_hex2bin(data_of(bytes), bytes.size(), text.data(), text.size(), nullptr, &length, nullptr) == 0;
    if (!good || length != bytes.size() || to_hex(bytes) != text) return std::nullopt;
    return bytes;
}

std::string to_base64(std::string_view bytes) {
    constexpr auto variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), data_of(bytes), bytes.size(), variant);
    text.pop_back();
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    constexpr auto variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string bytes(text.size() * 3 / 4, '\0');
    std::size_t length = 0;
    const bool good = sodium_base642bin(data_of(bytes), bytes.size(), text.data(), text.size(), nullptr, &length,
                                        nullptr, variant) == 0;
    if (!good) return std::nullopt;
    bytes.resize(length);
    if (to_base64(bytes) != text) return std::nullopt;
    return bytes;
}

}  // namespace vbackup::store::encrypted
