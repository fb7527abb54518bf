// SPDX-License-Identifier: Apache-2.0
#include "io/digest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

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
    Digest digest;
    digest.update(std::as_bytes(std::span(bytes)));
    return digest.hex();
}

}  // namespace vbackup::io
