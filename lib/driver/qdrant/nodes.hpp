// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "driver/qdrant/client.hpp"

namespace vbackup::driver::qdrant {

// One node as it was found.
struct Member {
    std::string peer;     // empty for a Qdrant without consensus
    std::string address;  // URL of its REST port; empty when none is known that leads to it
    std::string version;
    std::string trouble;  // why it cannot be spoken to; empty when it can
};

struct Members {
    bool known = true;     // false: the key may not ask who is there; taken for one node
    bool enabled = false;  // consensus is on
    std::vector<Member> all;
    std::vector<std::string> warnings;  // of addresses that lead nowhere or to changing nodes
    const Member* find(const std::string& peer) const;
};

// The nodes of one Qdrant, each spoken to under an address of its own, as snapshots belong to the node that made them.
//
// A cluster tells the addresses where its peers talk to each other, not those of their REST ports. An address is looked for
// among those that a person gave, then at the peer's name with the scheme and port of the address that was named; it is used
// for a peer only after it answered with that peer's id. An address that answers with changing ids, such as a load balancer,
// is never used for a node. Thread-safe.
class Nodes {
public:
    // `connection.base` is the address that was named, `further` those given besides.
    Nodes(net::Connection connection, net::Trace trace, std::vector<std::string> further);

    // For what every node answers alike, and for changes that go through consensus: always the same node once they were
    // looked for, else the address that was named.
    const Client& any() const;

    // The node of that peer id; any() when it is empty. Looks for the nodes if it does not know it yet. Throws
    // Error{not_found} when the cluster has no such peer, Error{unreachable} when no address leads to it.
    const Client& at(Call& call, const std::string& peer);

    // Looks at who is there, now. Throws only when the address that was named does not answer.
    Members look(Call& call);

    const std::string& address() const { return entry_.address(); }

private:
    struct Found;
    std::vector<Found> ask_all(Call& call, const Cluster& cluster);
    const Client* known(const std::string& peer) const;
    void remember(Members& members, std::vector<Found> found);

    net::Connection connection_;
    net::Trace trace_;
    std::vector<std::string> further_;
    Client entry_;
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<Client>> by_peer_;  // never shrinks: clients are handed out
    const Client* steady_ = nullptr;
};

// What a person does about a node that is not reached.
inline constexpr std::string_view reach_it =
    "start it, or name its REST address: --node URL, or nodes = [\"URL\"] in the configuration";

// The REST address of a peer as its uri suggests it: its host with scheme, port and path of `named`. Empty for a uri that
// is none.
std::string suggested_address(const std::string& uri, const std::string& named);

}  // namespace vbackup::driver::qdrant
