// SPDX-License-Identifier: Apache-2.0
#include "net/kubeconfig.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "base/error.hpp"
#include "support/temporary.hpp"

using namespace vbackup;
using namespace vbackup::net;

namespace {

const std::filesystem::path data = TEST_DATA "/fuzz/kubeconfig";

std::string read(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

Kubeconfig config_of(const std::string& name) {
    return parse_kubeconfig(read(data / name), data / name);
}

KubeAccess access_of(const std::string& name, const std::string& context = {}) {
    return choose(config_of(name), context);
}

Error refusal(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::configuration);
        return error;
    }
    FAIL("it was taken");
    throw 0;
}

Error refusal_of(const std::string& text) {
    return refusal([&] { choose(parse_kubeconfig(text, "/k/config"), ""); });
}

bool says(const Error& error, const std::string& words) {
    const bool found = (error.message() + "; " + error.hint()).find(words) != std::string::npos;
    if (!found) MESSAGE(error.message() << " / " << error.hint());
    return found;
}

// A whole file with one cluster, user and context; what is given is put into the user.
std::string with_user(const std::string& user) {
    return "clusters: [{name: c, cluster: {server: 'https://1.2.3.4:6443'}}]\n"
           "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\nusers:\n- name: u\n  user:\n   "
           " " +
           user + "\n";
}

std::string with_cluster(const std::string& cluster) {
    return "clusters: [{name: c, cluster: {" + cluster +
           "}}]\ncontexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n";
}

void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("what kubectl writes: files beside the kubeconfig, a token file, impersonation, name and password") {
    const auto office = access_of("kubectl.yaml");
    CHECK(office.context == "office");
    CHECK(office.space == "vectors");
    CHECK(office.cluster.name == "office");
    CHECK(office.cluster.server == "https://kubernetes.example:6443");
    CHECK(office.cluster.tls_server_name == "kubernetes");
    CHECK(office.cluster.ca_file == (data / "certs/ca.crt").string());
    CHECK(office.user.cert_file == (data / "certs/alice.crt").string());
    CHECK(office.user.key_file == "/etc/kubernetes/alice.key");
    CHECK(!office.cluster.insecure);

    const auto lab = access_of("kubectl.yaml", "lab");
    CHECK(lab.cluster.insecure);
    CHECK(lab.user.token_file == (data / "tokens/robot").string());
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    CHECK(lab.user.impersonation == Pairs{{"Impersonate-User", "system:serviceaccount:vectors:vbackup"},
                                          {"Impersonate-Group", "system:serviceaccounts"},
                                          {"Impersonate-Extra-reason", "backup"}});

    const auto basic = access_of("kubectl.yaml", "basic");
    CHECK(basic.user.username == "basic");
    CHECK(basic.user.password.reveal() == "hunter2-composed");
}

TEST_CASE("what kind, k3s, minikube, Rancher, OpenShift and a JSON writer leave") {
    for (const std::string name : {"kind.yaml", "k3s.yaml"}) {
        CAPTURE(name);
        const auto access = access_of(name);
        CHECK(access.cluster.ca_data.starts_with("-----BEGIN CERTIFICATE-----\n"));
        CHECK(access.user.cert_data.ends_with("-----END CERTIFICATE-----\n"));
        CHECK(access.user.key_data.reveal().find("PRIVATE KEY-----\ncomposed") != std::string_view::npos);
    }
    CHECK(access_of("minikube.yaml").cluster.ca_file == "/home/alice/.minikube/ca.crt");
    // Its base64 is folded over lines.
    const auto rancher = access_of("rancher.yaml");
    CHECK(rancher.cluster.server == "https://rancher.example/k8s/clusters/c-m-abcdefgh");
    CHECK(rancher.cluster.ca_data.find("composed for tests") != std::string::npos);
    CHECK(rancher.user.token.reveal() == "kubeconfig-user-abcde:composedcomposedcomposed");
    CHECK(access_of("openshift.yaml").cluster.proxy_url == "http://proxy.example:3128");
    const auto json = access_of("json.yaml");
    CHECK(json.space == "ns");
    CHECK(json.user.token.reveal() == "composed");
}

