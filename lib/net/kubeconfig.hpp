// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.hpp"

// The files in which kubectl keeps how clusters are reached, as its documentation ("Organizing Cluster Access Using kubeconfig
// Files", "kubeconfig v1") describes them. Nothing here asks a server or runs a program.
namespace vbackup::net {

// Blobs are PEM, decoded from the base64 of the fields that end in -data. Names of files are absolute, or relative to the
// current directory in the way the kubeconfig itself was. Empty: not said.
struct KubeCluster {
    std::string name;
    std::string server;  // "https://10.0.0.1:6443", perhaps with a path
    std::string tls_server_name;
    std::string proxy_url;
    std::string ca_file, ca_data;
    bool insecure = false;  // insecure-skip-tls-verify
};

// A program that prints credentials, as client.authentication.k8s.io/v1 and v1beta1 define it.
struct CredentialCommand {
    std::string api_version;
    std::string command;  // with a '/' a path, otherwise to be looked for on PATH
    std::vector<std::string> arguments;
    std::vector<std::pair<std::string, std::string>> environment;  // set besides the process's own
    std::string install_hint;
    bool wants_cluster = false;   // provideClusterInfo
    bool wants_terminal = false;  // interactiveMode: Always
};

struct KubeUser {
    std::string name;
    std::string cert_file, cert_data;
    std::string key_file;
    Secret key_data;
    Secret token;
    std::string token_file;
    std::string username;
    Secret password;
    std::optional<CredentialCommand> command;
    // Headers of impersonation: act-as and its kin.
    std::vector<std::pair<std::string, std::string>> impersonation;
    std::string auth_provider;  // the name of one that kubectl itself no longer has
};

struct KubeContext {
    std::string cluster, user, space;  // the names; `space` is the namespace
};

struct Kubeconfig {
    std::string current_context;
    std::map<std::string, KubeCluster> clusters;
    std::map<std::string, KubeUser> users;
    std::map<std::string, KubeContext> contexts;
};

// One file's text; relative paths in it are taken from the folder of `file`. Unknown fields are skipped, as kubectl does.
// Error{configuration} names the file and, without repeating any value, the field or line: for what is no YAML, a field of a wrong
// type, base64 that is none, a name that comes twice. Any text ends in a value or in that error.
Kubeconfig parse_kubeconfig(std::string_view text, const std::filesystem::path& file);

// Adds what `into` does not have: of two entries of the same name the earlier one counts, as a whole.
void merge(Kubeconfig& into, Kubeconfig later);

// Which one to use.
struct KubeWish {
    std::string file;     // instead of KUBECONFIG and ~/.kube/config
    std::string context;  // instead of current-context
};

// What it takes to reach one cluster as one user.
struct KubeAccess {
    std::string context;  // empty: the service account of the pod that this runs in
    std::string space;    // the context's namespace
    KubeCluster cluster;
    KubeUser user;
};

// The cluster and user of that context, or of current-context. Error{configuration}: no such context (with what could have been
// meant), a context whose cluster or user is not there, a server that is no address, contradictions, an auth-provider.
KubeAccess choose(const Kubeconfig& config, const std::string& context);

// In this order: the file that is wished for, the files of KUBECONFIG that exist, $HOME/.kube/config; with none of these, or
// nothing in them, the service account of the pod. `account` is where a pod has it; replaced by tests.
KubeAccess find_kube_access(const KubeWish& wish, const std::map<std::string, std::string>& environment,
                            const std::filesystem::path& account = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace vbackup::net
