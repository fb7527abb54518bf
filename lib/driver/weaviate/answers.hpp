// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "model/plan.hpp"
#include "model/topology.hpp"
#include "net/http.hpp"

// What Weaviate says, as values. Nothing is believed: an answer of another shape is Error{not_understood}.
namespace vbackup::driver::weaviate {

// A backup module that is on. `root` is where it keeps backups: "file:///var/backups", "s3://bucket/prefix"; empty when
// the server does not say.
struct Backend {
    std::string name;
    std::string root;
};

struct Server {
    std::string text;  // "1.39.0"
    Version version;
    std::vector<Backend> backends;
};

// The state of a backup or a restore as its status route or the list shows it.
struct Status {
    std::string id;
    std::string word;
    std::string why;
    std::string path;  // "s3://bucket/prefix/id" or a directory
    std::optional<Moment> started;
    std::optional<Moment> completed;
    bool without_end = false;              // the server wrote the zero date, as it does while a job runs
    std::optional<std::uint64_t> size;     // bytes before compression
    std::string base;                      // shown to root users only
    std::vector<std::string> collections;  // in lists only
};

// What a POST was taken as.
struct Taken {
    std::string path;
    std::vector<std::string> collections;
};

struct NodeState {
    model::Node node;
    std::string mode;  // "ReadWrite", …; empty before 1.34.5
};

// backup_config.json in a backup's folder.
struct Descriptor {
    std::string id;
    std::optional<Moment> started;
    std::string base;
    std::vector<std::string> nodes;
    std::vector<std::string> collections;
};

// One alias of a GraphQL count query: its number, or why there is none.
struct Counted {
    std::optional<std::uint64_t> count;
    std::string why;
};

using Aliases = std::vector<std::pair<std::string, std::string>>;  // alias, collection

struct Tenant {
    std::string name;
    std::string status;  // as the server writes it; "HOT" when it leaves it out
};

// A total function: any word it does not know is Phase::unknown.
model::Phase phase_of(std::string_view word);
bool is_active(std::string_view word);

// The server's own words of both error shapes, "" when the body has neither.
std::string words_of(const net::Response& response);
// Throws what a status outside 2xx means. `what` says what was tried.
[[noreturn]] void throw_answer(const net::Response& response, std::string_view what);
void require_ok(const net::Response& response, std::string_view what);

Server parse_server(const net::Response& response);
std::vector<NodeState> parse_nodes(const net::Response& response);
std::vector<model::Collection> parse_schema(const net::Response& response);  // sorted by name, without counts
Aliases parse_aliases(const net::Response& response);                        // sorted
std::vector<Tenant> parse_tenants(const net::Response& response);
std::vector<Counted> parse_counts(const net::Response& response, std::size_t asked);
Status parse_status(const net::Response& response, std::string_view id);
std::vector<Status> parse_list(const net::Response& response);
// Throws Error{job_failed} when the answer is a 200 that holds an error.
Taken parse_taken(const net::Response& response, std::string_view id);
std::optional<Descriptor> parse_descriptor(std::string_view text);
bool is_weaviate_meta(const net::Response& response);
bool is_weaviate_refusal(const net::Response& response);

}  // namespace vbackup::driver::weaviate
