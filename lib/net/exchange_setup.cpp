// SPDX-License-Identifier: Apache-2.0
// What libcurl is told about an exchange before it begins. The rest of Exchange is in exchange.cpp.
#include <fmt/format.h>

#include "base/text.hpp"
#include "net/exchange.hpp"
#include "net/mask.hpp"

namespace vbackup::net {

namespace {

// A line break inside a header would let its text become headers of its own.
std::string header_line(std::string_view name, std::string_view value) {
    if (name.find_first_of("\r\n:") != std::string_view::npos ||
        value.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
        throw Error(ErrorKind::usage,
                    fmt::format("the value for the header {} holds a line break", one_line(name, 40)));
    }
    // libcurl drops "Name:" altogether and sends "Name;" as a header without a value.
    return value.empty() ? fmt::format("{};", name) : fmt::format("{}: {}", name, value);
}

curl_blob blob_of(std::string_view text) {
    return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_COPY};
}

}  // namespace

void Exchange::set_connection() {
    CURL* easy = wire_->easy.get();
    wire_->words[0] = '\0';
    VBACKUP_CURL_SET(easy, CURLOPT_ERRORBUFFER, wire_->words.data());
    VBACKUP_CURL_SET(easy, CURLOPT_URL, url_.c_str());
    // Names are encoded by us; a path is not to be tidied, or a collection called ".." would become another request.
    VBACKUP_CURL_SET(easy, CURLOPT_PATH_AS_IS, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    VBACKUP_CURL_SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    VBACKUP_CURL_SET(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    VBACKUP_CURL_SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    VBACKUP_CURL_SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_NOSIGNAL, 1L);
    // A name server that is silent must not hold up an interrupted program.
    VBACKUP_CURL_SET(easy, CURLOPT_QUICK_EXIT, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(server_->connection.connect_timeout.count()));
    // Qdrant closes idle connections after 5 s (contracts.md Q.9). A request that must not be sent twice gets a connection
    // of its own: libcurl sends again by itself when a used one turns out to be dead.
    VBACKUP_CURL_SET(easy, CURLOPT_MAXAGE_CONN, 4L);
    VBACKUP_CURL_SET(easy, CURLOPT_FRESH_CONNECT,
                     request_.method == "GET" || request_.method == "HEAD" || request_.repeatable ? 0L : 1L);
    const std::string& proxy = server_->connection.proxy;
    if (!proxy.empty()) {
        VBACKUP_CURL_SET(easy, CURLOPT_PROXY, proxy.c_str());
        VBACKUP_CURL_SET(easy, CURLOPT_NOPROXY, "");
    } else if (server_->direct) {
        VBACKUP_CURL_SET(easy, CURLOPT_PROXY, "");
    } else if (!server_->detour.empty()) {
        // NO_PROXY was asked already, by the machine's own name.
        VBACKUP_CURL_SET(easy, CURLOPT_NOPROXY, "");
    }
    if (server_->detour.empty()) return;
    detour_.add(server_->detour);
    VBACKUP_CURL_SET(easy, CURLOPT_CONNECT_TO, detour_.get());
}

void Exchange::set_tls() {
    CURL* easy = wire_->easy.get();
    const Connection& connection = server_->connection;
    VBACKUP_CURL_SET(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    VBACKUP_CURL_SET(easy, CURLOPT_SSL_VERIFYPEER, connection.trust_anyone ? 0L : 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_SSL_VERIFYHOST, connection.trust_anyone ? 0L : 2L);
    if (!connection.ca_file.empty()) VBACKUP_CURL_SET(easy, CURLOPT_CAINFO, connection.ca_file.c_str());
    if (!connection.client_cert_file.empty()) {
        VBACKUP_CURL_SET(easy, CURLOPT_SSLCERT, connection.client_cert_file.c_str());
    }
    if (!connection.client_key_file.empty()) {
        VBACKUP_CURL_SET(easy, CURLOPT_SSLKEY, connection.client_key_file.c_str());
    }
    set_blobs();
}

void Exchange::set_blobs() {
    CURL* easy = wire_->easy.get();
    const Connection& connection = server_->connection;
    if (!connection.ca_pem.empty()) {
        curl_blob blob = blob_of(connection.ca_pem);
        VBACKUP_CURL_SET(easy, CURLOPT_CAINFO_BLOB, &blob);
        // Debian's libcurl would trust the folder of the system's authorities besides.
        VBACKUP_CURL_SET(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    if (!connection.client_cert_pem.empty()) {
        curl_blob blob = blob_of(connection.client_cert_pem);
        VBACKUP_CURL_SET(easy, CURLOPT_SSLCERT_BLOB, &blob);
    }
    if (!connection.client_key_pem.empty()) {
        curl_blob blob = blob_of(connection.client_key_pem.reveal());
        VBACKUP_CURL_SET(easy, CURLOPT_SSLKEY_BLOB, &blob);
    }
}

void Exchange::set_method() {
    CURL* easy = wire_->easy.get();
    const std::string& method = request_.method;
    if (method == "HEAD") {
        VBACKUP_CURL_SET(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (!request_.bytes.empty()) return set_bytes();
    const bool wants_length = method == "POST" || method == "PUT" || method == "PATCH";
    if (request_.upload == nullptr && (wants_length || !request_.body.empty())) {
        VBACKUP_CURL_SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
        VBACKUP_CURL_SET(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
    }
    if (method != "GET" || !request_.body.empty()) VBACKUP_CURL_SET(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
}

// libcurl asks for the bytes from the beginning again when a used connection turned out to be dead.
void Exchange::set_bytes() {
    CURL* easy = wire_->easy.get();
    VBACKUP_CURL_SET(easy, CURLOPT_UPLOAD, 1L);
    VBACKUP_CURL_SET(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    VBACKUP_CURL_SET(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.bytes.size()));
    VBACKUP_CURL_SET(easy, CURLOPT_READFUNCTION, send_callback);
    VBACKUP_CURL_SET(easy, CURLOPT_READDATA, this);
    VBACKUP_CURL_SET(easy, CURLOPT_SEEKFUNCTION, seek_callback);
    VBACKUP_CURL_SET(easy, CURLOPT_SEEKDATA, this);
    VBACKUP_CURL_SET(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
}

void Exchange::set_headers(const Headers& extra) {
    const auto add = [this](std::string_view name, std::string_view value) {
        headers_.add(header_line(name, value));
        note_header(name, value);
    };
    headers_.add("User-Agent: vbackup");
    if (!server_->host_value.empty()) headers_.add("Host: " + server_->host_value);
    if (request_.upload == nullptr) {
        headers_.add("Expect:");
        headers_.add(!sends_body() || request_.content_type.empty()
                         ? "Content-Type:"
                         : header_line("Content-Type", request_.content_type));
    }
    for (const auto& [name, value] : extra) add(name, value);
    for (const auto& [name, value] : request_.headers) add(name, value);
    const Headers signature = request_.sign ? request_.sign() : Headers{};
    for (const auto& [name, value] : signature) add(name, value);
    for (const auto& [name, value] : server_->connection.secrets) {
        headers_.add(header_line(name, value.reveal()));
        note_header(name, masked);
    }
    VBACKUP_CURL_SET(wire_->easy.get(), CURLOPT_HTTPHEADER, headers_.get());
}

void Exchange::set_upload() {
    CURL* easy = wire_->easy.get();
    mime_.reset(curl_mime_init(easy));
    curl_mimepart* part = curl_mime_addpart(mime_.get());
    require_set(curl_mime_name(part, request_.upload_part.c_str()), "the part's name");
    require_set(curl_mime_filename(part, request_.upload_name.c_str()), "the part's file name");
    require_set(curl_mime_type(part, "application/octet-stream"), "the part's type");
    const curl_off_t size = upload_size_ ? static_cast<curl_off_t>(*upload_size_) : -1;
    require_set(curl_mime_data_cb(part, size, send_callback, nullptr, nullptr, this), "the part's data");
    VBACKUP_CURL_SET(easy, CURLOPT_MIMEPOST, mime_.get());
    VBACKUP_CURL_SET(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
}

void Exchange::set_callbacks(long buffer) {
    CURL* easy = wire_->easy.get();
    VBACKUP_CURL_SET(easy, CURLOPT_BUFFERSIZE, buffer);
    VBACKUP_CURL_SET(easy, CURLOPT_HEADERFUNCTION, header_callback);
    VBACKUP_CURL_SET(easy, CURLOPT_HEADERDATA, this);
    VBACKUP_CURL_SET(easy, CURLOPT_WRITEFUNCTION, body_callback);
    VBACKUP_CURL_SET(easy, CURLOPT_WRITEDATA, this);
}

}  // namespace vbackup::net
