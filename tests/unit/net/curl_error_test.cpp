// SPDX-License-Identifier: Apache-2.0
#include "net/curl_error.hpp"

#include <doctest/doctest.h>

#include <cerrno>

using namespace vbackup;
using namespace vbackup::net;

namespace {

Broken broken(CURLcode code, std::string_view words = {}) {
    return {.code = code,
            .words = words,
            .system_error = 0,
            .connected = true,
            .base = "https://db:6333",
            .exchange = "GET https://db:6333/collections",
            .ca_file = {},
            .client_cert_file = {},
            .connect_timeout = Milliseconds(10'000)};
}

}  // namespace

TEST_CASE("every way an exchange breaks has its kind") {
    struct Row {
        CURLcode code;
        std::string_view words;
        ErrorKind kind;
    };
    const Row rows[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "", ErrorKind::unreachable},
        {CURLE_COULDNT_RESOLVE_PROXY, "", ErrorKind::unreachable},
        {CURLE_COULDNT_CONNECT, "", ErrorKind::unreachable},
        {CURLE_OPERATION_TIMEDOUT, "", ErrorKind::unreachable},
        {CURLE_GOT_NOTHING, "", ErrorKind::unreachable},
        {CURLE_PARTIAL_FILE, "", ErrorKind::unreachable},
        {CURLE_SEND_ERROR, "", ErrorKind::unreachable},
        {CURLE_RECV_ERROR, "Recv failure: Connection reset by peer", ErrorKind::unreachable},
        {CURLE_RECV_ERROR, "Illegal or missing hexadecimal sequence in chunked-encoding", ErrorKind::not_understood},
        {CURLE_RECV_ERROR, "OpenSSL SSL_read: tlsv13 alert certificate required, errno 0", ErrorKind::denied},
        {CURLE_SSL_CONNECT_ERROR, "tlsv1 alert unknown ca", ErrorKind::denied},
        {CURLE_SSL_CONNECT_ERROR, "sslv3 alert handshake failure", ErrorKind::denied},
        {CURLE_SSL_CONNECT_ERROR, "error:0A00010B:SSL routines::wrong version number", ErrorKind::not_understood},
        {CURLE_SSL_CONNECT_ERROR, "OpenSSL SSL_connect: SSL_ERROR_SYSCALL", ErrorKind::unreachable},
        {CURLE_PEER_FAILED_VERIFICATION, "self-signed certificate", ErrorKind::denied},
        {CURLE_SSL_CACERT_BADFILE, "", ErrorKind::configuration},
        {CURLE_SSL_CERTPROBLEM, "", ErrorKind::configuration},
        {CURLE_WEIRD_SERVER_REPLY, "", ErrorKind::not_understood},
        {CURLE_UNSUPPORTED_PROTOCOL, "Received HTTP/0.9 when not allowed", ErrorKind::not_understood},
        {CURLE_URL_MALFORMAT, "", ErrorKind::usage},
        {CURLE_OUT_OF_MEMORY, "", ErrorKind::failed},
    };
    for (const Row& row : rows) {
        CAPTURE(row.code);
        CAPTURE(row.words);
        const Error error = to_error(broken(row.code, row.words));
        CHECK(error.kind() == row.kind);
        if (row.kind != ErrorKind::configuration) CHECK(error.message().find("db:6333") != std::string::npos);
    }
}

TEST_CASE("a scheme that is not ours was refused before any connection") {
    Broken before = broken(CURLE_UNSUPPORTED_PROTOCOL);
    before.connected = false;
    CHECK(to_error(before).kind() == ErrorKind::usage);
}

TEST_CASE("a refused connection says so in plain words") {
    Broken refused = broken(CURLE_COULDNT_CONNECT, "Failed to connect to db port 6333 after 0 ms: Couldn't connect");
    refused.system_error = ECONNREFUSED;
    CHECK(to_error(refused).message() == "cannot connect to https://db:6333: connection refused");
}

TEST_CASE("a proxy's address and password are not repeated, whatever curl says of it") {
    for (const auto code : {CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY, CURLE_RECV_ERROR,
                            CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_OUT_OF_MEMORY}) {
        CAPTURE(code);
        for (const auto* words : {"Unsupported proxy scheme for 'ftp://me:s3cret@proxy:3128'", "Proxy s3cret"}) {
            const auto error = to_error(broken(code, words));
            CHECK((error.message() + error.hint()).find("s3cret") == std::string::npos);
            CHECK((error.message() + error.hint()).find("proxy") != std::string::npos);
        }
    }
}

TEST_CASE("hints name the setting that helps") {
    CHECK(to_error(broken(CURLE_PEER_FAILED_VERIFICATION)).hint().find("ca_file") != std::string::npos);
    CHECK(to_error(broken(CURLE_SSL_CONNECT_ERROR, "alert handshake failure")).hint().find("client_cert_file") !=
          std::string::npos);
    CHECK(to_error(broken(CURLE_SSL_CONNECT_ERROR, "wrong version number")).hint().find("http://") !=
          std::string::npos);
}
