// SPDX-License-Identifier: Apache-2.0
#include "io/digest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/error.hpp"

namespace vbackup::io {

namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

void require_ok(int result) {
    // OpenSSL refuses only for want of memory or where the machine's policy forbids the algorithm.
    if (result != 1) throw Error(ErrorKind::failed, "OpenSSL cannot compute SHA-256");
}

}  // namespace

struct Digest::State {
    std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
};

Digest::Digest() : state_(std::make_unique<State>()) {
    reset();
}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::span<const std::byte> bytes) {
    require_ok(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

void Digest::reset() {
    require_ok(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr));
}

std::string Digest::hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int size = 0;
    require_ok(EVP_DigestFinal_ex(state_->context.get(), bytes.data(), &size));
    return fmt::format("{:02x}", fmt::join(bytes.data(), bytes.data() + size, ""));
}

std::string sha256(std::string_view bytes) {
    return sha256(std::as_bytes(std::span(bytes)));
}

std::string sha256(std::span<const std::byte> bytes) {
    Digest digest;
    digest.update(bytes);
    return digest.hex();
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned int size = 0;
    const auto* const made =
        HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(), &size);
    require_ok(made == nullptr ? 0 : 1);
    return {reinterpret_cast<const char*>(bytes.data()), size};
}

}  // namespace vbackup::io
