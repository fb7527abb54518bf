// SPDX-License-Identifier: Apache-2.0
#include "net/curl_error.hpp"

#include <fmt/format.h>

#include <cctype>
#include <system_error>

#include "base/text.hpp"

namespace vbackup::net {

namespace {

std::string lower_first(std::string text) {
    if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

bool says(const Broken& broken, std::string_view part) {
    return broken.words.find(part) != std::string_view::npos;
}

// What went wrong, in curl's words of this exchange or, failing these, of its code. OpenSSL's text is of one line. Words about a
// proxy are kept back: they may repeat its whole address, with the password in it.
std::string reason(const Broken& broken) {
    const bool of_proxy = says(broken, "proxy") || says(broken, "Proxy");
    const std::string words(broken.words.empty() || of_proxy ? curl_easy_strerror(broken.code) : broken.words);
    return one_line(words, 200) + (of_proxy ? " (by way of a proxy)" : "");
}

Error no_connection(const Broken& broken) {
    const std::string why =
        broken.system_error != 0 ? lower_first(std::generic_category().message(broken.system_error)) : reason(broken);
    return {ErrorKind::unreachable, fmt::format("cannot connect to {}: {}", broken.base, why),
            "check that the server runs and that the address and port are right"};
}

Error no_name(const Broken& broken) {
    return {ErrorKind::unreachable, fmt::format("cannot connect to {}: the name cannot be resolved", broken.base),
            "check the spelling of the address, and the name server"};
}

Error no_proxy_name(const Broken& broken) {
    return {
        ErrorKind::unreachable,
        fmt::format("cannot connect to {}: the proxy's address is none, or its name cannot be resolved", broken.base),
        "check the proxy: proxy-url in a kubeconfig, otherwise http_proxy, https_proxy and no_proxy in the "
        "environment"};
}

Error timed_out(const Broken& broken) {
    return {
        ErrorKind::unreachable,
        fmt::format("cannot connect to {}: no answer within {}", broken.base, format_duration(broken.connect_timeout)),
        "check the address, and that no firewall drops the connection"};
}

Error line_broke(const Broken& broken, std::string_view what) {
    return {ErrorKind::unreachable, fmt::format("{}: {}", broken.exchange, what),
            "check the server's log, and anything between here and there that may close connections"};
}

Error not_http(const Broken& broken) {
    return {ErrorKind::not_understood, fmt::format("{}: what answers there does not speak HTTP", broken.exchange),
            broken.base.starts_with("http://") ? "check the port; if the server uses TLS, write https://"
                                               : "check the port"};
}

// What a certificate came from: the setting with its file, or words of the caller's.
std::string origin(std::string_view setting, std::string_view file, std::string_view words) {
    return words.empty() ? fmt::format("{} {}", setting, file) : std::string(words);
}

Error server_refused(const Broken& broken) {
    const std::string hint =
        broken.ca_file.empty() && broken.ca_words.empty()
            ? "if the server has a certificate of an own authority, give that as ca_file in the configuration"
            : fmt::format(
                  "check that {} holds the authority of the server's certificate, and that the "
                  "address is a name in it",
                  origin("ca_file", broken.ca_file, broken.ca_words));
    return {ErrorKind::denied, fmt::format("the certificate of {} is not trusted: {}", broken.base, reason(broken)),
            hint};
}

Error client_refused(const Broken& broken) {
    return {ErrorKind::denied, fmt::format("{} refused the TLS connection: {}", broken.base, reason(broken)),
            broken.client_cert_file.empty() && broken.client_words.empty()
                ? "if it asks for a client certificate, give client_cert_file and client_key_file in the configuration"
                : fmt::format("check that the server trusts the certificate {}",
                              broken.client_words.empty() ? broken.client_cert_file : broken.client_words)};
}

// With TLS 1.3 a server tells that it misses a certificate only after the handshake, as a broken read.
bool is_alert(const Broken& broken) {
    return says(broken, "alert") && (says(broken, "certificate") || says(broken, "handshake failure") ||
                                     says(broken, "unknown ca") || says(broken, "access denied"));
}

Error handshake_failed(const Broken& broken) {
    if (is_alert(broken)) return client_refused(broken);
    if (says(broken, "wrong version number") || says(broken, "packet length too long") ||
        says(broken, "http request")) {
        return {ErrorKind::not_understood, fmt::format("{} does not speak TLS", broken.base),
                "check the port; if the server uses no TLS, write http://"};
    }
    return {ErrorKind::unreachable, fmt::format("no TLS connection to {}: {}", broken.base, reason(broken)),
            "check the port, and that the server speaks TLS 1.2 or newer"};
}

Error read_failed(const Broken& broken) {
    if (is_alert(broken)) return client_refused(broken);
    if (says(broken, "chunk")) {
        return {ErrorKind::not_understood, fmt::format("{}: {}", broken.exchange, lower_first(reason(broken))),
                "a proxy in between may have damaged the answer"};
    }
    return line_broke(broken, fmt::format("the connection broke: {}", lower_first(reason(broken))));
}

Error own_file(const Broken& broken, const std::string& what) {
    return {ErrorKind::configuration, fmt::format("{} cannot be used: {}", what, lower_first(reason(broken))),
            "check that the file exists, can be read and is PEM"};
}

}  // namespace

Error to_error(const Broken& broken) {
    switch (broken.code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return no_name(broken);
        case CURLE_COULDNT_RESOLVE_PROXY:
            return no_proxy_name(broken);
        case CURLE_COULDNT_CONNECT:
            return no_connection(broken);
        case CURLE_OPERATION_TIMEDOUT:
            return timed_out(broken);
        case CURLE_GOT_NOTHING:
            return line_broke(broken, "the connection was closed without an answer");
        case CURLE_PARTIAL_FILE:
            return line_broke(broken, "the answer ended early");
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
            return read_failed(broken);
        case CURLE_SSL_CONNECT_ERROR:
            return handshake_failed(broken);
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
            return server_refused(broken);
        case CURLE_SSL_CACERT_BADFILE:
            return own_file(broken, origin("ca_file", broken.ca_file, broken.ca_words));
        case CURLE_SSL_CERTPROBLEM:
            return own_file(broken, origin("client_cert_file", broken.client_cert_file, broken.client_words));
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_BAD_CONTENT_ENCODING:
            return not_http(broken);
        case CURLE_UNSUPPORTED_PROTOCOL:
            if (broken.connected) return not_http(broken);
            [[fallthrough]];
        case CURLE_URL_MALFORMAT:
            return {ErrorKind::usage, fmt::format("{} is no address that can be asked", broken.base),
                    "write http:// or https://, a name and a port"};
        default:
            return {ErrorKind::failed, fmt::format("{}: {} (libcurl error {})", broken.exchange,
                                                   lower_first(reason(broken)), static_cast<int>(broken.code))};
    }
}

}  // namespace vbackup::net
