// SPDX-License-Identifier: Apache-2.0
#include "net/resp_socket.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stop_token>

#include "base/text.hpp"
#include "net/curl_error.hpp"

namespace vbackup::net {

namespace {

constexpr Milliseconds slice{200};
// What a TLS record holds, some times over.
constexpr std::size_t piece = std::size_t{256} << 10;

Instant real_now() {
    return std::chrono::steady_clock::now();
}

struct Wake {
    CURLM* multi;
    void operator()() const { curl_multi_wakeup(multi); }
};

// The hints of the common table speak of HTTP.
Error spoken_for_resp(const Error& error, CURLcode code, const RespServer& server, bool connected) {
    if (error.kind() == ErrorKind::unreachable && connected && !server.tls)
        return {
            error.kind(), error.message(),
            "check the server's log, and what lies between; if the server uses TLS, write dragonflys:// or rediss://"};
    // A server without TLS waits for the end of a command that the first bytes of TLS seem to begin.
    const bool waits = code == CURLE_OPERATION_TIMEDOUT && server.tls;
    if (error.kind() != ErrorKind::not_understood && !waits) return error;
    return {error.kind(), error.message(),
            server.tls ? "check the port; if the server uses no TLS, write dragonfly:// or redis://"
                       : "check the port; if the server uses TLS, write dragonflys:// or rediss://"};
}

}  // namespace

RespSocket::RespSocket(Call& call, const RespServer& server) : server_(server) {
    const bool v6 = server.host.find(':') != std::string::npos;
    // Any protocol of libcurl's would do: nothing of it is ever spoken.
    set_options(fmt::format("{}://{}{}{}:{}/", server.tls ? "https" : "http", v6 ? "[" : "", server.host, v6 ? "]" : "",
                            server.port));
    if (curl_multi_add_handle(wire_.multi.get(), wire_.easy.get()) != CURLM_OK)
        throw Error(ErrorKind::failed, fmt::format("libcurl does not take the connection to {}", server.address()));
    added_ = true;
    try {
        connect(call);
    } catch (...) {
        curl_multi_remove_handle(wire_.multi.get(), wire_.easy.get());
        throw;
    }
}

RespSocket::~RespSocket() {
    // Until then libcurl finds the connection by the handle's place in the multi.
    if (added_) curl_multi_remove_handle(wire_.multi.get(), wire_.easy.get());
}

void RespSocket::set_options(const std::string& url) {
    CURL* easy = wire_.easy.get();
    const Connection& connection = server_.connection;
    VBACKUP_CURL_SET(easy, CURLOPT_ERRORBUFFER, wire_.words.data());
    VBACKUP_CURL_SET(easy, CURLOPT_URL, url.c_str());
    VBACKUP_CURL_SET(easy, CURLOPT_CONNECT_ONLY, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    VBACKUP_CURL_SET(easy, CURLOPT_NOSIGNAL, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_QUICK_EXIT, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connection.connect_timeout.count()));
    // The environment's proxies are for HTTP.
    VBACKUP_CURL_SET(easy, CURLOPT_PROXY, "");
    VBACKUP_CURL_SET(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    VBACKUP_CURL_SET(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
    VBACKUP_CURL_SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!connection.ca_file.empty()) VBACKUP_CURL_SET(easy, CURLOPT_CAINFO, connection.ca_file.c_str());
    if (!connection.client_cert_file.empty())
        VBACKUP_CURL_SET(easy, CURLOPT_SSLCERT, connection.client_cert_file.c_str());
    if (!connection.client_key_file.empty()) VBACKUP_CURL_SET(easy, CURLOPT_SSLKEY, connection.client_key_file.c_str());
}

void RespSocket::connect(Call& call) {
    const std::stop_callback<Wake> watch(call.stop, Wake{wire_.multi.get()});
    for (int running = 1; running > 0;) {
        call.require_time();
        if (curl_multi_perform(wire_.multi.get(), &running) != CURLM_OK)
            throw Error(ErrorKind::failed, fmt::format("libcurl cannot connect to {}", server_.address()));
        if (running > 0) curl_multi_poll(wire_.multi.get(), nullptr, 0, static_cast<int>(slice.count()), nullptr);
    }
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(wire_.multi.get(), &left);
    if (message != nullptr && message->data.result != CURLE_OK) fail(message->data.result, false);
    if (curl_easy_getinfo(wire_.easy.get(), CURLINFO_ACTIVESOCKET, &socket_) != CURLE_OK || socket_ == CURL_SOCKET_BAD)
        throw Error(ErrorKind::unreachable, fmt::format("no connection to {}", server_.address()));
}

void RespSocket::fail(CURLcode code, bool connected) {
    const auto address = server_.address();
    long system_error = 0;
    curl_easy_getinfo(wire_.easy.get(), CURLINFO_OS_ERRNO, &system_error);
    throw spoken_for_resp(to_error({.code = code,
                                    .words = wire_.words.data(),
                                    .system_error = static_cast<int>(system_error),
                                    .connected = connected,
                                    .base = address,
                                    .exchange = address,
                                    .ca_file = server_.connection.ca_file,
                                    .client_cert_file = server_.connection.client_cert_file,
                                    .connect_timeout = server_.connection.connect_timeout}),
                          code, server_, connected);
}

std::size_t RespSocket::receive_some(Call& call, std::span<char> into) {
    wire_.words[0] = '\0';
    std::size_t count = 0;
    const auto code = curl_easy_recv(wire_.easy.get(), into.data(), call.piece(into.size()), &count);
    if (code == CURLE_AGAIN) return 0;
    if (code != CURLE_OK) fail(code, true);
    if (count == 0)
        throw Error(ErrorKind::unreachable, fmt::format("{} closed the connection", server_.address()),
                    server_.tls
                        ? "check the server's log: it may have ended, or have a limit on clients, idle time or output"
                        : "check the server's log; if it uses TLS, write dragonflys:// or rediss://");
    call.moved(count);
    return count;
}

std::size_t RespSocket::send_some(Call& call, std::span<const char> bytes) {
    wire_.words[0] = '\0';
    std::size_t count = 0;
    // TLS wants the very same bytes again after it could not send them; the caller gives them.
    const auto code = curl_easy_send(wire_.easy.get(), bytes.data(), bytes.size(), &count);
    if (code == CURLE_AGAIN) return 0;
    if (code != CURLE_OK) fail(code, true);
    call.moved(count);
    return count;
}

void RespSocket::wait(Call& call, bool to_send, Instant since) {
    call.require_time();
    const auto quiet = std::chrono::duration_cast<Milliseconds>(real_now() - since);
    if (quiet >= silence_)
        throw Error(ErrorKind::stalled,
                    fmt::format("{}: not a byte for {}", server_.address(), format_duration(silence_)),
                    "check the server's load and log");
    const std::stop_callback<Wake> watch(call.stop, Wake{wire_.multi.get()});
    curl_waitfd wanted{socket_, static_cast<short>(to_send ? CURL_WAIT_POLLIN | CURL_WAIT_POLLOUT : CURL_WAIT_POLLIN),
                       0};
    const auto most = std::min({call.left(slice), slice, silence_ - quiet});
    curl_multi_poll(wire_.multi.get(), &wanted, 1, static_cast<int>(std::max<Milliseconds::rep>(most.count(), 0)),
                    nullptr);
}

void RespSocket::send(Call& call, std::span<const char> bytes, std::string& came) {
    std::array<char, 16384> block{};
    auto since = real_now();
    // The piece that is being sent stays the same until some of it has gone.
    std::size_t size = 0;
    while (!bytes.empty()) {
        if (size == 0) size = call.piece(std::min(bytes.size(), piece));
        if (const auto sent = send_some(call, bytes.first(size)); sent > 0) {
            bytes = bytes.subspan(sent);
            size = 0;
            since = real_now();
            continue;
        }
        if (const auto count = receive_some(call, block); count > 0) {
            came.append(block.data(), count);
            since = real_now();
            continue;
        }
        wait(call, true, since);
    }
}

std::size_t RespSocket::receive(Call& call, std::span<char> into) {
    for (const auto since = real_now();;) {
        if (const auto count = receive_some(call, into); count > 0) return count;
        wait(call, false, since);
    }
}

}  // namespace vbackup::net
