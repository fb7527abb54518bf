// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "driver/qdrant_k8s/bodies.hpp"
#include "driver/qdrant_k8s/routes.hpp"
#include "driver/registry.hpp"

// Which cluster is meant, and how its objects are found.
namespace vbackup::driver::qdrant_k8s {

// "qdrant-k8s://NAMESPACE/CLUSTER"; without a cluster the namespace is meant.
struct Address {
    std::string space, cluster;
};
// Error{usage} for anything else.
Address parse_address(const std::string& url);

// The kubeconfig and context: of the command line, else of the target's configuration.
net::KubeWish wish_of(const Settings& settings);

// What all the driver's parts work with. Thread-safe.
class Target {
public:
    Target(const Routes& routes, Address address) : routes_(routes), address_(std::move(address)) {}

    const Routes& routes() const { return routes_; }
    const std::string& space() const { return address_.space; }
    bool names_cluster() const { return !address_.cluster.empty(); }

    // By the object's name, by the cluster id in the usual name, by the cluster id in any. Error{not_found} when there is none,
    // Error{usage} when the address names no cluster.
    Cluster cluster(Call& call) const;
    // Empty: the whole namespace is meant.
    std::string cluster_id(Call& call) const;
    std::optional<Cluster> find_cluster(Call& call, const std::string& space, const std::string& name) const;

    std::vector<Snapshot> snapshots(Call& call, const std::string& space, const std::string& cluster_id) const;
    // The snapshot of that name, or the newest that was made for our backup of that id. Empty: none.
    std::optional<Snapshot> find_snapshot(Call& call, const std::string& space, const std::string& name) const;

private:
    const Routes& routes_;
    Address address_;
};

// The labels that a new object needs. Error{refused} when the object does not have them, or they contradict the cluster.
Owner owner_of(const Cluster& cluster);
Owner owner_of(const Snapshot& snapshot);

// The option's value, "" when it was not given.
const std::string& value(const model::Options& options, const std::string& name);

}  // namespace vbackup::driver::qdrant_k8s
