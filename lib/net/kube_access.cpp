// SPDX-License-Identifier: Apache-2.0
// Which kubeconfig, which context, and the service account of a pod. Declared in kubeconfig.hpp.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"
#include "io/files.hpp"
#include "net/kubeconfig.hpp"

namespace vbackup::net {

namespace {

using Environment = std::map<std::string, std::string>;

constexpr std::size_t longest = std::size_t{4} << 20;

std::string variable(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
}

template <class Value>
std::string names_of(const std::map<std::string, Value>& entries) {
    std::string all;
    for (const auto& entry : entries) all += (all.empty() ? "" : ", ") + one_line(entry.first, 80);
    return all;
}

template <class Value>
std::string suggestion(const std::map<std::string, Value>& entries, const std::string& wanted) {
    std::vector<std::string> names;
    for (const auto& entry : entries) names.push_back(entry.first);
    if (const auto near = did_you_mean(wanted, names)) return fmt::format("did you mean '{}'?", *near);
    return names.empty() ? "it has none at all" : "there are: " + names_of(entries);
}

Error wrong(const std::string& what, const std::string& hint = {}) {
    return {ErrorKind::configuration, "kubeconfig: " + what, hint};
}

// Its password may stand in it, so that no word of it is repeated.
void require_proxy(const std::string& url, const std::string& name) {
    if (url.empty()) return;
    constexpr std::array<std::string_view, 3> schemes{"http://", "https://", "socks5://"};
    const bool known = std::any_of(schemes.begin(), schemes.end(), [&](const auto& scheme) {
        return url.starts_with(scheme) && url.size() > scheme.size();
    });
    if (!known)
        throw wrong(fmt::format("the proxy-url of the cluster {} is none that can be used", name),
                    "write http://, https:// or socks5://, a name or number, and a port");
}

void require_cluster(const KubeCluster& cluster) {
    const auto name = one_line(cluster.name, 80);
    require_proxy(cluster.proxy_url, name);
    if (cluster.insecure && !(cluster.ca_file.empty() && cluster.ca_data.empty()))
        throw wrong(fmt::format("the cluster {} has an authority and insecure-skip-tls-verify", name),
                    "keep one of them");
    if (cluster.server.find("://") == std::string::npos)
        throw wrong(fmt::format("the server of the cluster {} is no address", name),
                    "write https://, a name or number, and a port");
    try {
        const auto url = parse_url(cluster.server);
        if (url.scheme == "https" || url.scheme == "http") return;
    } catch (const Error& error) {
        throw wrong(fmt::format("the server of the cluster {}: {}", name, error.message()), error.hint());
    }
    throw wrong(fmt::format("the server of the cluster {} is reached neither by https nor by http", name));
}

void require_user(const KubeUser& user) {
    const auto name = one_line(user.name, 80);
    if (!user.auth_provider.empty())
        throw wrong(fmt::format("the user {} has the auth-provider {}, which kubectl itself no longer has", name,
                                one_line(user.auth_provider, 40)),
                    "let the cloud's program write the kubeconfig anew: it then names a credential command (exec)");
    const bool certificate = !user.cert_file.empty() || !user.cert_data.empty();
    const bool key = !user.key_file.empty() || !user.key_data.empty();
    if (certificate != key)
        throw wrong(
            fmt::format("the user {} has a client certificate without its key, or a key without a certificate", name));
    if (!user.command) return;
    const auto& version = user.command->api_version;
    if (version != "client.authentication.k8s.io/v1" && version != "client.authentication.k8s.io/v1beta1")
        throw wrong(
            fmt::format("the credential command of {} speaks {}", name,
                        version.empty() ? "no apiVersion" : one_line(version, 60)),
            "client.authentication.k8s.io/v1 and v1beta1 are understood; a newer version of that program writes these");
    if (user.command->command.empty()) throw wrong(fmt::format("the credential command of {} is empty", name));
    if (user.command->wants_terminal)
        throw wrong(fmt::format("the credential command of {} wants a terminal (interactiveMode: Always)", name),
                    "vbackup runs without one: use a service account's token");
}

Kubeconfig read_config(const std::filesystem::path& file) {
    try {
        return parse_kubeconfig(io::read_file(io::real_files(), file, longest), file);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::configuration) throw;
        throw Error(ErrorKind::configuration, fmt::format("kubeconfig {}: {}", file.string(), error.message()),
                    error.hint(), {{"file", file.string()}});
    }
}

bool is_there(const std::filesystem::path& file) {
    std::error_code ignored;
    return std::filesystem::exists(file, ignored);
}

// The files that count when none is wished for, whether they are there or not.
std::vector<std::filesystem::path> usual_files(const Environment& environment) {
    std::vector<std::filesystem::path> files;
    std::string_view listed = environment.contains("KUBECONFIG") ? environment.at("KUBECONFIG") : std::string_view{};
    const bool named = !listed.empty();
    while (!listed.empty()) {
        const auto part = listed.substr(0, listed.find(':'));
        listed.remove_prefix(std::min(listed.size(), part.size() + 1));
        if (!part.empty() && std::find(files.begin(), files.end(), part) == files.end()) files.emplace_back(part);
    }
    const auto home = variable(environment, "HOME");
    if (!named && !home.empty()) files.push_back(std::filesystem::path(home) / ".kube/config");
    return files;
}

Kubeconfig read_usual(const Environment& environment, std::string& looked_at) {
    Kubeconfig all;
    for (const auto& file : usual_files(environment)) {
        looked_at += (looked_at.empty() ? "" : ", ") + file.string();
        if (is_there(file)) merge(all, read_config(file));
    }
    return all;
}

bool is_empty(const Kubeconfig& config) {
    return config.contexts.empty() && config.clusters.empty() && config.users.empty() && config.current_context.empty();
}

// How the programs in a pod find their API server: two variables, and files that the kubelet keeps fresh.
std::optional<KubeAccess> in_cluster(const Environment& environment, const std::filesystem::path& account) {
    const auto machine = variable(environment, "KUBERNETES_SERVICE_HOST");
    const auto port = variable(environment, "KUBERNETES_SERVICE_PORT");
    if (machine.empty() || port.empty() || !is_there(account / "token")) return std::nullopt;
    KubeAccess access;
    const bool bare_v6 = machine.find(':') != std::string::npos;
    access.cluster = {.name = "of this pod",
                      .server = fmt::format(fmt::runtime(bare_v6 ? "https://[{}]:{}" : "https://{}:{}"), machine, port),
                      .ca_file = (account / "ca.crt").string()};
    access.user.name = "the service account of this pod";
    access.user.token_file = (account / "token").string();
    if (is_there(account / "namespace")) access.space = io::read_file(io::real_files(), account / "namespace", 4096);
    require_cluster(access.cluster);
    return access;
}

}  // namespace

