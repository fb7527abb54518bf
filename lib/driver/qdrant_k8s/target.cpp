// SPDX-License-Identifier: Apache-2.0
#include "driver/qdrant_k8s/target.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/url.hpp"

namespace vbackup::driver::qdrant_k8s {

namespace {

// RFC 1123, as Kubernetes takes the names of these objects.
bool is_name(std::string_view text) {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    return !text.empty() && text.size() <= 253 && text.front() != '-' && text.back() != '-' &&
           std::all_of(text.begin(), text.end(), good);
}

Owner require_owner(const Meta& meta, Kind kind, const std::string& cluster_id) {
    const auto label = [&](const char* name) {
        const auto found = meta.labels.find(name);
        if (found != meta.labels.end() && !found->second.empty()) return found->second;
        throw Error(ErrorKind::refused,
                    fmt::format("{} {}/{} has no label {}, which all objects of the cluster must have",
                                words_of(kind).kind, meta.space, meta.name, name),
                    "Qdrant's operator sets cluster-id and customer-id; look at the object");
    };
    Owner owner{label("cluster-id"), label("customer-id")};
    if (owner.cluster_id != cluster_id)
        throw Error(ErrorKind::refused,
                    fmt::format("{} {}/{} has the cluster id {} and the label cluster-id={}", words_of(kind).kind,
                                meta.space, meta.name, one_line(cluster_id, 80), one_line(owner.cluster_id, 80)),
                    "the operator takes only objects whose label is that of the cluster; look at the object");
    return owner;
}

}  // namespace

Address parse_address(const std::string& url) {
    const auto parsed = parse_url(url);
    Address address{parsed.host, parsed.path.empty() ? "" : parsed.path.substr(1)};
    if (parsed.port != 0 || !is_name(address.space) || (!address.cluster.empty() && !is_name(address.cluster)))
        throw Error(ErrorKind::usage, fmt::format("{} names no namespace and cluster", parsed.text()),
                    "write qdrant-k8s://NAMESPACE/CLUSTER, with the cluster's id or the name of its QdrantCluster");
    return address;
}

net::KubeWish wish_of(const Settings& settings) {
    const auto& file = value(settings.options, "kubeconfig");
    const auto& context = value(settings.options, "context");
    return {.file = file.empty() ? settings.kubeconfig : file, .context = context.empty() ? settings.context : context};
}

const std::string& value(const model::Options& options, const std::string& name) {
    static const std::string none;
    const auto found = options.find(name);
    return found == options.end() ? none : found->second;
}

std::optional<Cluster> Target::find_cluster(Call& call, const std::string& space, const std::string& name) const {
    for (const auto& one : {name, "qdrant-" + name}) {
        if (const auto text = routes_.read(call, Kind::cluster, space, one)) return parse_cluster(*text);
    }
    try {
        for (const auto& text : routes_.list(call, Kind::cluster, space, "")) {
            if (auto cluster = parse_cluster(text); cluster.id == name) return cluster;
        }
    } catch (const Error& error) {
        // A small role may read clusters by name and not list them: then there is none under the usual names.
        if (error.kind() != ErrorKind::denied) throw;
    }
    return std::nullopt;
}

Cluster Target::cluster(Call& call) const {
    if (!names_cluster())
        throw Error(ErrorKind::usage, fmt::format("qdrant-k8s://{} names no cluster", space()),
                    fmt::format("write qdrant-k8s://{}/CLUSTER", space()));
    if (auto found = find_cluster(call, space(), address_.cluster)) return *std::move(found);
    throw Error(
        ErrorKind::not_found,
        fmt::format("there is no QdrantCluster {} in the namespace {}", address_.cluster, space()),
        fmt::format(
            "`vbackup list qdrant-k8s://{0}` shows backups also of clusters that are gone; one of them becomes a new "
            "cluster by `vbackup restore qdrant-k8s://{0} BACKUP -o new-cluster=NAME`",
            space()));
}

std::string Target::cluster_id(Call& call) const {
    if (!names_cluster()) return {};
    const auto found = find_cluster(call, space(), address_.cluster);
    // Of a cluster that is gone the backups are still there; their label is its id, which the usual name tells.
    if (found) return found->id;
    constexpr std::string_view prefix = "qdrant-";
    return address_.cluster.starts_with(prefix) ? address_.cluster.substr(prefix.size()) : address_.cluster;
}

std::vector<Snapshot> Target::snapshots(Call& call, const std::string& space, const std::string& cluster_id) const {
    std::vector<Snapshot> all;
    for (const auto& text : routes_.list(call, Kind::snapshot, space, cluster_id)) all.push_back(parse_snapshot(text));
    std::stable_sort(all.begin(), all.end(),
                     [](const Snapshot& a, const Snapshot& b) { return a.meta.created > b.meta.created; });
    return all;
}

std::optional<Snapshot> Target::find_snapshot(Call& call, const std::string& space, const std::string& name) const {
    if (is_name(name)) {
        if (const auto text = routes_.read(call, Kind::snapshot, space, name)) return parse_snapshot(*text);
    }
    for (auto& snapshot : snapshots(call, space, space == address_.space ? cluster_id(call) : "")) {
        if (snapshot.meta.our_id == name) return std::move(snapshot);
    }
    return std::nullopt;
}

Owner owner_of(const Cluster& cluster) {
    return require_owner(cluster.meta, Kind::cluster, cluster.id);
}

Owner owner_of(const Snapshot& snapshot) {
    return require_owner(snapshot.meta, Kind::snapshot, snapshot.cluster_id);
}

}  // namespace vbackup::driver::qdrant_k8s