TEST_CASE("what the clouds' programs write: credential commands of both versions") {
    const auto eks = access_of("eks.yaml").user.command.value();
    CHECK(eks.api_version == "client.authentication.k8s.io/v1beta1");
    CHECK(eks.command == "aws");
    CHECK(eks.arguments.size() == 8);
    CHECK(eks.arguments.at(3) == "get-token");
    CHECK(eks.environment.at(0) == std::pair<std::string, std::string>("AWS_PROFILE", "prod"));
    const auto gke = access_of("gke.yaml").user.command.value();
    CHECK(gke.wants_cluster);
    CHECK(gke.arguments.empty());
    CHECK(gke.install_hint.find("gke-gcloud-auth-plugin") != std::string::npos);
    CHECK(access_of("aks.yaml").user.command->api_version == "client.authentication.k8s.io/v1");
    CHECK(says(refusal([] { access_of("legacy_gcp.yaml"); }), "auth-provider gcp"));
}

TEST_CASE("a command with a slash is meant from the kubeconfig's folder") {
    const auto text = with_user("exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login}");
    CHECK(choose(parse_kubeconfig(text, "/k/config"), "").user.command->command == "/k/./login");
}

TEST_CASE("a key of as-user-extra becomes the name of a header, whatever stands in it") {
    const auto text = with_user("as: me\n    as-user-extra: {example.com/team x%: [blue], a.b_c-d: [e]}");
    const auto& headers = choose(parse_kubeconfig(text, "/k/config"), "").user.impersonation;
    REQUIRE(headers.size() == 3);
    CHECK(headers[1].first == "Impersonate-Extra-example.com%2Fteam%20x%25");
    CHECK(headers[1].second == "blue");
    CHECK(headers[2].first == "Impersonate-Extra-a.b_c-d");
}

TEST_CASE("of several files the earlier one counts, entry by entry") {
    auto all = parse_kubeconfig(with_user("token: first"), "/a");
    merge(all, parse_kubeconfig(with_user("{token: second, username: other}") + "extensions: []\n", "/b"));
    auto more = parse_kubeconfig(
        "contexts: [{name: y, context: {cluster: c, user: u}}]\ncurrent-context: y\nusers: [{name: w, user: {token: "
        "t}}]",
        "/c");
    merge(all, std::move(more));
    CHECK(all.current_context == "x");
    CHECK(all.contexts.size() == 2);
    CHECK(all.users.size() == 2);
    const auto access = choose(all, "y");
    CHECK(access.user.token.reveal() == "first");
    CHECK(access.user.username.empty());
}

