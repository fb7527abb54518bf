// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/call.hpp"
#include "base/clock.hpp"
#include "base/secret.hpp"
#include "net/kubeconfig.hpp"

namespace vbackup::net {

// What goes out with each request.
struct KubeCredentials {
    Secret authorization;     // the header's value: "Bearer …" or "Basic …"; empty for none
    std::string certificate;  // PEM
    Secret key;
    std::string authority;  // PEM; empty: the system's
    std::optional<Moment> expires;
};

// The cluster's authority and the user's certificate, token or password, as far as they are files or text in the kubeconfig.
// Error{configuration} for a file that cannot be read.
KubeCredentials read_kube_credentials(const KubeAccess& access);

// Runs the user's credential command, with KUBERNETES_EXEC_INFO in its environment, and takes over what it prints. Ends with the
// call, and after 60 s. Error{configuration}: the program is not there (with its install hint), or its answer is none;
// Error{denied}: it ended badly. Nothing that it prints is repeated.
void run_credential_command(const Call& call, const KubeAccess& access,
                            const std::map<std::string, std::string>& environment, KubeCredentials& into);

// An ExecCredential, as such programs print it. Error{configuration} for anything else.
void parse_exec_credential(std::string_view text, std::string_view api_version, KubeCredentials& into);

// The value of KUBERNETES_EXEC_INFO.
std::string exec_info(const KubeAccess& access, std::string_view authority);

}  // namespace vbackup::net
