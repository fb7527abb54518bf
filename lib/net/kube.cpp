// SPDX-License-Identifier: Apache-2.0
#include "net/kube.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"
#include "net/retry.hpp"

namespace vbackup::net {

namespace {

// Used a moment longer, they would run out on their way.
constexpr Seconds early{5};

bool same(const KubeCredentials& a, const KubeCredentials& b) {
    return a.authorization.reveal() == b.authorization.reveal() && a.certificate == b.certificate &&
           a.key.reveal() == b.key.reveal() && a.authority == b.authority;
}

bool has_expired(const KubeCredentials& credentials, Moment now) {
    return credentials.expires && now + early >= *credentials.expires;
}

std::string words_for(std::string_view field, const std::string& file, std::string_view of) {
    return file.empty() ? fmt::format("the {}-data of {} in the kubeconfig", field, of)
                        : fmt::format("{} {}", field, file);
}

// Go's socks5 leaves names to the proxy; libcurl's does so under another word.
std::string proxy_of(const std::string& url) {
    constexpr std::string_view socks = "socks5://";
    return url.starts_with(socks) ? "socks5h://" + url.substr(socks.size()) : url;
}

}  // namespace

struct Kube::Door {
    Door(Connection connection, const Trace& trace, const Random& random, KubeCredentials had)
        : http(std::move(connection), trace, random), credentials(std::move(had)) {}
    Http http;
    KubeCredentials credentials;
};

Kube::Kube(KubeAccess access, Connection base, std::map<std::string, std::string> environment, Trace trace,
           Random random)
    : access_(std::move(access)),
      base_(std::move(base)),
      environment_(std::move(environment)),
      trace_(std::move(trace)),
      random_(std::move(random)) {
    // An address that cannot be is told before anything is asked, and before a program runs.
    Connection probe;
    probe.base = access_.cluster.server;
    const Http checked(std::move(probe));
}

Connection Kube::connection(const KubeCredentials& credentials) const {
    const auto& cluster = access_.cluster;
    const auto& user = access_.user;
    Connection to = base_;
    to.base = cluster.server;
    if (!credentials.authority.empty()) {
        to.ca_file.clear();
        to.ca_pem = credentials.authority;
        to.ca_words = words_for("certificate-authority", cluster.ca_data.empty() ? cluster.ca_file : "",
                                "the cluster " + one_line(cluster.name, 80));
    }
    if (!credentials.certificate.empty()) {
        to.client_cert_file.clear();
        to.client_key_file.clear();
        to.client_cert_pem = credentials.certificate;
        to.client_key_pem = credentials.key;
        to.client_words = user.command ? "that the credential command printed"
                                       : words_for("client-certificate", user.cert_data.empty() ? user.cert_file : "",
                                                   "the user " + one_line(user.name, 80));
    }
    to.tls_name = cluster.tls_server_name;
    to.proxy = proxy_of(cluster.proxy_url);
    // As libcurl looks for it: the small letters count, and what is empty is as if it were not there.
    for (const auto* name : {"NO_PROXY", "no_proxy"}) {
        const auto found = environment_.find(name);
        if (found != environment_.end() && !found->second.empty()) to.no_proxy = found->second;
    }
    to.trust_anyone = cluster.insecure;
    if (!credentials.authorization.empty()) to.secrets.emplace_back("Authorization", credentials.authorization);
    for (const auto& [name, value] : user.impersonation) to.secrets.emplace_back(name, Secret(value));
    return to;
}

std::shared_ptr<const Kube::Door> Kube::door(Call& call) {
    if (access_.cluster.insecure)
        call.tally.warn(
            fmt::format("the certificate of {} is not looked at: the kubeconfig says insecure-skip-tls-verify",
                        access_.cluster.server));
    const std::scoped_lock lock(mutex_);
    auto now = read_kube_credentials(access_);
    if (access_.user.command) {
        if (door_ && !has_expired(door_->credentials, call.clock.wall())) {
            const auto authority = std::move(now.authority);
            now = door_->credentials;
            now.authority = authority;
        } else {
            call.tally.stage("asking for credentials");
            run_credential_command(call, access_, environment_, now);
        }
    }
    if (!door_ || !same(now, door_->credentials))
        door_ = std::make_shared<const Door>(connection(now), trace_, random_, std::move(now));
    return door_;
}

// Is there any use in another try? A token that somebody else had renewed meanwhile counts.
bool Kube::renew(const std::shared_ptr<const Door>& refused) {
    const std::scoped_lock lock(mutex_);
    if (door_ != refused) return true;
    if (!access_.user.command) return !same(read_kube_credentials(access_), refused->credentials);
    door_.reset();
    return true;
}

Response Kube::ask(Call& call, const std::function<Response(const Http&)>& exchange) {
    for (bool renewed = false;; renewed = true) {
        const auto at = door(call);
        auto answer = exchange(at->http);
        if (answer.status != 401 || renewed || !renew(at)) return answer;
    }
}

Response Kube::send(Call& call, const Request& request, bool repeat) {
    const bool by_http = repeat && is_repeatable(request);
    return ask(call, [&](const Http& http) {
        if (by_http || !repeat) return http.send(call, request, repeat);
        return repeat_while_turned_away(call, trace_, [&] { return http.send(call, request, false); });
    });
}

std::unique_ptr<io::Source> Kube::open(Call& call, const Request& request, Response& head) {
    std::unique_ptr<io::Source> source;
    head = ask(call, [&](const Http& http) {
        Response answer;
        source = http.open(call, request, answer);
        return answer;
    });
    return source;
}

}  // namespace vbackup::net