KubeAccess choose(const Kubeconfig& config, const std::string& context) {
    const auto& name = context.empty() ? config.current_context : context;
    if (name.empty())
        throw wrong("there is no current-context", "name one with -o context=NAME; " + suggestion(config.contexts, ""));
    const auto found = config.contexts.find(name);
    if (found == config.contexts.end())
        throw wrong(fmt::format("there is no context '{}'", one_line(name, 120)), suggestion(config.contexts, name));
    KubeAccess access{.context = name, .space = found->second.space};
    const auto cluster = config.clusters.find(found->second.cluster);
    if (cluster == config.clusters.end())
        throw wrong(fmt::format("the context {} names the cluster '{}', which is not there", one_line(name, 80),
                                one_line(found->second.cluster, 80)),
                    suggestion(config.clusters, found->second.cluster));
    access.cluster = cluster->second;
    require_cluster(access.cluster);
    if (found->second.user.empty()) return access;
    const auto user = config.users.find(found->second.user);
    if (user == config.users.end())
        throw wrong(fmt::format("the context {} names the user '{}', who is not there", one_line(name, 80),
                                one_line(found->second.user, 80)),
                    suggestion(config.users, found->second.user));
    access.user = user->second;
    require_user(access.user);
    return access;
}

KubeAccess find_kube_access(const KubeWish& wish, const Environment& environment,
                            const std::filesystem::path& account) {
    if (!wish.file.empty()) return choose(read_config(wish.file), wish.context);
    std::string looked_at;
    const auto config = read_usual(environment, looked_at);
    if (!is_empty(config)) return choose(config, wish.context);
    if (wish.context.empty()) {
        if (auto access = in_cluster(environment, account)) return *std::move(access);
    }
    throw Error(
        ErrorKind::configuration,
        fmt::format("there is no kubeconfig: looked at {}", looked_at.empty() ? "nothing, HOME is not set" : looked_at),
        "name one as `kubeconfig` of the target, with -o kubeconfig=PATH or in KUBECONFIG; in a pod its service "
        "account "
        "serves");
}

}  // namespace vbackup::net
