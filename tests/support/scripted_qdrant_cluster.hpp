// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/http_server.hpp"
#include "support/scripted_qdrant.hpp"
#include "support/scripted_qdrant_state.hpp"

namespace vbackup::test {

// A cluster of Qdrants 1.19.0 in this process that is only played: each node has an HTTP server of its own, they share
// what a real cluster agrees on, and each keeps its snapshots to itself. Points are really there: a snapshot carries
// those of its replicas, and an upload brings them back. It answers as transcripts/qdrant/cluster-*.txt and a real
// cluster did, but for dates, times, sizes and digests, and what a test sets in its state. Nobody waits: time passes by
// steps as nodes are looked at (played::look). Thread-safe.
class ScriptedQdrantCluster {
public:
    enum class Addresses {
        ports,  // all on 127.0.0.1, each with a port of its own: REST addresses must be given
        own,    // each with a loopback address of its own and the same port: REST addresses follow from the p2p ones
    };

    // One node is a server without cluster mode.
    explicit ScriptedQdrantCluster(std::size_t nodes, Addresses addresses = Addresses::own);
    ~ScriptedQdrantCluster();

    std::string base(std::size_t node) const;
    std::vector<std::string> bases() const;
    // Where a load balancer listens that gives each request to the next node; it appears with the first call.
    std::string balancer();

    // Runs `change` on the state; returns what it returns.
    template <typename Change>
    auto with(Change change) {
        const std::scoped_lock lock(mutex_);
        return change(state_);
    }
    // A collection with points 0, 1, 2 and so on, spread over its shards by their ids; or `points` under each of its keys,
    // counted on from key to key. `body` (JSON) is what a PUT of a collection takes.
    void fill(const std::string& name, const std::string& body, std::uint64_t points,
              const std::vector<std::string>& keys = {});

    // The node's server is gone, and nobody told the others; and back again, at the same address.
    void stop(std::size_t node);
    void start(std::size_t node);

    // Closes all connections, idle or not.
    void disconnect() {
        for (const auto& server : servers_) server->disconnect();
    }
    // All nodes that are up go through this.
    void tamper(const Tamper& tamper) {
        for (const auto& server : servers_) {
            if (server) server->tamper(tamper);
        }
    }
    // All that a node sends is no faster than so many bytes in a second; until it is stopped.
    void limit(std::size_t node, std::size_t bytes_in_second) { servers_[node]->limit(bytes_in_second); }

    // The next request of that method whose path matches (`*` is any run), to whichever node, gets this answer and does nothing.
    void once(std::string method, std::string path, Answer answer);
    void forget_rules() {
        const std::scoped_lock lock(mutex_);
        rules_.clear();
    }
    // The next such request is done, but its answer is lost.
    void lose_answer(std::string method, std::string path, Fault fault = Fault::reset);

    // The next such request is answered, but the connection breaks after so many bytes of the body.
    void cut_once(std::string method, std::string path, std::size_t bytes);

    // The requests of that method whose target matches, to all nodes.
    std::vector<HttpRequest> requests(const std::string& method, const std::string& pattern) const;
    // How many there were; to one node, or to all.
    std::size_t count(std::size_t node, const std::string& method, const std::string& pattern) const;
    std::size_t count(const std::string& method, const std::string& pattern) const;

private:
    struct Rule {
        std::string method, path;
        Answer answer;
        bool acts;                               // the request is done before
        std::optional<std::size_t> cut_at = {};  // its own answer is given, as far as that
    };
    Answer answer(std::size_t node, const HttpRequest& request);
    std::vector<HttpRequest> seen_by(std::size_t node, const std::string& method, const std::string& pattern) const;
    void serve(std::size_t node, std::unique_ptr<HttpServer> server);

    mutable std::mutex mutex_;
    played::State state_;
    std::vector<Rule> rules_;
    std::size_t turn_ = 0;
    std::vector<std::vector<HttpRequest>> before_;               // what stopped servers had seen, by node
    std::vector<std::pair<std::string, std::uint16_t>> places_;  // address and port of each node
    std::vector<std::unique_ptr<HttpServer>> servers_;           // last: their threads end before what they use
    std::unique_ptr<HttpServer> balancer_;
};

}  // namespace vbackup::test