TEST_CASE("what is wrong is named, and nothing of what stands there is repeated") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"clusters: [", "no YAML at line 1"},
        {"a: b: c", "no YAML at line"},
        {"- a\n- b", "no map"},
        {"kind: Pod", "another kind"},
        {"current-context: s3cret", "there is no context 's3cret'"},
        {"", "no current-context"},
        {"clusters: {}", "clusters is no list"},
        {"clusters: [{cluster: {}}]", "clusters[0] has no name"},
        {"clusters: [{name: a}, {name: a}]", "clusters[1] has the name of another"},
        {with_user("{token: [s3cret]}"), "users[0].user.token is no text"},
        {with_user("client-key-data: s3cret!"), "client-key-data is no base64"},
        {with_user("client-key-data: czNjcmV0"), "without"},
        {with_user("exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: a}"), "v1alpha1"},
        {with_user("exec: {apiVersion: client.authentication.k8s.io/v1}"), "is empty"},
        {with_user("exec: {apiVersion: client.authentication.k8s.io/v1, command: a, interactiveMode: Always}"),
         "terminal"},
        {with_user("exec: {env: [{value: s3cret}]}"), "env[0] has no name"},
        {with_user("as-user-extra: {s3cret: s3cret}"), "as-user-extra"},
        {with_cluster("server: 1.2.3.4"), "no address"},
        {with_cluster("server: 'ftp://1.2.3.4'"), "neither by https nor by http"},
        {with_cluster("server: 'https://me:s3cret@1.2.3.4'"), "cluster c"},
        {with_cluster("server: 'https://a', proxy-url: 'ftp://me:s3cret@proxy:3128'"),
         "the proxy-url of the cluster c"},
        {with_cluster("server: 'https://a', proxy-url: 'me:s3cret@proxy:3128'"), "the proxy-url of the cluster c"},
        {with_cluster("server: 'https://a', proxy-url: 'socks5://'"), "the proxy-url of the cluster c"},
        {with_cluster("server: 'https://a', insecure-skip-tls-verify: maybe"), "neither true nor false"},
        {with_cluster("server: 'https://a', insecure-skip-tls-verify: true, certificate-authority: x"), "authority"},
        {"contexts: [{name: x, context: {cluster: gone}}]\ncurrent-context: x", "'gone'"},
        {"clusters: [{name: c, cluster: {server: 'https://a'}}]\ncontexts: [{name: x, context: {cluster: c, user: "
         "gone}}]\n"
         "current-context: x",
         "'gone'"},
    };
    for (const auto& [text, words] : cases) {
        CAPTURE(text);
        const auto error = refusal_of(text);
        CHECK(says(error, words));
        if (words.find("s3cret") == std::string::npos) CHECK(error.message().find("s3cret") == std::string::npos);
    }
}

TEST_CASE("a context that is not there brings up what could have been meant") {
    CHECK(says(refusal([] { access_of("kubectl.yaml", "ofice"); }), "did you mean 'office'"));
}

TEST_CASE("files are found as kubectl finds them, and a pod's service account last") {
    const test::TemporaryFolder folder;
    const auto home = folder / "home";
    const auto account = folder / "account";
    std::filesystem::create_directories(home / ".kube");
    std::filesystem::create_directories(account);
    const auto token = [&](const std::map<std::string, std::string>& environment, const KubeWish& wish = {}) {
        return std::string(find_kube_access(wish, environment, account).user.token.reveal());
    };
    const std::string missing = (folder / "missing").string();
    const std::map<std::string, std::string> in_pod{
        {"HOME", home.string()}, {"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "443"}};

    CHECK(says(refusal([&] { token({{"HOME", home.string()}}); }), ".kube/config"));
    CHECK(says(refusal([&] { token(in_pod); }), "no kubeconfig"));
    write(account / "token", "rotates\n");
    write(account / "ca.crt", "pem");
    write(account / "namespace", "vectors");
    const auto pod = find_kube_access({}, in_pod, account);
    CHECK(pod.cluster.server == "https://[fd00::1]:443");
    CHECK(pod.cluster.ca_file == (account / "ca.crt").string());
    CHECK(pod.user.token_file == (account / "token").string());
    CHECK(pod.space == "vectors");
    CHECK(pod.context.empty());
    // A context that was asked for by name is not a pod's.
    CHECK(says(refusal([&] { token(in_pod, {.context = "x"}); }), "no kubeconfig"));

    write(home / ".kube/config", with_user("token: home"));
    CHECK(token(in_pod) == "home");
    write(folder / "one", with_user("token: one"));
    auto environment = in_pod;
    environment["KUBECONFIG"] = missing + "::" + (folder / "one").string() + ":" + (home / ".kube/config").string();
    CHECK(token(environment) == "one");
    CHECK(token(environment, {.file = (home / ".kube/config").string()}) == "home");
    CHECK(says(refusal([&] { token(environment, {.file = missing}); }), missing));
}
