// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "net/http.hpp"
#include "net/kube_credentials.hpp"
#include "net/kubeconfig.hpp"

namespace vbackup::net {

// The API server of one Kubernetes cluster, asked as one user. Knows the wire and the credentials, and nothing of what is asked.
// Credentials are had when the first request goes out: files are read again for each request, since tokens and certificates
// rotate; a credential command runs again before what it gave expires. After a 401 they are had anew and the request is sent
// once more, whatever it was: a 401 means that nothing was done. Thread-safe.
class Kube {
public:
    // Throws Error{usage} for a server that cannot be addressed. `base` is what the target's configuration says of connections:
    // its time-out, and its ca_file where the kubeconfig names no authority. `random` is replaced by tests.
    Kube(KubeAccess access, Connection base, std::map<std::string, std::string> environment, Trace trace = {},
         Random random = {});

    // As Http's. With `repeat` a 429 with Retry-After is waited for, whatever the request was: an API server gives it before
    // anything is begun. Throws Error{configuration} or Error{denied} when the credentials cannot be had.
    Response send(Call& call, const Request& request, bool repeat = true);
    std::unique_ptr<io::Source> open(Call& call, const Request& request, Response& head);

    const std::string& server() const { return access_.cluster.server; }
    const KubeAccess& access() const { return access_; }

private:
    struct Door;
    std::shared_ptr<const Door> door(Call& call);
    bool renew(const std::shared_ptr<const Door>& refused);
    Connection connection(const KubeCredentials& credentials) const;
    Response ask(Call& call, const std::function<Response(const Http&)>& exchange);

    const KubeAccess access_;
    const Connection base_;
    const std::map<std::string, std::string> environment_;
    const Trace trace_;
    const Random random_;
    std::mutex mutex_;
    std::shared_ptr<const Door> door_;
};

}  // namespace vbackup::net
