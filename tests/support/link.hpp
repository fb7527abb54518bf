// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace vbackup::test {

// One accepted connection as bytes, in the clear or through TLS. Any thread may `shut` it; the rest is for one thread.
class Link {
public:
    explicit Link(int fd) : fd_(fd) {}
    virtual ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    // At least one byte, or 0 when the other side closed, or broke, the connection.
    virtual std::size_t read(std::span<char> into);
    // False when the other side does not take it any more.
    virtual bool write(std::string_view bytes);
    // The kernel is to send RST instead of FIN when this goes.
    void reset_on_close() const;
    // Sends no more, and reads until the other side has closed: closing with bytes unread would be a reset.
    void linger();
    // Ends what waits in read or write.
    void shut() const;

protected:
    int fd_;
};

// Files for a server's side of TLS.
struct TlsFiles {
    std::string certificate;
    std::string key;
    std::string client_ca;  // when not empty, clients must show a certificate signed by it
};

// Makes TLS links. Thread-safe.
class TlsContext {
public:
    explicit TlsContext(const TlsFiles& files);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    // Null when the handshake failed.
    std::unique_ptr<Link> accept(int fd) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace vbackup::test
