// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/weaviate/answers.hpp"
#include "model/json.hpp"
#include "model/plan.hpp"
#include "model/request.hpp"
#include "net/http.hpp"

// What is asked of Weaviate: paths, bodies, and the routes themselves.
namespace vbackup::driver::weaviate {

// Where a backup lies, as every later request about it has to repeat it.
struct Place {
    std::string backend;
    std::string bucket;
    std::string path;
    std::string endpoint;  // of create and restore only: the other routes do not take it
};

enum class Work : std::uint8_t { backup, restore };

// A backup or a restore, enough to ask for it again from another machine.
struct Job {
    std::string id;
    Work work = Work::backup;
    Place place;
    std::string location;                  // "s3://bucket/prefix/id", "file:///var/backups/id"; empty when not known
    std::optional<Moment> started;         // tells it from another backup of the same name
    std::vector<std::string> collections;  // empty when not known
};

model::JobRef to_ref(const Job& job);
// Throws Error{corrupt} for details that this driver did not write.
Job to_job(const model::JobRef& ref);
// Starts within a second of one another, or one that is not known: the server notes a job's start twice, a moment apart.
bool same_start(const std::optional<Moment>& a, const std::optional<Moment>& b);

// What a step of ours needs besides its job.
struct StepData {
    Job job;
    std::string method;  // "POST", "DELETE"
    std::string body;
    net::Headers headers;
    std::vector<std::string> collections;  // that must not exist, are to be restored, or are deleted
    std::string word, why;                 // restore: what its status said when it was planned
    bool placed = false;                   // restore: the files came from us, an old restore's status perhaps with them
};
model::JsonText render(const StepData& data);
StepData parse_step(const model::Step& step);

std::string create_body(const std::string& id, const std::vector<std::string>& collections,
                        const model::Options& options);
std::string restore_body(const std::vector<std::string>& collections, const model::Options& options,
                         const Place& place);
net::Headers azure_headers(const model::Options& options);
// "/tmp/b/b1" is "file:///tmp/b/b1"; anything with a scheme stays.
std::string location_of(const std::string& path);

// Details of a collection with tenants: {"tenants":{"ta":{"status":"HOT","count":70}}}.
struct TenantCount {
    std::string name, status;
    std::optional<std::uint64_t> count;
};
model::JsonText render_tenants(const std::vector<TenantCount>& tenants);
std::vector<TenantCount> parse_tenant_details(const model::JsonText& details);

// Details of an inspection: {"backends":{"s3":"s3://bucket/prefix"}}.
model::JsonText render_modules(const std::vector<Backend>& backends);

// What goes into a manifest of ours.
struct Notes {
    Place place;
    std::string base;
    std::vector<std::string> skipped;  // "Mt: tb (COLD)"
};
model::JsonText render(const Notes& notes);
Notes parse_notes(const model::JsonText& text);

// The routes. Thread-safe.
class Routes {
public:
    explicit Routes(const net::Http& http) : http_(http) {}

    Server server(Call& call) const;
    std::vector<NodeState> nodes(Call& call) const;
    std::vector<model::Collection> schema(Call& call) const;
    Aliases aliases(Call& call) const;
    std::vector<Tenant> tenants(Call& call, const std::string& collection) const;
    std::vector<Counted> counts(Call& call, const std::string& query, std::size_t asked) const;
    std::vector<Status> list(Call& call, const std::string& backend, std::string_view order) const;
    // Empty: no such job. `poll`: the caller repeats, so the wire does not.
    std::optional<Status> status(Call& call, const Job& job, bool poll = false) const;
    // Does this very server hold the job in memory now? A status that stands in storage may be what a crash left. Asked
    // by a path where nothing lies: what is in memory is found by its id alone.
    bool holds(Call& call, const Job& job) const;
    Taken begin(Call& call, const StepData& data) const;
    void cancel(Call& call, const Job& job) const;
    void delete_collection(Call& call, const std::string& name) const;

private:
    net::Response get(Call& call, const std::string& path, bool repeat = true) const;
    const net::Http& http_;
};

}  // namespace vbackup::driver::weaviate
