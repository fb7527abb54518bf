// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/qdrant_k8s/objects.hpp"
#include "net/kube.hpp"

// What is asked of the API server (contracts.md, C.1). Thread-safe as far as net::Kube is.
namespace vbackup::driver::qdrant_k8s {

// Throws what a status outside 2xx means; `verb` is RBAC's word for what was asked. Names the verb and the resource that a role
// lacks.
[[noreturn]] void throw_answer(const net::Response& response, std::string_view what, std::string_view verb, Kind kind,
                               const std::string& space);

class Routes {
public:
    explicit Routes(net::Kube& kube) : kube_(kube) {}

    // Empty: there is none of that name. `poll`: the caller repeats, so the wire does not.
    std::optional<model::JsonText> read(Call& call, Kind kind, const std::string& space, const std::string& name,
                                        bool poll = false) const;
    // All of a namespace, or those with that cluster id; in pages. A list that runs out while it is read is begun anew, in one
    // piece.
    std::vector<model::JsonText> list(Call& call, Kind kind, const std::string& space,
                                      const std::string& cluster_id) const;
    // The object as the server keeps it. Unknown fields are refused by the server rather than dropped.
    model::JsonText create(Call& call, Kind kind, const std::string& space, const model::JsonText& body) const;
    model::JsonText patch(Call& call, Kind kind, const std::string& space, const std::string& name,
                          const model::JsonText& body) const;
    // Only the very object of that uid, and only in that version, unless these are empty: Error{conflict} for another one. One
    // that is not there is no error.
    void remove(Call& call, Kind kind, const std::string& space, const std::string& name, const std::string& uid,
                const std::string& version = {}) const;

    // Follows one object from `version` on and hands over each event until `take` says false, `patience` is over, the server
    // ends the watch or the line breaks: none of these is an error, since whoever watches reads again. Throws what ends a wait:
    // interrupted, and Error{denied} when the role may not watch. True when the server took the watch.
    bool watch(Call& call, Kind kind, const std::string& space, const std::string& name, const std::string& version,
               Milliseconds patience, const std::function<bool(const Event&)>& take) const;

private:
    net::Response get(Call& call, const std::string& path, bool repeat) const;
    net::Kube& kube_;
};

}  // namespace vbackup::driver::qdrant_k8s
