// SPDX-License-Identifier: Apache-2.0
#include "support/link.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace vbackup::test {

namespace {

struct SslDelete {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

class TlsLink : public Link {
public:
    TlsLink(int fd, std::unique_ptr<SSL, SslDelete> ssl) : Link(fd), ssl_(std::move(ssl)) {}

    std::size_t read(std::span<char> into) override {
        std::size_t count = 0;
        return SSL_read_ex(ssl_.get(), into.data(), into.size(), &count) == 1 ? count : 0;
    }

    bool write(std::string_view bytes) override {
        std::size_t count = 0;
        return bytes.empty() || SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count) == 1;
    }

private:
    std::unique_ptr<SSL, SslDelete> ssl_;
};

}  // namespace

Link::~Link() {
    ::close(fd_);
}

std::size_t Link::read(std::span<char> into) {
    const ssize_t count = ::recv(fd_, into.data(), into.size(), 0);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool Link::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

void Link::reset_on_close() const {
    const struct ::linger hard { .l_onoff = 1, .l_linger = 0 };
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

void Link::linger() {
    ::shutdown(fd_, SHUT_WR);
    char bytes[16384];
    while (Link::read(bytes) > 0) {
    }
}

void Link::shut() const {
    ::shutdown(fd_, SHUT_RDWR);
}

struct TlsContext::State {
    std::unique_ptr<SSL_CTX, SslDelete> context;
};

TlsContext::TlsContext(const TlsFiles& files) : state_(std::make_unique<State>()) {
    state_->context.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX* context = state_->context.get();
    const bool good = SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) == 1 &&
                      SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) == 1;
    if (!good) throw std::runtime_error("the test server's certificate cannot be used");
    if (files.client_ca.empty()) return;
    SSL_CTX_load_verify_locations(context, files.client_ca.c_str(), nullptr);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

TlsContext::~TlsContext() = default;

std::unique_ptr<Link> TlsContext::accept(int fd) const {
    std::unique_ptr<SSL, SslDelete> ssl(SSL_new(state_->context.get()));
    SSL_set_fd(ssl.get(), fd);
    const bool shaken = SSL_accept(ssl.get()) == 1;
    auto link = std::make_unique<TlsLink>(fd, std::move(ssl));
    if (shaken) return link;
    // With the request still unread, closing would send a reset that overtakes the alert.
    link->Link::linger();
    return nullptr;
}

}  // namespace vbackup::test
