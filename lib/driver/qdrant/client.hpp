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

struct Cluster {
    bool known = true;     // false: the key may not ask (a token for single collections)
    bool enabled = false;  // consensus is on; one peer alone is possible
    std::size_t peers = 1;
};

struct Info {
    std::string status;              // green, yellow, grey, red
    model::JsonText config;          // `result.config`, as the server gives it
    model::JsonText payload_schema;  // without the numbers of points
    std::uint32_t replicas = 1;
    bool custom_sharding = false;
};

struct Shard {
    std::uint32_t id = 0;
    model::JsonText key;       // JSON of the shard key, empty without one
    std::string state;         // Active, Partial, …: any word may come
    std::uint64_t points = 0;  // the server's estimate, not exact
};

struct Shards {
    std::string peer;           // the id of the node that answered
    std::vector<Shard> local;   // sorted by id
    std::size_t remote = 0;     // replicas on other nodes
    std::size_t transfers = 0;  // transfers and reshardings under way
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
    Cluster cluster(Call& call) const;
    std::vector<std::string> collections(Call& call) const;  // sorted
    std::vector<Alias> aliases(Call& call) const;
    std::optional<Info> collection(Call& call, const std::string& name,
                                   Repeat repeat = Repeat::yes) const;  // empty: none
    Shards shards(Call& call, const std::string& name, Repeat repeat = Repeat::yes) const;
    // Exact; empty when the collection's strict mode refuses exact counts.
    std::optional<std::uint64_t> count(Call& call, const std::string& name) const;
    std::vector<Snapshot> snapshots(Call& call, const Place& place, Repeat repeat = Repeat::yes) const;
    Working working(Call& call) const;  // one look; never throws for what it may not see

    // Throws Error{denied} when the key may not make snapshots of that collection. With wait=false the server takes the POST of
    // a read-only key and refuses in its log only, so this asks for the stream of a shard that cannot exist: a GET with the
    // same rights, answered 403 or 404.
    void require_may_snapshot(Call& call, const std::string& collection) const;

    const net::Http& http() const { return *http_; }

private:
    std::unique_ptr<net::Http> http_;
};

// Throws what the server's answer means unless it is a 2xx without an error inside. `what` says what was tried.
void require_good(const net::Response& response, std::string_view what);
// The same for a change that must answer `"result": true`; an answer that came too late, or never, is unreachable, so that
// whoever sent it looks whether it was done. A null result is good too: uploads into a shard answer so.
void require_done(const net::Response& response, std::string_view what);
// 202 without a result: taken, not done.
bool is_accepted(const net::Response& response);
// The snapshot that a POST which waited answers with.
std::optional<Snapshot> made_snapshot(const net::Response& response);
// The server's own words of an error, in JSON or as text; "" when it gave none.
std::string words(const net::Response& response);

}  // namespace vbackup::driver::qdrant
