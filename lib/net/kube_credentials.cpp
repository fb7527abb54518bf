// SPDX-License-Identifier: Apache-2.0
#include "net/kube_credentials.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/program.hpp"
#include "base/text.hpp"
#include "io/files.hpp"

namespace vbackup::net {

namespace {

using Environment = std::map<std::string, std::string>;

constexpr std::size_t longest = std::size_t{1} << 20;
constexpr Milliseconds most_patience{60'000};

std::string read_named(const std::string& file, std::string_view what) {
    try {
        return io::read_file(io::real_files(), file, longest);
    } catch (const Error& error) {
        throw Error(ErrorKind::configuration, fmt::format("{} cannot be read: {}", what, error.message()),
                    error.hint());
    }
}

std::string trimmed(std::string text) {
    text.resize(text.find_last_not_of(" \t\r\n") + 1);
    return text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

std::string base64(std::string_view text) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        std::uint32_t bits = 0;
        const std::size_t have = std::min<std::size_t>(3, text.size() - i);
        for (std::size_t j = 0; j < 3; ++j)
            bits = bits << 8 | (j < have ? static_cast<unsigned char>(text[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j) out += j <= have ? letters[bits >> (18 - 6 * j) & 63U] : '=';
    }
    return out;
}

std::string json_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
        } else {
            out += c;
        }
    }
    return out + '"';
}

// The token file counts before the token, as for kubectl, and the token where the file cannot be read; both before a name and
// password.
std::string token_of(const KubeUser& user) {
    std::string written(user.token.reveal());
    if (user.token_file.empty()) return written;
    try {
        auto token = trimmed(read_named(user.token_file, "the token of the kubeconfig's user"));
        return token.empty() ? written : token;
    } catch (const Error&) {
        if (written.empty()) throw;
        return written;
    }
}

Secret authorization_of(const KubeUser& user) {
    const auto token = token_of(user);
    if (!token.empty()) return Secret("Bearer " + token);
    if (user.username.empty()) return {};
    return Secret("Basic " + base64(fmt::format("{}:{}", user.username, user.password.reveal())));
}

[[noreturn]] void no_credential(const std::string& what, const std::string& hint = {}) {
    throw Error(ErrorKind::configuration, "what the credential command printed is no ExecCredential: " + what, hint);
}

std::string text_at(const YAML::Node& node, const char* key) {
    const auto value = node[key];
    if (!value.IsDefined() || value.IsNull()) return {};
    if (!value.IsScalar()) no_credential(fmt::format("{} is no text", key));
    return value.Scalar();
}

std::string found_on_path(const std::string& command, const Environment& environment) {
    if (command.find('/') != std::string::npos) return command;
    const auto listed = environment.find("PATH");
    std::string_view folders =
        listed == environment.end() ? "/usr/local/bin:/usr/bin:/bin" : std::string_view(listed->second);
    while (!folders.empty()) {
        const auto folder = folders.substr(0, folders.find(':'));
        folders.remove_prefix(std::min(folders.size(), folder.size() + 1));
        auto path = fmt::format("{}/{}", folder.empty() ? "." : folder, command);
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return {};
}

[[noreturn]] void not_there(const CredentialCommand& command) {
    throw Error(
        ErrorKind::configuration,
        fmt::format("the credential command {} of the kubeconfig is not there", one_line(command.command, 120)),
        command.install_hint.empty() ? "install it, or put its folder on PATH" : one_line(command.install_hint, 400));
}

void require_good(const ProgramResult& result, const CredentialCommand& command) {
    const auto fail = [&](const std::string& why) {
        throw Error(ErrorKind::denied,
                    fmt::format("no credentials: the command {} {}", one_line(command.command, 120), why),
                    "run it by hand to see why; a login may be due");
    };
    switch (result.end) {
        case ProgramResult::End::not_started:
            not_there(command);
        case ProgramResult::End::timed_out:
            fail("did not end in time");
            break;
        case ProgramResult::End::too_long:
            fail("printed more than 1 MiB");
            break;
        case ProgramResult::End::killed:
            fail(fmt::format("was ended by signal {}", result.code));
            break;
        case ProgramResult::End::exited:
            if (result.code != 0) fail(fmt::format("ended with exit code {}", result.code));
            break;
    }
}

}  // namespace

KubeCredentials read_kube_credentials(const KubeAccess& access) {
    KubeCredentials read;
    const auto& cluster = access.cluster;
    const auto& user = access.user;
    read.authority = cluster.ca_data;
    if (read.authority.empty() && !cluster.ca_file.empty())
        read.authority = read_named(cluster.ca_file, "the certificate-authority of the kubeconfig's cluster");
    read.certificate = user.cert_data;
    if (read.certificate.empty() && !user.cert_file.empty())
        read.certificate = read_named(user.cert_file, "the client-certificate of the kubeconfig's user");
    read.key = user.key_data;
    if (read.key.empty() && !user.key_file.empty())
        read.key = Secret(read_named(user.key_file, "the client-key of the kubeconfig's user"));
    read.authorization = authorization_of(user);
    return read;
}

void parse_exec_credential(std::string_view text, std::string_view api_version, KubeCredentials& into) {
    try {
        const auto top = YAML::Load(std::string(text));
        if (!top.IsMap()) no_credential("it is no JSON object");
        if (text_at(top, "kind") != "ExecCredential") no_credential("its kind is another one");
        if (text_at(top, "apiVersion") != api_version)
            no_credential("its apiVersion is another one than the kubeconfig's",
                          "let the cloud's program write the kubeconfig anew");
        const YAML::Node status = top["status"];
        if (!status.IsDefined() || !status.IsMap()) no_credential("it has no status");
        const auto token = text_at(status, "token");
        auto certificate = text_at(status, "clientCertificateData");
        auto key = text_at(status, "clientKeyData");
        if (certificate.empty() != key.empty()) no_credential("it has a certificate without key, or a key without one");
        if (token.empty() && certificate.empty()) no_credential("it has neither a token nor a certificate");
        if (!token.empty()) into.authorization = Secret("Bearer " + token);
        if (!certificate.empty()) into.certificate = std::move(certificate);
        if (!key.empty()) into.key = Secret(std::move(key));
        into.expires.reset();
        const auto expires = text_at(status, "expirationTimestamp");
        if (expires.empty()) return;
        into.expires = parse_time(expires);
        if (!into.expires) no_credential("its expirationTimestamp is no time");
    } catch (const YAML::Exception&) {
        no_credential("it is no JSON");
    }
}

std::string exec_info(const KubeAccess& access, std::string_view authority) {
    const auto& cluster = access.cluster;
    std::string spec = R"("interactive":false)";
    if (access.user.command && access.user.command->wants_cluster) {
        spec += fmt::format(R"(,"cluster":{{"server":{})", json_text(cluster.server));
        if (!cluster.tls_server_name.empty())
            spec += fmt::format(R"(,"tls-server-name":{})", json_text(cluster.tls_server_name));
        if (cluster.insecure) spec += R"(,"insecure-skip-tls-verify":true)";
        if (!authority.empty()) spec += fmt::format(R"(,"certificate-authority-data":"{}")", base64(authority));
        if (!cluster.proxy_url.empty()) spec += fmt::format(R"(,"proxy-url":{})", json_text(cluster.proxy_url));
        spec += "}";
    }
    return fmt::format(R"({{"kind":"ExecCredential","apiVersion":{},"spec":{{{}}}}})",
                       json_text(access.user.command ? access.user.command->api_version : ""), spec);
}

void run_credential_command(const Call& call, const KubeAccess& access, const Environment& environment,
                            KubeCredentials& into) {
    const auto& command = access.user.command.value();
    const auto path = found_on_path(command.command, environment);
    if (path.empty()) not_there(command);
    auto variables = environment;
    for (const auto& [name, value] : command.environment) variables[name] = value;
    variables["KUBERNETES_EXEC_INFO"] = exec_info(access, into.authority);
    std::vector<std::string> arguments{path};
    arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
    auto result = run_program(arguments, variables, longest, call.left(most_patience), call.stop);
    const Secret printed(std::move(result.output));
    call.require_time();
    require_good(result, command);
    parse_exec_credential(printed.reveal(), command.api_version, into);
}

}  // namespace vbackup::net
