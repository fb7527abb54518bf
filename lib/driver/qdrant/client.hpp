// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "driver/qdrant/note.hpp"
#include "net/http.hpp"

namespace vbackup::driver::qdrant {

// What Qdrant answers, as values. Facts from the source of 1.19.0 (74f3e85) and shared/contracts.md section Q.

struct Root {
    std::string title;
    std::string version;
    std::optional<Moment> now;  // the server's own clock, in whole seconds, where it tells
};

struct Peer {
    std::string id;
    std::string uri;  // of the port where peers talk to each other: not the REST address
};

struct Cluster {
    bool known = true;        // false: the key may not ask (a token for single collections)
    bool enabled = false;     // consensus is on; one peer alone is possible
    std::string self;         // the peer that answered; empty without consensus
    std::vector<Peer> peers;  // sorted by id; empty without consensus
    bool has_leader = true;   // false: that peer knows none, so nothing can be agreed on
};

struct Info {
    std::string status;              // green, yellow, grey, red
    model::JsonText config;          // `result.config`, as the server gives it
    model::JsonText payload_schema;  // without the numbers of points
    std::uint32_t replicas = 1;
    bool custom_sharding = false;
};

struct Replica {
    std::string peer;
    std::string state;         // Active, Partial, …: any word may come
    std::uint64_t points = 0;  // the peer's own estimate, not exact; 0 from any other peer
};

struct Shard {
    std::uint32_t id = 0;
    model::JsonText key;            // JSON of the shard key, empty without one
    std::vector<Replica> replicas;  // sorted by peer
};

// How one node sees the shards of a collection. A peer that is down may read Active until a write to it fails.
struct Shards {
    std::string peer;                // the node that answered; a Qdrant without consensus has an id too
    std::vector<Shard> all;          // sorted by id, local and remote
    std::vector<std::string> moves;  // transfers and reshardings under way, for people: "shard 1 from 12 to 34"
    const Shard* find(std::uint32_t id) const;
    std::vector<Shard> local() const;  // those that the node which answered has a replica of
};

struct Alias {
    std::string name;
    std::string collection;
};

struct Snapshot {
    std::string name;
    std::optional<Moment> created;
    std::optional<std::uint64_t> size;
    std::string checksum;  // lower-case SHA-256; empty with S3, for uploads and before 1.8
};

// What the server is at work on, per collection. `known` is false where neither /telemetry nor /metrics tells: before 1.16, or
// with a key that may not ask.
struct Working {
    bool known = false;
    std::map<std::string, std::uint64_t> creations, recoveries;
    std::uint64_t made = 0;  // snapshots begun since the server started
    // An entry appears once the server began its first work on a collection, and stays.
    bool knows(const std::string& collection) const;
    std::uint64_t creating(const std::string& collection) const;
    std::uint64_t recovering(const std::string& collection) const;
    std::uint64_t creating() const;
};

// Speaks to one Qdrant. Thread-safe. Polls are not repeated by net: pass Repeat::no.
enum class Repeat : bool { no, yes };

class Client {
public:
    Client(net::Connection connection, net::Trace trace);

    Root root(Call& call) const;
    Cluster cluster(Call& call, Repeat repeat = Repeat::yes) const;
    std::vector<std::string> collections(Call& call) const;  // sorted
    std::vector<Alias> aliases(Call& call) const;
    std::optional<Info> collection(Call& call, const std::string& name,
                                   Repeat repeat = Repeat::yes) const;  // empty: none
    Shards shards(Call& call, const std::string& name, Repeat repeat = Repeat::yes) const;
    std::vector<Snapshot> snapshots(Call& call, const Place& place, Repeat repeat = Repeat::yes) const;
    Working working(Call& call) const;  // one look; never throws for what it may not see

    // Throws Error{denied} when the key may not make snapshots of that collection. With wait=false the server takes the POST of
    // a read-only key and refuses in its log only, so this asks for the stream of a shard that cannot exist: a GET with the
    // same rights, answered 403 or 404.
    void require_may_snapshot(Call& call, const std::string& collection) const;

    const net::Http& http() const { return *http_; }
    const std::string& address() const { return http_->base(); }

private:
    std::unique_ptr<net::Http> http_;
};

// "/collections/NAME" and what follows, the name percent-encoded.
std::string below(const std::string& collection, std::string_view rest = {});
// Throws what the server's answer means unless it is a 2xx without an error inside. `what` says what was tried.
void require_good(const net::Response& response, std::string_view what);
// The same for a change that must answer `"result": true`. A change that consensus may still bring about is unreachable, so that
// whoever sent it looks whether it was done; one that was not even proposed is busy, and may be sent again. A null result is
// good too: uploads into a shard answer so.
void require_done(const net::Response& response, std::string_view what);
// 202 without a result: taken, not done.
bool is_accepted(const net::Response& response);
// The snapshot that a POST which waited answers with.
std::optional<Snapshot> made_snapshot(const net::Response& response);
// Does Qdrant itself say that there is no such thing? A proxy's 404, or that of a route it does not know, says nothing of it.
bool says_missing(const net::Response& response);
// The server's own words of an error, in JSON or as text; "" when it gave none.
std::string words(const net::Response& response);

}  // namespace vbackup::driver::qdrant
